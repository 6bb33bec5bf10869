"""Reading the user's list, whatever its form, into the table `sources`."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from storage.errors import InputError
from storage.reasons import PassedOver
from storage.tables import SOURCES
from tasks.acquire.folder import Skipped, look_through

csv.field_size_limit(2**31 - 1)  # a class of the clean list is one field
_COLUMNS = ("id", "url", "landmark_id")
_BOX = ("list_x1", "list_y1", "list_x2", "list_y2")


def read_sources(
    path: Path, md5_file: Path | None = None, clean_file: Path | None = None, *, any_depth: bool = False
) -> pa.Table:
    """Reads a list.

    Args:
        path: a CSV or Parquet file with the columns id, url, landmark_id (Google-Landmarks); a text file of lines
            `URL CLASS_ID` or `URL CLASS_ID x1 x2 y1 y2` (Landmarks); or a folder of class folders of images.
        md5_file: one MD5 per line; line i belongs to line i of the list.
        clean_file: Google-Landmarks v2's `train_clean.csv`; only the ids it names are kept.
        any_depth: whether a folder's images may lie at its top, without a class: that is "". The class of all others is
            the folder that they lie in. Files that get no row are told by `skipped_files`.

    Returns:
        The table `sources`, in the order of the list.

    Raises:
        InputError: the list does not parse; the text names file, line and column, and what was expected.
    """
    if not path.exists():
        raise InputError(f"{path}: no such list; give a CSV or Parquet file, a text file of URL CLASS_ID, or a folder")
    if path.is_dir():
        rows = _read_folder(path, any_depth=any_depth)
    elif path.suffix.lower() == ".parquet":
        rows = _read_parquet(path)
    elif path.suffix.lower() == ".csv":
        rows = _read_csv(path)
    else:
        rows = _read_landmarks_lines(path)
    if not rows["image_id"]:
        raise InputError(f"{path}: the list is empty")
    if md5_file:
        rows["md5"] = _read_md5(md5_file, len(rows["image_id"]))
    table = _to_table(rows)
    if clean_file:
        table = _narrow(table, clean_file)
    _check_ids(path, table)
    return table


def merge_classes(sources: pa.Table, merge: Mapping[str, str]) -> pa.Table:
    """The table `sources` with the images of some classes listed under others.

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
    place = SOURCES.schema.get_field_index("landmark_id")
    merged = pa.array([merge.get(name, name) for name in listed], pa.string())
    return sources.set_column(place, SOURCES.schema.field(place), merged)


def read_clean_ids(clean_file: Path) -> Iterator[tuple[str, str]]:
    """Reads Google-Landmarks v2's `train_clean.csv`: landmark_id and image_id of each image that it names.

    Raises:
        InputError: the file does not parse; the text names file and line.
    """
    reader = csv.DictReader(_lines(clean_file))
    if not {"landmark_id", "images"} <= set(reader.fieldnames or ()):
        raise InputError(f"{clean_file}: line 1: expected a header with landmark_id, images")
    for line in reader:
        if line["images"] is None:
            raise InputError(f"{clean_file}: line {reader.line_num}: no images; expected landmark_id, images")
        yield from ((line["landmark_id"], image) for image in line["images"].split())


def duplicate_rows(sources: pa.Table) -> np.ndarray:
    """For each row, int64 (n,): the row that named the image first, which is the row itself unless it is repeated."""
    first: dict[str, int] = {}
    return np.array([first.setdefault(image, row) for image, row in _columns(sources, "image_id", "row")], np.int64)


def skipped_files(path: Path, *, any_depth: bool = False) -> list[Skipped]:
    """The files of a list that is a folder which `read_sources` gives no row, and why; none where it is a file.

    Raises:
        InputError: as `read_sources`.
    """
    if not path.is_dir():
        return []
    held = look_through(path)
    homeless = [] if any_depth else [Skipped(name, PassedOver.NO_CLASS) for name in held.pictures if "/" not in name]
    return sorted([*held.skipped, *homeless, *(Skipped(name, PassedOver.NO_PHOTOGRAPH) for name in held.others)])


def folder_digest(listed: pa.Table, skipped: list[Skipped]) -> str:
    """The digest of a list that is a folder, by its rows, which have its files' MD5s, and by what has none."""
    return hashlib.sha256(json.dumps([listed.to_pylist(), skipped]).encode()).hexdigest()


def _read_folder(path: Path, *, any_depth: bool) -> dict[str, list[object]]:
    held = look_through(path)
    names = [name for name in held.pictures if any_depth or "/" in name]
    if not names:
        expected = "files such as IMAGE.jpg" if any_depth else "CLASS/IMAGE.jpg folders"
        linked = [entry.path for entry in held.skipped if entry.reason == PassedOver.LINKED_OUT][:3]
        hint = f"; not followed, since they lead out of it: {', '.join(linked)}" if linked else ""
        raise InputError(f"{path}: no images found; expected {expected} below it{hint}")
    # The content's MD5 stands for the file, so that a changed picture is seen as one.
    md5 = []
    for name in names:
        with (path / name).open("rb") as file:
            md5.append(hashlib.file_digest(file, partial(hashlib.md5, usedforsecurity=False)).hexdigest())
    return {
        "image_id": list(names),
        "url": list(names),
        "landmark_id": [name.rpartition("/")[0] for name in names],
        "md5": list(md5),
    }


def _read_parquet(path: Path) -> dict[str, list[object]]:
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: not a Parquet file ({error})") from error
    _check_columns(path, table.column_names)
    columns = {}
    for name in _COLUMNS:
        try:
            columns[name] = table[name].cast(pa.string()).to_pylist()
        except pa.ArrowException as error:
            raise InputError(f"{path}: column {name}: expected text or numbers, not {table[name].type}") from error
    for name, values in columns.items():
        empty = [row for row, value in enumerate(values) if not (value or "").strip()]
        if empty:
            raise InputError(f"{path}: row {empty[0]}, column {name}: empty")
    return dict(zip(("image_id", "url", "landmark_id"), columns.values(), strict=True))


def _read_csv(path: Path) -> dict[str, list[object]]:
    reader = csv.reader(_lines(path), strict=True, skipinitialspace=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_columns(path, header)
        places = [header.index(name) for name in _COLUMNS]
        columns: list[list[object]] = [[], [], []]
        for fields in reader:
            if not fields:
                continue
            if len(fields) != len(header):
                raise InputError(
                    f"{path}: line {reader.line_num}: {len(fields)} columns, expected {len(header)} as in the header"
                )
            for column, place, name in zip(columns, places, _COLUMNS, strict=True):
                if not fields[place].strip():
                    raise InputError(f"{path}: line {reader.line_num}, column {name}: empty")
                column.append(fields[place].strip())
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: {error}; expected comma-separated values") from error
    return dict(zip(("image_id", "url", "landmark_id"), columns, strict=True))


def _check_columns(path: Path, found: Iterable[str]) -> None:
    missing = [name for name in _COLUMNS if name not in found]
    if missing:
        raise InputError(f"{path}: line 1: no column {', '.join(missing)}; expected a header with id, url, landmark_id")


def _read_landmarks_lines(path: Path) -> dict[str, list[object]]:
    rows: dict[str, list[object]] = {name: [] for name in ("image_id", "url", "landmark_id")}
    boxes: list[list[float]] = []
    width = 0
    for number, line in enumerate(_lines(path), start=1):
        fields = line.split()
        if not fields:
            raise InputError(f"{path}: line {number}: empty; expected URL CLASS_ID, with or without x1 x2 y1 y2")
        width = width or len(fields)
        if len(fields) not in (2, 6) or len(fields) != width:
            raise InputError(
                f"{path}: line {number}: {len(fields)} columns, expected {width if width in (2, 6) else '2 or 6'}"
            )
        for column, text in enumerate(fields[1:], start=2):
            if not re.fullmatch("-?[0-9]+", text):
                raise InputError(f"{path}: line {number}, column {column}: {text!r}, expected an integer")
        rows["image_id"].append(hashlib.sha256(f"{fields[1]} {fields[0]}".encode()).hexdigest()[:16])
        rows["url"].append(fields[0])
        rows["landmark_id"].append(fields[1])
        boxes.append([float(text) for text in fields[2:]])
    if width == 6:
        rows |= dict(zip(_BOX, map(list, _order_boxes(path, np.array(boxes)).T), strict=True))
    return rows


def _order_boxes(path: Path, found: np.ndarray) -> np.ndarray:
    """Brings boxes (n, 4) to x1 y1 x2 y2. The known lists have x1 x2 y1 y2; one that fits neither order is refused."""
    as_published = found[:, [0, 2, 1, 3]]
    orders = [(_sane(boxes), boxes) for boxes in (as_published, found)]
    sane, boxes = max(orders, key=lambda order: order[0].sum())  # the published one where both fit alike
    if sane.mean() > 0.99 or len(boxes) - sane.sum() <= 1 < len(boxes):
        return boxes
    wrong = int(np.flatnonzero(~sane)[0]) + 1
    raise InputError(
        f"{path}: line {wrong}, columns 3–6: boxes are neither x1 x2 y1 y2 nor x1 y1 x2 y2 with x1 < x2, y1 < y2"
    )


def _sane(boxes: np.ndarray) -> np.ndarray:
    return np.asarray((boxes[:, :2] >= 0).all(axis=1) & (boxes[:, :2] < boxes[:, 2:]).all(axis=1))


def _read_md5(path: Path, count: int) -> list[object]:
    values = [line.split()[0] if line.split() else "" for line in _lines(path)]
    if len(values) != count:
        raise InputError(f"{path}: {len(values)} lines, expected {count}, one per line of the list")
    for number, value in enumerate(values, start=1):
        if len(value) != 32 or not set(value.lower()) <= set("0123456789abcdef"):
            raise InputError(f"{path}: line {number}: {value!r}, expected an MD5 of 32 hexadecimal digits")
    return [value.lower() for value in values]


def _lines(path: Path) -> Iterator[str]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror}); give a text file") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(f"{path}: line {line}: not UTF-8 text ({error.reason})") from error
    yield from io.StringIO(text, newline=None)


def _to_table(rows: dict[str, list[object]]) -> pa.Table:
    count = len(rows["image_id"])
    columns = {"row": list(range(count))} | {name: rows.get(name, [None] * count) for name in SOURCES.schema.names[1:]}
    return pa.table(columns, SOURCES.schema)


def _narrow(table: pa.Table, clean_file: Path) -> pa.Table:
    clean = {image for _, image in read_clean_ids(clean_file)}
    kept = table.filter(pa.array([image in clean for image in table["image_id"].to_pylist()]))
    if not kept.num_rows:
        raise InputError(f"{clean_file}: none of its ids is in the list; do they belong together?")
    return kept.set_column(0, SOURCES.schema.field("row"), pa.array(range(kept.num_rows), pa.int64()))


def _check_ids(path: Path, table: pa.Table) -> None:
    rows: dict[str, tuple[int, str, str]] = {}
    for row, image, url, landmark in _columns(table, "row", "image_id", "url", "landmark_id"):
        first = rows.setdefault(image, (row, url, landmark))
        if first[1:] != (url, landmark):
            raise InputError(
                f"{path}: row {row + 1}, column id: {image!r} stands for {url!r} of class {landmark!r} here and for "
                f"{first[1]!r} of class {first[2]!r} in row {first[0] + 1}; an id needs one address and one class"
            )


def _columns(table: pa.Table, *names: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(table[name].to_pylist() for name in names), strict=True)
