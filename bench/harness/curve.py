"""False edges against true edges kept, drawn as SVG."""

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_WIDTH, _HEIGHT = 720, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 24, 24, 64
_MARKED = {"false_alarms": (0, -2, -4, -6, -8, -10, -15), "inliers": (6, 7, 8, 9, 10, 12, 15, 20)}
_COLOURS = {"false_alarms": "#0b6e4f", "inliers": "#b5451b"}
_NAMES = {"false_alarms": "log10 of the false alarms, at most", "inliers": "inliers, at least"}
_NONE = 0.5  # where zero is drawn on the logarithmic axis


def edges_kept(found: pd.DataFrame, column: str, threshold: float) -> tuple[int, int]:
    """Edges within classes and across them that a threshold on `false_alarms` (most) or `inliers` (least) accepts."""
    accepted = found[column] <= threshold if column == "false_alarms" else found[column] >= threshold
    return int((accepted & ~found.cross).sum()), int((accepted & found.cross).sum())


def draw_curve(found: pd.DataFrame, path: Path) -> None:
    """Draws both curves over the pairs of `AllPairs.found`."""
    sweeps = {
        "false_alarms": np.sort(found.false_alarms[found.false_alarms <= 0].to_numpy()),
        "inliers": np.arange(found.inliers.max(), 5, -1),
    }
    curves = {name: np.array([edges_kept(found, name, t) for t in sweep]) for name, sweep in sweeps.items()}
    most = np.max([curve.max(axis=0) for curve in curves.values()], axis=0)
    path.write_text("\n".join(_page(found, curves, _Axes(*most.tolist()))) + "\n")


class _Axes:
    """Where a number of edges lies on the page: within classes to the right, across them upwards by powers of ten."""

    def __init__(self, within: int, across: int) -> None:
        self.within, self.decades = within, int(np.ceil(np.log10(max(across, 10))))

    def x(self, within: float) -> float:
        return _LEFT + within / self.within * (_WIDTH - _LEFT - _RIGHT)

    def y(self, across: float) -> float:
        low = np.log10(_NONE)
        share = (np.log10(max(across, _NONE)) - low) / (self.decades - low)
        return float(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM))


def _page(found: pd.DataFrame, curves: dict[str, NDArray[np.int64]], axes: _Axes) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        'font-size="12">'
    )
    yield '<rect width="100%" height="100%" fill="white"/>'
    yield from _grid(axes)
    for number, (name, curve) in enumerate(curves.items()):
        yield from _line(found, name, curve, axes)
        yield _text(_LEFT + 12, _TOP + 16 + 18 * number, _NAMES[name], _COLOURS[name])
    yield "</svg>"


def _grid(axes: _Axes) -> Iterator[str]:
    for across in [0, *(10**decade for decade in range(axes.decades + 1))]:
        y = axes.y(across)
        yield f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="#ddd"/>'
        yield _text(_LEFT - 8, y + 4, f"{across:,}", "#444", "end")
    for within in _round_steps(axes.within):
        yield _text(axes.x(within), _HEIGHT - _BOTTOM + 34, f"{within:,}", "#444", "middle")
    yield _text((_LEFT + _WIDTH) / 2, _HEIGHT - 8, "edges kept within classes", "#222", "middle")
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    label = _text(20, middle, "edges between different landmarks", "#222", "middle")
    yield f'<g transform="rotate(-90 20 {middle:.1f})">{label}</g>'


def _line(found: pd.DataFrame, name: str, curve: NDArray[np.int64], axes: _Axes) -> Iterator[str]:
    points = " ".join(f"{axes.x(within):.1f},{axes.y(across):.1f}" for within, across in _corners(curve))
    yield f'<polyline points="{points}" fill="none" stroke="{_COLOURS[name]}" stroke-width="2"/>'
    side = -8 if name == "inliers" else 16
    for threshold in _MARKED[name]:
        within, across = edges_kept(found, name, threshold)
        x, y = axes.x(within), axes.y(across)
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{_COLOURS[name]}"/>'
        yield _text(x, y + side, f"{threshold}".replace("-", "−"), _COLOURS[name], "middle")


def _corners(curve: NDArray[np.int64]) -> NDArray[np.int64]:
    """The curve without the points in the midst of a straight run."""
    turn = np.ones(len(curve), bool)
    turn[1:-1] = (np.diff(curve[:, 1])[:-1] != 0) | (np.diff(curve[:, 1])[1:] != 0)
    return np.unique(curve[turn], axis=0)


def _round_steps(most: int) -> Sequence[int]:
    step = 10 ** int(np.log10(max(most, 10)))
    return range(0, most + 1, step if most >= 4 * step else step // 5)


def _text(x: float, y: float, words: str, colour: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{escape(words)}</text>'
