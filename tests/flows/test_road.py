"""A stage that fails: what stops, what is kept, and what is tried again."""

import errno
import os
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from prefect import flow

from flows.runner import task_runner
from flows.settings import RunSettings
from storage.errors import UnwritableRootError
from storage.root import Root
from tasks.orchestration import Output, PrefectRoad, on_failure, stage

pytestmark = pytest.mark.usefixtures("server")
FAILURES: dict[str, Exception] = {
    "root": UnwritableRootError("the root is full"),
    "other": OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    "bug": KeyError("a bug"),
}
begun: Counter[int] = Counter()
failed = threading.Event()


@stage("failing", 1)
def failing(root: str, key: str, inputs: Any, settings: Any) -> Output:
    """The third part fails; the fourth is under way meanwhile, and comes to its end when that is known."""
    number = inputs["number"]
    begun[number] += 1
    if number == 2:
        raise FAILURES[inputs["failure"]]
    if number == 3 and inputs["failure"] == "root":
        failed.wait(30)
    return Output(tables={})


@flow
def travel(root: str, failure: str, here: bool) -> None:
    inputs = {str(number): {"number": number, "failure": failure} for number in range(40)}
    with task_runner(RunSettings(workers=2)) as runner:
        road = PrefectRoad(Root(root), runner, 1)
        if here:
            road.each_here(failing, inputs, None, 2)
        else:
            road.each(failing, inputs, None)


def run(root: Path, failure: str, *, here: bool = False) -> tuple[type[Exception], set[int]]:
    """The error that the flow ends with, and the parts that have begun."""
    begun.clear()
    failed.clear()
    token = on_failure.set(lambda _: failed.set())
    try:
        with pytest.raises(tuple(map(type, FAILURES.values()))) as ended:
            travel(str(root), failure, here)
    finally:
        on_failure.reset(token)
    assert begun[2] == 1  # what does not heal is not tried again
    return ended.type, set(begun)


@pytest.mark.parametrize("here", [True, False])
def test_the_first_failure_stops_what_has_not_begun(tmp_path: Path, here: bool) -> None:
    error, parts = run(tmp_path, "root", here=here)
    assert error is UnwritableRootError
    assert {0, 1, 2, 3} <= parts
    assert len(parts) < 30
    records = len(list((tmp_path / "stages/records").iterdir()))
    assert records == len(parts) - 1  # of what had begun, all but the failed one is kept


@pytest.mark.parametrize("failure", ["other", "bug"])
def test_a_disk_of_another_place_and_a_bug_keep_their_errors(tmp_path: Path, failure: str) -> None:
    assert run(tmp_path, failure)[0] is type(FAILURES[failure])
