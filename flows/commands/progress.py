"""The stages of a flow in the terminal: a line that stays for each that has ended, bars for those under way."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from flows.commands.spans import span
from flows.commands.terminal import errors
from flows.planning.remaining import Remaining
from flows.runtime.stopping import give_up

_NAMED = 19  # letters of the longest stage's name
_PART = "… "  # before the name of a stage: of how far its only task is


@contextmanager
def progress_bars(forecast: Mapping[str, float] | None = None) -> Iterator[None]:
    """Shows the stages of a flow as they go on; a failure is told while what has begun is waited for.

    Where nobody looks, in a file or a pipe, there are the lines alone.

    Args:
        forecast: seconds that stages will take, for what is said to be left of all.
    """
    from flows.runtime.progress import listener, on_failure

    with StageLines(Remaining(forecast or {})) as lines:
        token, failing = listener.set(lines.advance), on_failure.set(lambda error: give_up(f"error: {error}"))
        try:
            yield
        finally:
            listener.reset(token)
            on_failure.reset(failing)


class _Note(ProgressColumn):
    """What a stage says of itself, or else what is left of the whole, at every look."""

    def __init__(self, left: Callable[[], str]) -> None:
        super().__init__(table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"))
        self._left = left

    def render(self, task: Task) -> Text:
        """The note of a stage."""
        return Text(task.fields["note"] or self._left())


class StageLines:
    """A line for each stage that has ended, and below them a bar for each under way, with what is left of all."""

    def __init__(self, remaining: Remaining, console: Console = errors) -> None:
        self._remaining, self._console, self._began = remaining, console, dict[str, float]()
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", table_column=Column(width=_NAMED, no_wrap=True)),
            BarColumn(bar_width=12),
            TextColumn("{task.fields[counted]}", table_column=Column(no_wrap=True)),
            _Note(self._left),
            console=console,
            expand=True,
            transient=True,
            disable=not console.is_terminal,
        )
        self._shown: dict[str, TaskID] = {"": self._bars.add_task("start", total=None, counted="", note="")}
        self._ended = set[str]()

    def __enter__(self) -> "StageLines":
        """Begins to show them."""
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        """What has ended stays."""
        self._bars.stop()

    def advance(self, stage: str, done: int, total: int, note: str) -> None:
        """Shows that so many tasks of a stage are done; a note says more."""
        now = monotonic()
        began = self._began.setdefault(stage, now)
        self._remaining.advance(stage, done, total, now)
        counted = f"{done:,} of {total:,}"
        if done < total:
            self._show(stage, done, total, counted, note)
            return
        self._hide("", stage, f"{_PART}{stage}")
        if stage not in self._ended and not stage.startswith(_PART):
            self._ended.add(stage)
            self._console.print(Text(f"{stage:{_NAMED}} {counted:>15} {span(now - began):>9}"), highlight=False)

    def _show(self, stage: str, done: int, total: int, counted: str, note: str) -> None:
        self._hide("")
        if stage not in self._shown:
            self._shown[stage] = self._bars.add_task(stage, total=total, counted=counted, note=note)
        self._bars.update(self._shown[stage], completed=done, total=total, counted=counted, note=note)

    def _hide(self, *stages: str) -> None:
        for stage in stages:
            if stage in self._shown:
                self._bars.remove_task(self._shown.pop(stage))

    def _left(self) -> str:
        seconds = self._remaining.seconds(monotonic())
        return f"about {span(seconds)} left" if seconds else ""
