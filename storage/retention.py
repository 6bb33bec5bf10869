"""What of a root may go: versions beyond those to keep, and the stored images and stages' outputs that only they need.

Nothing is touched that is not known: files of a version, of a stage's output, or an image by its digest.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from storage.errors import DamagedTableError
from storage.heads import SPARE_IMAGES, Head, read_head
from storage.manifest import CaptionManifest, IndexManifest, Manifest, NetworkManifest, Version
from storage.parquet import read_table
from storage.root import Root
from storage.tables.acquisition import IMAGES
from storage.versions import (
    latest_if_sound,
    list_folders,
    list_names,
    read_manifest,
    source_of,
    version_table,
)

KINDS: tuple[type[Version], ...] = (Manifest, CaptionManifest, NetworkManifest, IndexManifest)
"""All kinds of versions, those that others are made of first."""

_RECORDS, _HEADS = "stages/records", "stages/acquire/heads"
_IMAGE = re.compile(r"images/[0-9a-f]{2}/[0-9a-f]{64}\.\w+")
_OUTPUT = re.compile(r"(stages/[^/]+/[0-9a-f]{32})/")


@dataclass(frozen=True)
class Superfluous:
    """What nothing that is kept needs: folders of versions, of stages' outputs, records and images; and their bytes."""

    versions: tuple[str, ...]
    outputs: tuple[str, ...]
    images: tuple[str, ...]
    bytes: int

    @property
    def paths(self) -> Iterator[str]:
        """All of it; versions first, so that none that is there ever lacks what it needs."""
        yield from (*self.versions, *self.outputs, *self.images)


def write_memo_keys(root: Root, version: Version, keys: Iterable[str]) -> None:
    """Writes down which outputs of stages a version was made of: while it is kept, they are."""
    path, content = _keys_path(version), json.dumps(sorted(keys)).encode()
    if not root.exists(path) or root.read(path) != content:
        root.write(path, content)


def find_superfluous(root: Root, keep: int) -> Superfluous:
    """Returns what may go where of each name the newest versions are kept, and the latest, and what these were made of.

    Raises:
        DamagedTableError: a manifest, or a table of images that is to be kept, can't be read: nobody can say what it
            needs.
    """
    sizes = root.find("")
    kept, superfluous = _choose(root, keep)
    keys = {key for version in kept for key in _memo_keys(root, version)}
    records = {key: f"{_RECORDS}/{key}" for key in root.names(_RECORDS)}
    needed = {path for key in keys & records.keys() for path in _outputs_of(root, records[key])}
    needed |= {f"stages/{name}/{digest}" for name, _, digest in (key.rpartition("-") for key in keys)}
    needed |= {match[1] for head in _heads(root) for ref in head.tables.values() if (match := _OUTPUT.match(ref.path))}
    needed |= {path for record in sizes if "/newest/" in record for path in _outputs_of_newest(root, record)}
    needed |= {match[1] for path in sizes if "/partial/" in path and (match := _OUTPUT.match(path))}  # of killed runs
    outputs = {match[1] for path in sizes if (match := _OUTPUT.match(path))} - needed
    unused = {records[key] for key in records.keys() - keys}
    images = {path for path in sizes if _IMAGE.fullmatch(path)} - _images(root, kept)
    folders = {version.folder for version in superfluous} | {
        path for version in superfluous for path in _beside(root, version)
    }
    chosen = tuple(sorted(folders)), tuple(sorted(outputs)) + tuple(sorted(unused)), tuple(sorted(images))
    prefixes = tuple(f"{path}/" for path in (*chosen[0], *chosen[1]))
    single = {path for part in chosen for path in part}
    total = sum(size for path, size in sizes.items() if path in single or path.startswith(prefixes))
    return Superfluous(*chosen, total)


def _choose(root: Root, keep: int) -> tuple[list[Version], list[Version]]:
    """The versions that stay and those that go, of all kinds; what a later kind was made of stays with it."""
    kept, superfluous, needed = list[Version](), list[Version](), set[tuple[str, str]]()
    for kind in reversed(KINDS):
        for name in list_names(root, kind):
            folders = list_folders(root, name, kind)
            latest = latest_if_sound(root, name, kind)
            for folder in folders:
                version = read_manifest(root, name, folder, kind)
                stays = folder in folders[-keep:] or version == latest or (kind.shelf, source_of(version)) in needed
                (kept if stays else superfluous).append(version)
                needed |= set(_made_of(version)) if stays else set()
    return kept, superfluous


def _made_of(version: Version) -> Iterator[tuple[str, str]]:
    if isinstance(version, IndexManifest | NetworkManifest):
        yield Manifest.shelf, version.source
    if isinstance(version, NetworkManifest) and version.captions:
        yield CaptionManifest.shelf, version.captions
    if isinstance(version, IndexManifest) and version.trained:
        yield NetworkManifest.shelf, version.trained


def _keys_path(version: Version) -> str:
    return f"stages/used/{version.folder}.json"


def _memo_keys(root: Root, version: Version) -> list[str]:
    path = _keys_path(version)
    try:
        found = json.loads(root.read(path))
    except FileNotFoundError:  # made before keys were written down: its outputs may be computed anew
        return []
    except ValueError as error:
        raise DamagedTableError(f"{root.url}/{path} is no list of keys; remove it") from error
    return [key for key in found if isinstance(key, str)]


def _outputs_of(root: Root, record: str) -> set[str]:
    """The folders of stages' outputs that a record of the memo names; a stage may hand on another's file."""
    try:
        return _folders(json.loads(json.loads(root.read(record))["result"]))
    except (ValueError, KeyError, TypeError):  # no record: the memo takes it for none
        return set()


def _outputs_of_newest(root: Root, record: str) -> set[str]:
    """The same of what a stage found last, and takes its next run's single pictures from."""
    try:
        return _folders(json.loads(root.read(record)))
    except ValueError:
        return set()


def _folders(content: Any) -> set[str]:
    return {match[1] for path in _paths(content) if (match := _OUTPUT.match(path))}


def _paths(content: Any) -> Iterator[str]:
    if isinstance(content, dict):
        if isinstance(content.get("path"), str):
            yield content["path"]
        content = list(content.values())
    if isinstance(content, list):
        for part in content:
            yield from _paths(part)


def _heads(root: Root) -> Iterator[Head]:
    for name in root.names(_HEADS):
        for shard in root.names(f"{_HEADS}/{name}"):
            if head := read_head(root, f"{_HEADS}/{name}/{shard}"):
                yield head


def _images(root: Root, kept: Iterable[Version]) -> set[str]:
    """The stored images that versions name, and that the next run of a list would look for."""
    refs = [version_table(version, IMAGES.name) for version in kept if isinstance(version, Manifest)]
    for head in _heads(root):
        refs += [head.tables[name] for name in (IMAGES.name, SPARE_IMAGES) if name in head.tables]
    return {path for ref in refs for path in read_table(root, ref, ["path"])["path"].to_pylist()}


def _beside(root: Root, version: Version) -> Iterator[str]:
    """What lies beside a version's folder and tells of it: its memo keys, its review, its pages of changes."""
    own, shelf = version.folder_name, f"{version.shelf}/{version.name}"
    candidates = [_keys_path(version), f"{shelf}/reviews/{own}.json"]
    candidates += [f"{shelf}/changes/{page}" for page in root.names(f"{shelf}/changes") if own in page.split("-to-")]
    yield from (path for path in candidates if root.exists(path))
