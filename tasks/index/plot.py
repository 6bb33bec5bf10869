"""Recall against bytes, drawn: what a smaller index loses."""

from collections.abc import Sequence
from html import escape
from math import floor, log2
from typing import NamedTuple

_WIDTH, _HEIGHT = 720, 400
_LEFT, _TOP, _RIGHT, _BOTTOM = 60, 24, 24, 52
_TENTHS = 5
_LETTER = 6.4  # pixels, about


class Point(NamedTuple):
    """An index: its name, the bytes that a descriptor takes, and the share of the nearest images that it finds."""

    name: str
    bytes: float
    recall: float


class _Place(NamedTuple):
    """Where a name stands: from and to which x, and the y of its line."""

    begin: float
    end: float
    y: float


def draw_recall(points: Sequence[Point]) -> str:
    """Returns a plot as SVG: bytes of a descriptor on a logarithmic axis, recall upwards, a dot for each index.

    Args:
        points: at least one.
    """
    low = floor(log2(min(point.bytes for point in points)))
    high = max(floor(log2(max(point.bytes for point in points))) + 1, low + 1)
    least = floor(_TENTHS * min(point.recall for point in points)) / _TENTHS
    least = min(least, 1 - 1 / _TENTHS)

    def x(size: float) -> float:
        return _LEFT + (log2(size) - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    def y(recall: float) -> float:
        return _HEIGHT - _BOTTOM - (recall - least) / (1 - least) * (_HEIGHT - _TOP - _BOTTOM)

    parts = [
        *(_line(x(2**power), y(least), x(2**power), y(1)) for power in range(low, high + 1)),
        *(_text(x(2**power), y(least) + 18, f"{2**power:,}") for power in range(low, high + 1)),
    ]
    for step in range(round(10 * (1 - least)) + 1):
        level = least + step / 10
        parts += [_line(x(2**low), y(level), x(2**high), y(level)), _text(_LEFT - 22, y(level) + 4, f"{level:.1f}")]
    parts += [
        _text(_WIDTH / 2, _HEIGHT - 10, "bytes of a descriptor"),
        _text(_LEFT, _TOP - 8, "recall@10"),
    ]
    taken = list[_Place]()
    for point in sorted(points, key=lambda point: point.bytes):
        parts.append(f'<circle cx="{x(point.bytes):.1f}" cy="{y(point.recall):.1f}" r="5" fill="#0a8a5f"/>')
        left, place = x(point.bytes) < _WIDTH * 0.6, _free_place(x(point.bytes), y(point.recall), point.name, taken)
        taken.append(place)
        parts.append(_text(place.begin if left else place.end, place.y, point.name, left, 0))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="Recall against bytes" font-family="system-ui, sans-serif" font-size="12">'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fbfbf9"/>{"".join(parts)}</svg>\n'
    )


def _free_place(x: float, y: float, name: str, taken: Sequence[_Place]) -> _Place:
    """A place for the name of a dot: below it, above it or further below, the first where no other name stands."""
    length = _LETTER * len(name)
    begin = x + 10 if x < _WIDTH * 0.6 else x - 10 - length
    places = [_Place(begin, begin + length, y + away) for away in (16, -10, 30)]
    free = (
        place
        for place in places
        if not any(abs(o.y - place.y) < 13 and o.begin < place.end and place.begin < o.end for o in taken)
    )
    return next(free, places[0])


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="#e2e2dc"/>'


def _text(x: float, y: float, text: str, begins: bool = False, ends: int = 1) -> str:
    anchor = "start" if begins else "middle" if ends else "end"
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#1b1d21">{escape(text)}</text>'
