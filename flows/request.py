"""What a curation is asked for: checked in full before any work, and before anything is written."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from flows.leaks import TestSets, check_test_sets
from flows.planning.forecast import forecast
from flows.planning.room import check_room, new_addresses
from flows.settings import CurateSettings
from storage.errors import InputError
from storage.locks import check_free
from storage.manifest import Manifest
from storage.root import Root
from storage.versions import check_name
from tasks.acquire.estimate import hosts_of
from tasks.acquire.remarks import contact_hint, odd_rows
from tasks.acquire.settings import LARGE_RUN, ListSettings, PoliteSettings
from tasks.acquire.sources import SourceList, folder_digest, merge_classes, read_list, skipped_files
from tasks.cluster.settings import Overrides
from tasks.features.known import KnownOverlays, check_overlays


class CurationRequest(BaseModel):
    """A list, a name and test sets that are known to be usable; all paths absolute."""

    model_config = ConfigDict(frozen=True)

    source: ListSettings
    list_digest: str = Field(description="digest of the contents of the list's files")
    name: str
    note: str = Field(description="what the maker says of the dataset, for its card and report")
    test_sets: TestSets
    overrides: Overrides
    overlays: KnownOverlays | None = Field(description="what overlays look like, as learnt elsewhere")
    remarks: tuple[str, ...] = Field(description="sentences on what is odd about the list, and what its hosts expect")
    forecast: dict[str, float] = Field(description="seconds that stages will take by typical costs, for progress bars")

    @property
    def folder(self) -> Path | None:
        """Base of the images' paths where the list is a folder."""
        return self.source.path if self.source.path.is_dir() else None


def check_request(
    source: ListSettings,
    name: str,
    root: str,
    test_sets: dict[str, Path],
    settings: CurateSettings = CurateSettings(),
    note: str = "",
    overrides: Overrides = Overrides(),
    aliases: Path | None = None,
    overlays: Path | None = None,
    anyway: bool = False,
    workers: int = 1,
) -> CurationRequest:
    """Checks all that a user can get wrong.

    Args:
        overlays: templates of overlays, learnt elsewhere. workers: tasks at once, for the forecast.
        anyway: whether a disk that has no room, by an estimate, is let pass.

    Raises:
        InputError: names the list's line, the file, the name, the root or the setting, and says what to do.
    """
    check_name(name)
    resolved = source.model_copy(update={field: path.absolute() for field, path in source if path})
    read = read_list(resolved.path, resolved.md5, resolved.clean, longest=settings.acquire.max_bytes)
    listed, polite, folder = read.table, settings.polite, resolved.path if resolved.path.is_dir() else None
    _check_contact(polite, 0 if folder else listed.num_rows)
    _check_pins(overrides, merge_classes(listed, overrides.merge))
    new = _check_root(Root(root), name, listed, folder, settings, anyway=anyway)
    return CurationRequest(
        source=resolved,
        list_digest=_list_digest(resolved, listed),
        name=name,
        note=note,
        test_sets=check_test_sets(test_sets, settings.features, aliases),
        overrides=overrides,
        overlays=check_overlays(overlays),
        remarks=(*odd_rows(read), *_not_listed(overrides, listed), *_hints(resolved, read, polite)),
        forecast=forecast(listed, new, bool(folder), len(test_sets), settings, workers),
    )


def _check_root(
    store: Root, name: str, listed: pa.Table, folder: Path | None, settings: CurateSettings, *, anyway: bool
) -> pa.ChunkedArray:
    """Checks that the root can be written, is free and has room, and returns the addresses that are new to it."""
    store.check_writable()
    check_free(store, f"{Manifest.shelf}/{name}")
    new = new_addresses(listed, store, name)
    if not anyway:
        check_room(new, folder, store, settings.features)
    return new


def _check_contact(polite: PoliteSettings, addresses: int) -> None:
    if not polite.contact and addresses > LARGE_RUN:
        raise InputError(
            f'{addresses:,} addresses and nobody to turn to: set contact = "you@example.org" (or a web page) in the '
            f"section [polite] of the settings, or --contact; hosts' owners see it with each request. Lists of up to "
            f"{LARGE_RUN:,} rows do without"
        )


def _hints(source: ListSettings, read: SourceList, polite: PoliteSettings) -> list[str]:
    hint = None if source.path.is_dir() else contact_hint(hosts_of(read.table["url"]), polite)
    return [hint] if hint else []


def _not_listed(overrides: Overrides, listed: pa.Table) -> Iterator[str]:
    """What a person decided of images that the list does not have, or no more: no reason to fail."""
    known = pc.unique(listed["image_id"])
    for section, images in (("keep", overrides.keep), ("drop", overrides.drop)):
        asked = pa.array(list(images), pa.string())
        if absent := asked.filter(pc.invert(pc.is_in(asked, known))).to_pylist():
            named = ", ".join(map(repr, absent[:3])) + (", …" if len(absent) > 3 else "")
            yield f"overrides: {section} names {len(absent):,} images that the list does not have: {named}"


def _check_pins(overrides: Overrides, sources: pa.Table) -> None:
    if not overrides.pin:
        return
    homes: dict[str, set[str]] = {}
    for image_id, landmark_id in zip(sources["image_id"].to_pylist(), sources["landmark_id"].to_pylist(), strict=True):
        homes.setdefault(landmark_id, set()).add(image_id)
    for landmark_id, image_id in overrides.pin.items():
        if image_id not in homes.get(landmark_id, ()):
            merged = f"is merged into {overrides.merge[landmark_id]!r}" if landmark_id in overrides.merge else ""
            wrong = merged or ("has no such image" if landmark_id in homes else "is not in the list")
            raise InputError(f"overrides: pin {landmark_id!r} = {image_id!r}: the class {wrong}")


def _list_digest(source: ListSettings, listed: pa.Table) -> str:
    if source.path.is_dir():
        return folder_digest(listed, skipped_files(source.path))
    digest = hashlib.sha256()
    for path in (source.path, source.md5, source.clean):
        if path:
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
