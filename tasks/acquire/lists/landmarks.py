"""Text lists of the dataset Landmarks: an address, a class and sometimes a box on each line; and MD5s beside them."""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from storage.errors import InputError
from tasks.acquire.address import redact
from tasks.acquire.lists.rows import MISSING, Rows, read_name
from tasks.acquire.lists.text import read_lines

_INTEGER = re.compile("-?[0-9]+")


def read_landmarks_lines(path: Path) -> Rows:
    """Reads lines of `URL CLASS_ID`, or all of `URL CLASS_ID x1 x2 y1 y2`, the box in either order of edges.

    Raises:
        InputError: names line and column.
    """
    lines = [line.split() for line in read_lines(path)]
    while lines and not lines[-1]:  # what an editor leaves
        lines.pop()
    width = len(lines[0]) if lines else 0
    for number, fields in enumerate(lines, start=1):
        if not fields:
            raise InputError(f"{path}: line {number}: empty; expected URL CLASS_ID, with or without x1 x2 y1 y2")
        if len(fields) not in (2, 6) or len(fields) != width:
            raise InputError(
                f"{path}: line {number}: {len(fields)} columns, expected {width if width in (2, 6) else '2 or 6'}; "
                f"found {redact(' '.join(fields))[:80]!r}"
            )
        for column, text in enumerate(fields[1:], start=2):
            if not (_INTEGER.fullmatch(text) or (column == 2 and _is_class(text))):
                raise InputError(f"{path}: line {number}, column {column}: {text!r}, expected an integer")
    boxes = _order_boxes(path, np.array([fields[2:] for fields in lines], np.float64)) if width == 6 else None
    urls, labels = ([fields[column] for fields in lines] for column in (0, 1))
    return Rows("line", range(1, len(lines) + 1), None, urls, labels, boxes)


def _is_class(text: str) -> bool:
    return text in MISSING or _INTEGER.fullmatch(read_name(text)) is not None


def _order_boxes(path: Path, found: NDArray[np.float64]) -> NDArray[np.float64]:
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


def _sane(boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray((boxes[:, :2] >= 0).all(axis=1) & (boxes[:, :2] < boxes[:, 2:]).all(axis=1))


def read_md5(path: Path, count: int) -> list[str]:
    """Reads a file with one MD5 per line, of lists of `count` rows.

    Raises:
        InputError: names the line, or says how many there are.
    """
    values = [line.split()[0] if line.split() else "" for line in read_lines(path)]
    while values and not values[-1]:
        values.pop()
    if len(values) != count:
        raise InputError(f"{path}: {len(values)} lines, expected {count}, one per line of the list")
    for number, value in enumerate(values, start=1):
        if len(value) != 32 or not set(value.lower()) <= set("0123456789abcdef"):
            raise InputError(f"{path}: line {number}: {value!r}, expected an MD5 of 32 hexadecimal digits")
    return [value.lower() for value in values]
