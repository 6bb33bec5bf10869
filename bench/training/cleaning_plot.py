"""Curves of the arms over iterations, panels side by side, drawn as SVG."""

from collections.abc import Iterator, Mapping
from html import escape

import numpy as np
from numpy.typing import NDArray

_WIDTH, _HEIGHT = 960, 340
_LEFT, _RIGHT, _TOP, _BOTTOM, _BETWEEN = 66, 90, 56, 44, 30
_COLOURS = ("#b5451b", "#8a6d0b", "#7a3b9c", "#0a8a5f", "#0b5cad")
_STEPS, _LEVELS = 3, 5
Curves = Mapping[str, NDArray[np.float64]]
"""By arm, mAP (seeds, scores)."""


def draw_arms(panels: Mapping[str, Curves], iterations: int) -> str:
    """A plot of what each arm gained since its start, the mean over seeds, in one scale; scores are evenly spaced."""
    means = {title: {arm: _gained(own) for arm, own in curves.items()} for title, curves in panels.items()}
    every = np.concatenate([mean for own in means.values() for mean in own.values()])
    low, high = np.floor(1000 * every.min()) / 1000, np.ceil(1000 * every.max()) / 1000
    width = (_WIDTH - _LEFT - _RIGHT - _BETWEEN * (len(panels) - 1)) / len(panels)
    parts = list[str]()
    for number, (title, own) in enumerate(means.items()):
        left = _LEFT + number * (width + _BETWEEN)
        parts.append(_text(left + width / 2, _TOP - 14, title))
        parts += _axes(left, width, (low, high), iterations)
        parts += _lines(own, left, width, (low, high), named=number == len(panels) - 1)
    parts.append(_text(_WIDTH / 2, _HEIGHT - 8, "iterations"))
    parts.append(_text(_LEFT, 16, "mAP gained on classes that are held back", "start"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="mAP of the arms" font-family="system-ui, sans-serif" font-size="12">'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fbfbf9"/>{"".join(parts)}</svg>\n'
    )


def _gained(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    gained: NDArray[np.float64] = (scores - scores[:, :1]).mean(axis=0)
    return gained


def _axes(left: float, width: float, scale: tuple[float, float], iterations: int) -> Iterator[str]:
    thousandths = [round(1000 * level) for level in scale]
    for level in range(thousandths[0], thousandths[1] + 1, max(1, (thousandths[1] - thousandths[0]) // _LEVELS)):
        y = _y(level / 1000, *scale)
        yield f'<path d="M{left:.1f} {y:.1f}h{width:.1f}" stroke="#e2e2dc"/>'
        if left == _LEFT:
            yield _text(left - 8, y + 4, f"{level / 1000:+.3f}" if level else "0", "end")
    for share in np.linspace(0, 1, _STEPS + 1):
        yield _text(left + width * share, _HEIGHT - _BOTTOM + 18, f"{iterations * share:.0f}")


def _lines(means: Curves, left: float, width: float, scale: tuple[float, float], *, named: bool) -> Iterator[str]:
    below = -np.inf  # where the last name stands: names keep apart
    for arm, mean in sorted(means.items(), key=lambda item: -item[1][-1]):
        colour = _COLOURS[list(means).index(arm)]
        xs = left + width * np.arange(len(mean)) / (len(mean) - 1)
        path = "L".join(f"{x:.1f} {_y(value, *scale):.1f}" for x, value in zip(xs, mean, strict=True))
        yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>'
        if named:
            below = max(below + 14, _y(mean[-1], *scale) + 4)
            yield _text(left + width + 6, below, arm, "start", colour)


def _y(value: float, low: float, high: float) -> float:
    return _HEIGHT - _BOTTOM - (value - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)


def _text(x: float, y: float, words: str, anchor: str = "middle", colour: str = "#1b1d21") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'
