"""Curves over iterations, drawn as SVG."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape

import numpy as np

_WIDTH, _HEIGHT = 720, 300
_LEFT, _TOP, _RIGHT, _BOTTOM = 64, 30, 24, 44
_COLOURS = ("#0a8a5f", "#b5451b", "#0b5cad", "#8a6d0b", "#7a3b9c")
_STEPS = 4

Curve = Sequence[tuple[float, float]]
"""Points (x, y), x ascending."""


def draw_curves(
    title: str, across: str, curves: Mapping[str, Curve], highest: float | None = None, marked: float | None = None
) -> str:
    """Returns a plot of one or more curves by name, in one scale that begins at 0.

    Args:
        across: what the horizontal axis is.
        highest: where the vertical axis ends; without it, a little above the highest point.
        marked: where a vertical line stands.
    """
    points = np.array([point for curve in curves.values() for point in curve]).reshape(-1, 2)
    right, found = np.maximum(points.max(axis=0), [1, 1e-9]) if len(points) else (1.0, 1.0)
    top = highest or _round_up(found)

    def at(x: float, y: float) -> tuple[float, float]:
        left, down = _LEFT + x / right * (_WIDTH - _LEFT - _RIGHT), y / top * (_HEIGHT - _TOP - _BOTTOM)
        return left, _HEIGHT - _BOTTOM - down

    parts = [*_axes(right, top, at), _text(_LEFT, 16, title, "start"), _text(_WIDTH / 2, _HEIGHT - 8, across)]
    if marked is not None:
        (x, y0), (_, y1) = at(marked, 0), at(marked, top)
        parts.append(f'<path d="M{x:.1f} {y0:.1f}V{y1:.1f}" stroke="#9aa0a8" stroke-dasharray="4 4"/>')
    for number, (name, curve) in enumerate(curves.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        path = "L".join("{:.1f} {:.1f}".format(*at(*point)) for point in curve)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        parts.append(_text(_WIDTH - _RIGHT - 150 * number, 16, name, "end", colour))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(title)}" font-family="system-ui, sans-serif" font-size="12">'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fbfbf9"/>{"".join(parts)}</svg>\n'
    )


def _round_up(highest: float) -> float:
    """The next of 1, 2 and 4 times a power of ten: four steps up to it are round numbers."""
    power = 10.0 ** np.floor(np.log10(highest))
    return float(next(power * times for times in (1, 2, 4, 10) if power * times >= highest))


def _axes(right: float, top: float, at: Callable[[float, float], tuple[float, float]]) -> Iterator[str]:
    for step in range(_STEPS + 1):
        x, y = right * step / _STEPS, top * step / _STEPS
        (x0, y0), (x1, _) = at(0, y), at(right, y)
        yield f'<path d="M{x0:.1f} {y0:.1f}H{x1:.1f}" stroke="#e2e2dc"/>'
        yield _text(x0 - 8, y0 + 4, f"{y:.3g}", "end")
        yield _text(at(x, 0)[0], at(x, 0)[1] + 18, f"{x:,.0f}")


def _text(x: float, y: float, words: str, anchor: str = "middle", colour: str = "#1b1d21") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'
