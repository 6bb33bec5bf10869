"""What the flow `captions` is asked for: checked in full before any work, and before anything is written."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from flows.settings import CaptionsSettings
from storage.errors import InputError
from storage.locks import check_free
from storage.manifest import CaptionManifest
from storage.root import Root
from storage.versions import check_name
from tasks.acquire.settings import RemoteFile
from tasks.captions.coco import coco_kind
from tasks.captions.formats import FORMATS, kind_of
from tasks.captions.synsets import wordnet_version

OFFICIAL_NAME = "visual-genome"
"""What captions are called unless told otherwise."""


class LocalFile(BaseModel):
    """A file of annotations on this machine."""

    model_config = ConfigDict(frozen=True)

    path: Path
    sha256: str


class CaptionsRequest(BaseModel):
    """Files or archives, and a name, that are known to be usable; all paths absolute."""

    model_config = ConfigDict(frozen=True)

    files: dict[str, LocalFile] = Field(
        description="local files of Visual Genome by kind; archives where none is given"
    )
    coco: dict[str, LocalFile] = Field(
        description="local files of COCO's captions by kind, in place of Visual Genome's"
    )
    archives: dict[str, RemoteFile]
    name: str
    note: str
    pictures: Path | None = Field(description="folder of pictures for the report")
    wordnet: str | None = Field(description="version of the WordNet that NLTK finds here")


def check_captions_request(
    files: Sequence[Path],
    name: str,
    root: str,
    settings: CaptionsSettings = CaptionsSettings(),
    note: str = "",
    pictures: Path | None = None,
) -> CaptionsRequest:
    """Checks all that a user can get wrong.

    Args:
        files: files named as Visual Genome's, or as COCO's captions, or folders of either; none: fetch the archives of
            the settings.

    Raises:
        InputError: names the file, the setting, the name or the root, and says what to do.
    """
    check_name(name)
    found = _by_kind([path for given in files for path in _expand(given)])
    archives = {} if files else {str(kind): archive for kind, archive in settings.archives.official.items()}
    coco = {kind: found.pop(kind) for kind in sorted(found) if kind not in FORMATS}
    _check_kinds({**found, **archives}, coco, name)
    if settings.split.val_percent + settings.split.test_percent > 99:
        raise InputError("[split] val_percent and test_percent leave nothing to train; make their sum at most 99")
    if pictures and not pictures.is_dir():
        raise InputError(f"pictures {pictures}: no such folder; expected one with files such as 1.jpg below it")
    store = Root(root)
    store.check_writable()
    check_free(store, f"{CaptionManifest.shelf}/{name}")
    local = {kind: _local(found[kind]) for kind in FORMATS if kind in found}
    folder = pictures.absolute() if pictures else None
    return CaptionsRequest(
        files=local,
        coco={kind: _local(path) for kind, path in coco.items()},
        archives=archives,
        name=name,
        note=note,
        pictures=folder,
        wordnet=wordnet_version(),
    )


def _expand(given: Path) -> list[Path]:
    if not given.is_dir():
        return [given]
    files = (path for path in sorted(given.iterdir()) if path.is_file())
    found = [path for path in files if path.name.startswith(tuple(FORMATS)) or coco_kind(path.name)]
    if not found:
        expected = "expected names such as region_descriptions.json or captions_train2017.json"
        raise InputError(f"{given}: no file of Visual Genome or of COCO's captions in it; {expected}")
    return found


def _by_kind(paths: list[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in paths:
        kind = coco_kind(path.name) or kind_of(path.name)
        if kind in found:
            raise InputError(f"{found[kind]} and {path} both hold {kind}; give one of them")
        if not path.is_file():
            raise InputError(f"{path}: no such file")
        found[kind] = path
    return found


def _check_kinds(kinds: Mapping[str, Path | RemoteFile], coco: Mapping[str, Path], name: str) -> None:
    """Checks which files go together; `kinds` are of Visual Genome."""
    if coco and kinds:
        both = f"{next(iter(coco))} is of COCO, {next(iter(kinds))} of Visual Genome"
        raise InputError(f"{both}: the same id is another image in each; encode them apart, with --name for each")
    if coco and name == OFFICIAL_NAME:
        raise InputError(f"{next(iter(coco))} is of COCO; give its captions a name of their own, such as --name coco")
    if coco:
        return
    if {"region_descriptions", "region_graphs"} <= kinds.keys():
        raise InputError("region_descriptions and region_graphs hold the same phrases; give one of them")
    if not kinds.keys() & {"region_descriptions", "region_graphs", "objects"}:
        raise InputError("nothing to encode: give region_descriptions, region_graphs or objects")


def _local(path: Path) -> LocalFile:
    with path.open("rb") as file:
        return LocalFile(path=path.absolute(), sha256=hashlib.file_digest(file, "sha256").hexdigest())
