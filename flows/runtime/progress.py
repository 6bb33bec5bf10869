"""How far a flow is: an artifact in Prefect's UI, and whoever listens in this process."""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from threading import Lock
from time import monotonic
from typing import Any, cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.runtime import flow_run

from storage.errors import InputError
from tasks.contracts import Stage

listener: ContextVar[Callable[[str, int, int, str], None] | None] = ContextVar("listener", default=None)
"""Called with each step (stage, tasks done, tasks in all, a note) as it is made: the terminal's progress bar."""

on_failure: ContextVar[Callable[[InputError], None] | None] = ContextVar("on_failure", default=None)
"""Called with the first failure that the user can mend, while tasks that have begun are still waited for."""

_SECONDS = 2.0  # between two steps that are shown: each is a request to the server


class Progress:
    """The progress of a flow run through its stages, as an artifact in the Prefect UI and for the listener.

    Args:
        stages: all that the flow runs, in their order.
    """

    def __init__(self, stages: Sequence[Stage[Any, Any, Any]]) -> None:
        self._names, self._listener = [stage.name for stage in stages], listener.get()
        self._shown, self._began = monotonic(), dict[str, float]()
        self._artifact = cast("UUID", create_progress_artifact(0.0, key=f"{flow_run.flow_name}-progress"))

    def advance(self, stage: str, done: int, total: int) -> None:
        """Shows that so many tasks of the stage are done."""
        if self._listener:
            self._listener(stage, done, total, "")
        began = self._began.setdefault(stage, monotonic())
        ended = stage == self._names[-1] and done == total
        if ended or monotonic() - self._shown > _SECONDS:
            self._shown = monotonic()
            percent = 100 * (self._names.index(stage) + done / max(1, total)) / len(self._names)
            update_progress_artifact(
                self._artifact,
                min(percent, 100.0),
                description=f"{stage}: {done} of {total}{_left(began, done, total)}",
            )


def _left(began: float, done: int, total: int) -> str:
    """What is left of a stage's time, as if each task took as long."""
    if not 0 < done < total:
        return ""
    seconds = (monotonic() - began) / done * (total - done)
    return f", about {seconds / 60:.0f} min left" if seconds >= 60 else f", about {seconds:.0f} s left"


class TaskProgress:
    """How far one task is, as an artifact of its own in Prefect's UI; nothing for tasks that take but a moment.

    Args:
        alone: whether no other task of the stage runs beside it; then the listener hears of it too.
    """

    def __init__(self, stage: str, *, alone: bool) -> None:
        self._stage, self._shown, self._lock = stage, monotonic(), Lock()
        self._listener = listener.get() if alone else None
        self._artifact: UUID | None = None

    def report(self, done: int, total: int, note: str) -> None:
        """Shows that so much of the task is done; what comes too soon after the last is not shown."""
        with self._lock:
            if monotonic() - self._shown < _SECONDS:
                return
            self._shown = monotonic()
        if self._listener:
            self._listener(f"… {self._stage}", done, total, note)
        percent, text = 100 * done / max(1, total), f"{self._stage}: {done} of {total} {note}".strip()
        if self._artifact is None:
            made = create_progress_artifact(percent, key=f"{self._stage}-task", description=text)
            self._artifact = cast("UUID", made)
        else:
            update_progress_artifact(self._artifact, percent, description=text)
