"""Stages in the terminal: a line for each that has ended, none of them wider than it."""

from typing import Any

import pytest
from rich.console import Console

from flows.commands.progress import StageLines
from flows.planning.remaining import Remaining


def shown(steps: list[tuple[str, int, int, str]], **how: Any) -> str:
    console = Console(stderr=True, width=80, no_color=True, **how)
    with console.capture() as capture, StageLines(Remaining({"acquire": 500.0}), console) as lines:
        for step in steps:
            lines.advance(*step)
    return capture.get()


STEPS = [
    ("acquire", 0, 123_456, ""),
    ("acquire", 65_432, 123_456, ""),
    ("acquire", 123_456, 123_456, ""),
    ("… train", 3, 10, "a note that is much longer than what is left of the line in which it stands"),
    ("train", 1, 1, ""),
    ("train", 1, 1, ""),
]


def test_in_a_pipe_each_stage_is_one_line() -> None:
    said = shown(STEPS)
    assert "\x1b" not in said
    assert [line.split()[0] for line in said.splitlines()] == ["acquire", "train"]
    assert "123,456 of 123,456" in said


def test_counters_survive_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    said = shown([*STEPS[:2], STEPS[3]], force_terminal=True)
    assert "65,432 of 123,456" in said
    assert "about" in said
    assert "3 of 10" in said
