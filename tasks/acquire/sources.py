"""Reading the user's list, whatever its form, into the table `sources`."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from storage.errors import InputError
from storage.reasons import PassedOver
from storage.tables.acquisition import SOURCES
from tasks.acquire.address import redact, without_userinfo
from tasks.acquire.folder import Skipped, look_through
from tasks.acquire.lists.clean import read_clean_ids
from tasks.acquire.lists.columnar import is_parquet, read_columnar
from tasks.acquire.lists.delimited import is_table, read_delimited
from tasks.acquire.lists.landmarks import read_landmarks_lines, read_md5
from tasks.acquire.lists.rows import MISSING, Rows, check_cells, read_name
from tasks.acquire.lists.text import read_lines

_TABLES = (".csv", ".tsv")
_BOX = ("list_x1", "list_y1", "list_x2", "list_y2")


class SourceList(NamedTuple):
    """A list as it was read.

    Attributes:
        table: `sources`, in the order of the list. A row without a class has the landmark_id "".
        unlabelled: of each image that goes for want of a class, where it stands, and what stands there.
        credentials: how many addresses had a user name or a password, which were cut off and are kept nowhere.
    """

    table: pa.Table
    unlabelled: Mapping[str, tuple[str, str]] = {}
    credentials: int = 0


def read_sources(
    path: Path, md5_file: Path | None = None, clean_file: Path | None = None, *, any_depth: bool = False
) -> pa.Table:
    """Returns the table `sources` of a list; see `read_list`."""
    return read_list(path, md5_file, clean_file, any_depth=any_depth).table


def read_list(
    path: Path,
    md5_file: Path | None = None,
    clean_file: Path | None = None,
    *,
    any_depth: bool = False,
    longest: int | None = None,
) -> SourceList:
    """Reads a list.

    Args:
        path: a text file with a header of the columns id, url, landmark_id, separated by commas, semicolons, tabs or
            bars, or a Parquet file with them (Google-Landmarks); a text file of lines `URL CLASS_ID` or
            `URL CLASS_ID x1 x2 y1 y2` (Landmarks); or a folder of class folders of images. Text may be packed by gzip.
        md5_file: one MD5 per line; line i belongs to line i of the list.
        clean_file: Google-Landmarks v2's `train_clean.csv`; only the ids it names are kept.
        any_depth: whether a folder's images may lie at its top, and need no class. The class of all others is the
            folder that they lie in. Files that get no row are told by `skipped_files`.
        longest: bytes of the longest file of a folder whose MD5 is worked out; None: of any. Others are not read.

    Raises:
        InputError: the list does not parse, or no row of it has a class; the text names file, line and column, and what
            was expected.
    """
    if not (path.is_file() or path.is_dir()):  # a pipe or a device may have no end, and is read twice
        expected = "a CSV or Parquet file, a text file of URL CLASS_ID, or a folder"
        raise InputError(f"{path}: no such list, or no plain file; give {expected}")
    read = _read_folder(path, longest, any_depth=any_depth) if path.is_dir() else _settle(path, _read_file(path))
    if md5_file:
        md5 = pa.array(read_md5(md5_file, read.table.num_rows), pa.string())
        read = read._replace(table=_with(read.table, "md5", md5))
    if clean_file:
        read = read._replace(table=_narrow(read.table, clean_file))
    _check_ids(path, read.table)
    return read


def _read_file(path: Path) -> Rows:
    if is_parquet(path):
        return read_columnar(path)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if set(suffixes[-2:]) & set(_TABLES) or is_table(next(read_lines(path), "")):
        return read_delimited(path)
    return read_landmarks_lines(path)


def _settle(path: Path, rows: Rows) -> SourceList:
    """The rows of a file as a table: what their cells mean, whatever program wrote them."""
    if not rows.urls:
        raise InputError(f"{path}: the list is empty")
    check_cells(path, rows)
    urls = [without_userinfo(cell) for cell in rows.urls]
    labels = ["" if cell in MISSING else read_name(cell) for cell in rows.labels]
    if not any(labels):
        found = f"{rows.location(0)}: {rows.labels[0]!r}"
        raise InputError(f"{path}: no row has a class ({found}); write one into the column landmark_id")
    named = rows.ids or (f"{label} {url}" for label, url in zip(labels, urls, strict=True))
    ids = [read_name(name) if rows.ids else hashlib.sha256(name.encode()).hexdigest()[:16] for name in named]
    boxes: dict[str, Any] = {} if rows.boxes is None else dict(zip(_BOX, rows.boxes.T, strict=True))
    unlabelled: dict[str, tuple[str, str]] = {}
    for row in (row for row, label in enumerate(labels) if not label):
        unlabelled.setdefault(ids[row], (rows.location(row), rows.labels[row]))
    return SourceList(
        _to_table({"image_id": ids, "url": urls, "landmark_id": labels, **boxes}),
        unlabelled,
        sum(cell != url for cell, url in zip(rows.urls, urls, strict=True)),
    )


def merge_classes(sources: pa.Table, merge: Mapping[str, str]) -> pa.Table:
    """Returns the table `sources` with the images of some classes listed under others.

    Args:
        merge: class to the class that its images count as.

    Raises:
        InputError: the list does not have one of the classes, or one is merged that others are merged into.
    """
    listed = sources["landmark_id"].to_pylist()
    known = set(listed)
    for name, into in merge.items():
        wrong = f"overrides: merge {name!r} = {into!r}"
        for landmark_id in (name, into):
            if landmark_id not in known:
                raise InputError(f"{wrong}: the class {landmark_id!r} is not in the list")
        if into in merge:
            raise InputError(f"{wrong}: that is merged itself, into {merge[into]!r}; name the last class")
    return _with(sources, "landmark_id", pa.array([merge.get(name, name) for name in listed], pa.string()))


def duplicate_rows(sources: pa.Table) -> np.ndarray:
    """Returns for each row, int64 (n,), the row that named the image first: the row itself unless it is repeated."""
    first: dict[str, int] = {}
    return np.array([first.setdefault(image, row) for image, row in _columns(sources, "image_id", "row")], np.int64)


def skipped_files(path: Path) -> list[Skipped]:
    """Returns the files of a list that is a folder which `read_sources` gives no row, and why; none where it is a file.

    Raises:
        InputError: as `read_sources`.
    """
    if not path.is_dir():
        return []
    held = look_through(path)
    return sorted([*held.skipped, *(Skipped(name, PassedOver.NO_PHOTOGRAPH) for name in held.others)])


def folder_digest(listed: pa.Table, skipped: list[Skipped]) -> str:
    """Returns the digest of a list that is a folder, by its rows, which have its files' MD5s, and by what has none."""
    return hashlib.sha256(json.dumps([listed.to_pylist(), skipped]).encode()).hexdigest()


def _read_folder(path: Path, longest: int | None, *, any_depth: bool) -> SourceList:
    held = look_through(path)
    names = held.pictures
    at_the_top = [] if any_depth else [name for name in names if "/" not in name]
    if len(names) == len(at_the_top):
        expected = "files such as IMAGE.jpg" if any_depth else "CLASS/IMAGE.jpg folders"
        linked = [entry.path for entry in held.skipped if entry.reason == PassedOver.LINKED_OUT][:3]
        hint = f"; not followed, since they lead out of it: {', '.join(linked)}" if linked else ""
        raise InputError(f"{path}: no images found; expected {expected} below it{hint}")
    # The content's MD5 stands for the file, so that a changed picture is seen as one.
    files = [path / name for name in names]
    md5 = [_digest(file) if longest is None or file.stat().st_size <= longest else None for file in files]
    classes = [name.rpartition("/")[0] for name in names]
    table = _to_table({"image_id": names, "url": names, "landmark_id": classes, "md5": md5})
    return SourceList(table, dict.fromkeys(at_the_top, (f"{path}, at its top", "")))


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, partial(hashlib.md5, usedforsecurity=False)).hexdigest()


def _to_table(rows: Mapping[str, Any]) -> pa.Table:
    count = len(rows["image_id"])
    columns = {"row": range(count)} | {name: rows.get(name, [None] * count) for name in SOURCES.schema.names[1:]}
    return pa.table(columns, SOURCES.schema)


def _with(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    index = SOURCES.schema.get_field_index(name)
    return table.set_column(index, SOURCES.schema.field(index), values)


def _narrow(table: pa.Table, clean_file: Path) -> pa.Table:
    clean = {image for _, image in read_clean_ids(clean_file)}
    kept = table.filter(pa.array([image in clean for image in table["image_id"].to_pylist()]))
    if not kept.num_rows:
        raise InputError(f"{clean_file}: none of its ids is in the list; do they belong together?")
    return _with(kept, "row", pa.array(range(kept.num_rows), pa.int64()))


def _check_ids(path: Path, table: pa.Table) -> None:
    rows: dict[str, tuple[int, str, str]] = {}
    for row, image, url, landmark in _columns(table, "row", "image_id", "url", "landmark_id"):
        first, *other = rows.setdefault(image, (row, url, landmark))
        if other != [url, landmark]:
            here, there = (f"{redact(address)!r} of class {name!r}" for address, name in ((url, landmark), other))
            raise InputError(
                f"{path}: row {row + 1}, column id: {image!r} stands for {here} here and for {there} in row "
                f"{first + 1}; an id needs one address and one class"
            )


def _columns(table: pa.Table, *names: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(table[name].to_pylist() for name in names), strict=True)
