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
from tasks.captions.formats import FORMATS, kind_of
from tasks.captions.synsets import wordnet_version


class LocalFile(BaseModel):
    """A file of annotations on this machine."""

    model_config = ConfigDict(frozen=True)

    path: Path
    sha256: str


class CaptionsRequest(BaseModel):
    """Files or archives, and a name, that are known to be usable; all paths absolute."""

    model_config = ConfigDict(frozen=True)

    files: dict[str, LocalFile] = Field(description="local files by kind; without any, archives are fetched")
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
        files: files named as Visual Genome's, or folders of such; none: fetch the archives of the settings.

    Raises:
        InputError: names the file, the setting, the name or the root, and says what to do.
    """
    check_name(name)
    found = _by_kind([path for given in files for path in _expand(given)])
    archives = {} if files else {str(kind): archive for kind, archive in settings.archives.official.items()}
    _check_kinds({**found, **archives})
    if settings.split.val_percent + settings.split.test_percent > 99:
        raise InputError("[split] val_percent and test_percent leave nothing to train; make their sum at most 99")
    if pictures and not pictures.is_dir():
        raise InputError(f"pictures {pictures}: no such folder; expected one with files such as 1.jpg below it")
    store = Root(root)
    store.check_writable()
    check_free(store, f"{CaptionManifest.shelf}/{name}")
    local = {
        kind: LocalFile(path=found[kind].absolute(), sha256=_digest(found[kind])) for kind in FORMATS if kind in found
    }
    folder = pictures.absolute() if pictures else None
    return CaptionsRequest(
        files=local, archives=archives, name=name, note=note, pictures=folder, wordnet=wordnet_version()
    )


def _expand(given: Path) -> list[Path]:
    if not given.is_dir():
        return [given]
    found = [path for path in sorted(given.iterdir()) if path.name.startswith(tuple(FORMATS)) and path.is_file()]
    if not found:
        raise InputError(f"{given}: no file of Visual Genome in it; expected names such as region_descriptions.json")
    return found


def _by_kind(paths: list[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in paths:
        kind = kind_of(path.name)
        if kind in found:
            raise InputError(f"{found[kind]} and {path} both hold {kind}; give one of them")
        if not path.is_file():
            raise InputError(f"{path}: no such file")
        found[kind] = path
    return found


def _check_kinds(kinds: Mapping[str, Path | RemoteFile]) -> None:
    if {"region_descriptions", "region_graphs"} <= kinds.keys():
        raise InputError("region_descriptions and region_graphs hold the same phrases; give one of them")
    if not kinds.keys() & {"region_descriptions", "region_graphs", "objects"}:
        raise InputError("nothing to encode: give region_descriptions, region_graphs or objects")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
