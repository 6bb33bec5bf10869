"""The one project-wide `stage` (a Prefect task) and `Road` (how a flow runs stages): caching, retries, runner, and why.

A stage is path in, path out. Prefect hashes and stores what passes through it, so frames, lists of rows and pixels
never do: a stage is handed references to stored tables and returns an `Output` of such references.

There is one memo, Prefect's own cache. Its key is made here from what the result depends on: the stage and its
version number, the settings it reads and the content digests of its inputs. (Prefect's INPUTS policy would hash paths,
not contents, and TASK_SOURCE sees only the task's own lines.) Records lie under the dataset root as plain JSON, since
Prefect's default, pickle, would run code from a dataset directory that someone else prepared.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from importlib.metadata import distributions, version
from pathlib import Path
from time import monotonic
from typing import Any, Protocol, cast
from uuid import UUID

from prefect import Task, task
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext
from prefect.filesystems import RemoteFileSystem
from prefect.futures import PrefectFuture, as_completed
from prefect.runtime import flow_run
from prefect.serializers import JSONSerializer
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from storage.errors import InputError
from storage.folders import list_lost
from storage.parquet import is_intact
from storage.root import Root
from storage.tables import TableRef
from storage.unwritable import explain_unwritable
from tasks.native import use_one_thread

Inputs = Mapping[str, TableRef | list[TableRef] | str | int | None]
"""What a stage reads: references to tables, and small values."""


class Output(BaseModel):
    """What a stage returns: references to the tables it wrote, and counts for people to read."""

    model_config = ConfigDict(frozen=True)

    tables: dict[str, TableRef]
    counts: dict[str, int] = {}
    listings: tuple[TableRef, ...] = ()
    """Lists of further files that it wrote, each in the folder of these (`storage.folders`)."""


StageFunction = Callable[[str, str, Inputs, Any], dict[str, Any]]
Stage = Task[[str, str, Inputs, Any], dict[str, Any]]

_RECORDS = "stages/records"
_SERIALIZER: JSONSerializer[Any] = JSONSerializer(object_encoder=None, object_decoder=None)
_TELL_EACH = 2.0  # seconds
_UNKEYED = ("fetch_log", "folder", "folders", "path", "how")
SOFTWARE = {
    name: version(name)
    for name in ("numpy", "scipy", "pandas", "pyarrow", "pillow", "opencv-contrib-python-headless", "faiss-cpu")
} | {found.name: found.version for name in ("pycolmap", "pyhesaff") for found in distributions(name=name)}
"""The versions of the libraries that results depend on, those of optional detectors where they are installed."""


def _key_of_call(_: TaskRunContext, parameters: dict[str, Any]) -> str:
    return str(parameters["key"])


def _can_heal(_: Task[..., Any], __: TaskRun, state: State[Any]) -> bool:
    """Only failures of disk or network heal by themselves; a full disk, a wrong input or a bug stays what it is."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, OSError) and explain_unwritable(error, "") is None


def stage(name: str, version: int) -> Callable[[Callable[[str, str, Any, Any], Output]], Stage]:
    """The project's `task`. The function gets (root url, key, inputs, settings) and writes below `stages/NAME/KEY/`.

    Raise the version number whenever the stage would give another result for the same inputs and settings.
    """

    def decorate(function: Callable[[str, str, Any, Any], Output]) -> Stage:
        def run(root: str, key: str, inputs: Inputs, settings: Any) -> dict[str, Any]:
            use_one_thread()
            return function(root, key, inputs, settings).model_dump()

        run.__doc__, run.__module__, run.__qualname__ = function.__doc__, function.__module__, function.__qualname__
        return task(
            name=name,
            version=str(version),
            cache_key_fn=_key_of_call,
            persist_result=True,
            result_serializer=_SERIALIZER,
            cache_result_in_memory=False,
            retries=2,
            retry_delay_seconds=[2, 5],  # a run that is stopped waits for them; stores try again by themselves
            retry_condition_fn=_can_heal,
        )(run)

    return decorate


def stage_key(stage: Stage, inputs: Inputs, settings: BaseModel | None) -> str:
    """The memo's key: the stage's name and the digest of all that its result depends on, libraries included.

    Where and how its inputs are got is not part of it, nor is the fetch log, which differs between identical runs.
    """

    def content(value: Any) -> Any:
        if isinstance(value, TableRef):
            return value.digest
        return [content(item) for item in value] if isinstance(value, list) else value

    parts = {
        "stage": stage.name,
        "version": stage.version,
        "software": SOFTWARE,
        "settings": settings.model_dump(mode="json") if settings else None,
        "inputs": {name: content(value) for name, value in inputs.items() if name not in _UNKEYED},
    }
    return f"{stage.name}-{hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]}"


def stage_path(key: str, table: str, suffix: str = ".parquet") -> str:
    """Where a stage keeps a table of its output."""
    name, digest = key.rsplit("-", 1)
    return f"stages/{name}/{digest}/{table}{suffix}"


def memo_is_sound(root: Root, key: str) -> bool:
    """Whether the record of this key is plain JSON and every file it names is there with the promised bytes.

    An unsound memo is computed again. The check reads the record itself, before Prefect does: a record names its own
    serializer, and one that names pickle must not be opened.
    """
    try:
        record = from_json(root.read(f"{_RECORDS}/{key}"), allow_inf_nan=False)  # as strict as Prefect's own reader
        serializer = record["metadata"]["serializer"]
        if serializer != _SERIALIZER.model_dump(mode="json"):
            return False
        output = Output.model_validate_json(record["result"])
    except (FileNotFoundError, ValueError, KeyError, TypeError, ValidationError):
        return False
    whole = all(is_intact(root, ref) for ref in output.tables.values())
    return whole and not any(True for listing in output.listings for _ in list_lost(root, listing))


listener: ContextVar[Callable[[str, int, int, str], None] | None] = ContextVar("listener", default=None)
"""Told of each step (stage, tasks done, tasks in all, a note) as it is made: the terminal's progress bar."""

on_failure: ContextVar[Callable[[InputError], None] | None] = ContextVar("on_failure", default=None)
"""Told of the first failure that the user can mend, while tasks that have begun are still waited for."""


class Progress:
    """The progress of a flow run through its stages, as an artifact in the Prefect UI and for the listener."""

    def __init__(self, stages: int) -> None:
        self._stages, self._begun, self._listener, self._told = stages, 0, listener.get(), monotonic()
        self._artifact = cast("UUID", create_progress_artifact(0.0, key=f"{flow_run.flow_name}-progress"))

    def begin(self, stage: str, total: int) -> None:
        """A stage starts, with so many tasks."""
        self._begun += 1
        self.advance(stage, 0, total)

    def advance(self, stage: str, done: int, total: int) -> None:
        """So many tasks of the stage are done."""
        if self._listener:
            self._listener(stage, done, total, "")
        ended = self._begun == self._stages and done == total
        if ended or monotonic() - self._told > _TELL_EACH:  # each is a request to the server: keep them few
            self._told = monotonic()
            percent = 100 * (self._begun - 1 + done / max(1, total)) / self._stages
            update_progress_artifact(self._artifact, min(percent, 100.0), description=f"{stage}: {done} of {total}")


class Road(Protocol):
    """Runs the stages of a flow over a dataset root."""

    root: Root

    def one(self, stage: Stage, inputs: Inputs, settings: BaseModel | None) -> Output:
        """Runs a stage once."""
        ...

    def each(self, stage: Stage, inputs: Mapping[str, Inputs], settings: BaseModel | None) -> dict[str, Output]:
        """Runs a stage once for every shard, packet or test set; the outputs come in the order of the inputs."""
        ...

    def each_here(
        self, stage: Stage, inputs: Mapping[str, Inputs], settings: BaseModel | None, at_once: int
    ) -> dict[str, Output]:
        """The same by threads of this process, wherever other stages run: for what has one owner, as hosts' limits."""
        ...


class PrefectRoad:
    """A road whose stages are Prefect tasks, memoised under the dataset root and carried out by a task runner."""

    def __init__(self, root: Root, runner: TaskRunner[Any], stages: int) -> None:
        self.root, self._runner, self._progress = root, runner, Progress(stages)
        self._storage = _record_storage(root)

    def one(self, stage: Stage, inputs: Inputs, settings: BaseModel | None) -> Output:
        return self.each(stage, {"": inputs}, settings)[""]

    def each(self, stage: Stage, inputs: Mapping[str, Inputs], settings: BaseModel | None) -> dict[str, Output]:
        return self._each(self._runner, stage, inputs, settings)

    def each_here(
        self, stage: Stage, inputs: Mapping[str, Inputs], settings: BaseModel | None, at_once: int
    ) -> dict[str, Output]:
        with ThreadPoolTaskRunner[Any](max_workers=at_once) as runner:
            return self._each(runner, stage, inputs, settings)

    def _each(
        self, runner: TaskRunner[Any], stage: Stage, inputs: Mapping[str, Inputs], settings: BaseModel | None
    ) -> dict[str, Output]:
        # The first failure leaves the runner, which cancels what has not begun and waits for what has: that is kept.
        self._progress.begin(stage.name, len(inputs))
        futures = {self._submit(runner, stage, label, part, settings): label for label, part in inputs.items()}
        outputs = dict[str, Output]()
        for future in as_completed(list(futures)):
            outputs[futures[future]] = Output.model_validate(self._result(future))
            self._progress.advance(stage.name, len(outputs), len(inputs))
        return {label: outputs[label] for label in inputs}

    def _result(self, future: PrefectFuture[Any]) -> Any:
        try:
            return future.result()
        except InputError as error:
            if told := on_failure.get():
                told(error)
            raise

    def _submit(
        self, runner: TaskRunner[Any], stage: Stage, label: str, inputs: Inputs, settings: BaseModel | None
    ) -> PrefectFuture[Any]:
        key = stage_key(stage, inputs, settings)
        prepared = stage.with_options(
            task_run_name=f"{stage.name} {label}".strip(),
            result_storage=self._storage,
            refresh_cache=not memo_is_sound(self.root, key),
        )
        parameters = {"root": self.root.url, "key": key, "inputs": inputs, "settings": settings}
        future: PrefectFuture[Any] = runner.submit(prepared, parameters=parameters)
        return future


def _record_storage(root: Root) -> Any:
    if root.is_local:
        return Path(root.path(_RECORDS))
    name = f"cairn-{hashlib.sha256(root.url.encode()).hexdigest()[:16]}"
    block = RemoteFileSystem(basepath=f"{root.url}/{_RECORDS}")
    block.save(name, overwrite=True)
    return block


def references(inputs: Inputs, name: str) -> list[TableRef]:
    """The input of this name, which must be a list of tables.

    Raises:
        InputError: it is not.
    """
    value = inputs[name]
    if not isinstance(value, list):
        raise InputError(f"input {name!r} of a stage must be a list of tables, not {value!r}")
    return value


def reference(inputs: Inputs, name: str) -> TableRef:
    """The input of this name, which must be a table.

    Raises:
        InputError: it is not.
    """
    value = inputs[name]
    if not isinstance(value, TableRef):
        raise InputError(f"input {name!r} of a stage must be a table, not {value!r}")
    return value
