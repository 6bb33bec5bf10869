"""Prefect's side of stages: each becomes a Prefect task, memoised under the dataset root."""

import logging
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from prefect import Task, task
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext
from prefect.futures import PrefectFuture, as_completed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from threadpoolctl import threadpool_limits

from flows.runtime.memo import SERIALIZER, from_record, is_sound, record_storage, to_record
from flows.runtime.progress import Progress, TaskProgress, on_failure
from storage.errors import DamagedTableError, InputError
from storage.root import Root
from storage.unwritable import explain_unwritable
from tasks.contracts import I, Inputs, O, Run, S, Stage

_STAGES = "stages/"

# Of each of some hundred tasks Prefect logs how it ended, which its graph shows; what is left is worth reading
logging.getLogger("prefect.task_runs").addFilter(lambda record: record.levelno > logging.INFO)


def _key_of_call(_: TaskRunContext, parameters: dict[str, Any]) -> str:
    return str(parameters["key"])


def _can_heal(_: Task[..., Any], __: TaskRun, state: State[Any]) -> bool:
    """Only failures of disk or network heal by themselves; a full disk, a wrong input or a bug stays what it is."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, OSError) and explain_unwritable(error, "") is None


def _carry_out(stage: Stage[Any, Any, Any], root: str, key: str, inputs: Inputs, settings: Any) -> dict[str, Any]:
    # Tasks are the parallelism, and threads would get in each other's way; a stage before may have set another limit
    threadpool_limits(limits=stage.threads or os.cpu_count())
    store = Root(root)
    run = Run(store, key, TaskProgress(stage.name, alone=stage.threads is None).report)
    try:
        output = stage(run, inputs, settings)
    except DamagedTableError as error:
        if error.path and error.path.startswith(_STAGES):
            store.remove(error.path)  # so that the next run sees that it has to be made anew
        raise
    store.remove(run.partial)
    return to_record(store, output)


@lru_cache
def _as_task(stage: Stage[Any, Any, Any]) -> Task[..., dict[str, Any]]:
    carry_out = partial(_carry_out, stage)
    carry_out.__doc__ = stage.function.__doc__
    return task(
        name=stage.name,
        version=str(stage.version),
        cache_key_fn=_key_of_call,
        persist_result=True,
        result_serializer=SERIALIZER,
        cache_result_in_memory=False,
        retries=stage.retries,
        retry_delay_seconds=[2.0, 5.0][: stage.retries],  # a run that is stopped waits; stores try again by themselves
        retry_condition_fn=_can_heal,
    )(carry_out)


class PrefectRunner:
    """Runs stages as Prefect tasks, by a task runner.

    Args:
        stages: all that the flow runs, in their order; for the progress.

    Attributes:
        used: the memo's keys of all that was run.
    """

    def __init__(self, root: Root, runner: TaskRunner[Any], stages: Sequence[Stage[Any, Any, Any]]) -> None:
        self.root, self._runner, self._progress = root, runner, Progress(stages)
        self.used = set[str]()
        self._storage = record_storage(root)

    def one(self, stage: Stage[I, S, O], inputs: I, settings: S) -> O:
        """Runs a stage once."""
        return self.each(stage, {"": inputs}, settings)[""]

    def each(self, stage: Stage[I, S, O], inputs: Mapping[str, I], settings: S) -> dict[str, O]:
        """Runs a stage once for each of the inputs."""
        return self._each(self._runner, stage, inputs, settings)

    def each_here(self, stage: Stage[I, S, O], inputs: Mapping[str, I], settings: S, at_once: int) -> dict[str, O]:
        """Does the same by so many threads of this process."""
        with ThreadPoolTaskRunner[Any](max_workers=at_once) as runner:
            return self._each(runner, stage, inputs, settings)

    def _each(
        self, runner: TaskRunner[Any], stage: Stage[I, S, O], inputs: Mapping[str, I], settings: S
    ) -> dict[str, O]:
        # The first failure leaves the runner, which cancels what has not begun and waits for what has: that is kept.
        self._progress.advance(stage.name, 0, len(inputs))
        futures = {self._submit(runner, stage, label, part, settings): label for label, part in inputs.items()}
        outputs = dict[str, O]()
        for future in as_completed(list(futures)):
            outputs[futures[future]] = from_record(stage.output, self._result(future))
            self._progress.advance(stage.name, len(outputs), len(inputs))
        return {label: outputs[label] for label in inputs}

    def _result(self, future: PrefectFuture[Any]) -> Any:
        try:
            return future.result()
        except InputError as error:
            if report := on_failure.get():
                report(error)
            raise

    def _submit(
        self, runner: TaskRunner[Any], stage: Stage[I, S, O], label: str, inputs: I, settings: S
    ) -> PrefectFuture[Any]:
        key = stage.key(inputs, settings)
        self.used.add(key)
        prepared = _as_task(stage).with_options(
            task_run_name=f"{stage.name} {label}".strip(),
            result_storage=self._storage,
            refresh_cache=not is_sound(self.root, key, stage.output),
        )
        parameters = {"root": self.root.url, "key": key, "inputs": inputs, "settings": settings}
        future: PrefectFuture[Any] = runner.submit(prepared, parameters=parameters)
        return future
