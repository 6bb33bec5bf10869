"""What carries out the tasks of a flow."""

from typing import Any

from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner, ThreadPoolTaskRunner

from flows.settings import RunSettings


def task_runner(run: RunSettings) -> TaskRunner[Any]:
    """Returns the runner that the settings choose."""
    if run.runner == "threads":
        return ThreadPoolTaskRunner(max_workers=run.workers)
    if run.runner == "processes":
        return ProcessPoolTaskRunner(max_workers=run.workers)
    from prefect_dask import DaskTaskRunner  # the extra `dask`; a laptop does without

    dask: TaskRunner[Any] = DaskTaskRunner(cluster_kwargs={"n_workers": run.workers, "threads_per_worker": 1})
    return dask
