"""Names of flow runs that tell them apart in Prefect's UI: what it is about, and when it was due."""

from collections.abc import Callable

from prefect.runtime import flow_run


def run_name(*parameters: str) -> Callable[[], str]:
    """Returns a name made of these parameters of the flow, those that are given, and of the time."""

    def name() -> str:
        given = (flow_run.parameters.get(parameter) for parameter in parameters)
        return f"{' '.join(str(value) for value in given if value)}, {flow_run.scheduled_start_time:%Y-%m-%d %H:%M}"

    return name
