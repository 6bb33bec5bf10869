"""Stages as Prefect tasks: what a failure stops, what is kept, what is tried again, and what goes on."""

import errno
import os
import re
import threading
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.runtime import flow_run

from flows.runtime import progress
from flows.runtime.naming import run_name
from flows.runtime.prefect_runner import PrefectRunner
from flows.runtime.progress import on_failure
from flows.runtime.task_runner import task_runner
from flows.settings import RunSettings
from storage.errors import DamagedTableError, UnwritableRootError
from storage.parquet import read_table
from storage.root import Root
from storage.tables.spec import FileRef, TableRef, TableSpec
from tasks.contracts import Inputs, Output, Run, stage

pytestmark = pytest.mark.usefixtures("server")
FAILURES: dict[str, Exception] = {
    "root": UnwritableRootError("the root is full"),
    "other": OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    "bug": KeyError("a bug"),
}
begun: Counter[int] = Counter()
failed, beside = threading.Event(), threading.Event()


class FailingInputs(Inputs):
    """Which part it is, and what the third fails with."""

    number: int
    failure: str


class Nothing(Output):
    """Nothing is written."""


@stage("failing", 1)
def failing(run: Run, inputs: FailingInputs, settings: None) -> Nothing:
    """Does nothing; the third part fails, and the fourth is under way meanwhile until that is known."""
    begun[inputs.number] += 1
    if inputs.number == 2:
        beside.wait(30)
        raise FAILURES[inputs.failure]
    if inputs.number == 3:
        beside.set()
    if inputs.number == 3 and inputs.failure == "root":
        failed.wait(30)
    return Nothing()


@flow
def run_failing(root: str, failure: str, here: bool) -> None:
    inputs = {str(number): FailingInputs(number=number, failure=failure) for number in range(40)}
    with task_runner(RunSettings(workers=2)) as tasks:
        runner = PrefectRunner(Root(root), tasks, [failing])
        if here:
            runner.each_here(failing, inputs, None, 2)
        else:
            runner.each(failing, inputs, None)


def end_of(root: Path, failure: str, *, here: bool = False) -> tuple[type[Exception], set[int]]:
    """The error that the flow ends with, and the parts that have begun."""
    begun.clear()
    failed.clear()
    beside.clear()
    token = on_failure.set(lambda _: failed.set())
    try:
        with pytest.raises(tuple(map(type, FAILURES.values()))) as ended:
            run_failing(str(root), failure, here)
    finally:
        on_failure.reset(token)
    assert begun[2] == 1  # what does not heal is not tried again
    return ended.type, set(begun)


@pytest.mark.parametrize("here", [True, False])
def test_the_first_failure_stops_what_has_not_begun(tmp_path: Path, here: bool) -> None:
    error, parts = end_of(tmp_path, "root", here=here)
    assert error is UnwritableRootError
    assert {0, 1, 2, 3} <= parts
    assert len(parts) < 30
    records = len(list((tmp_path / "stages/records").iterdir()))
    assert records == len(parts) - 1  # of what had begun, all but the failed one is kept


@pytest.mark.parametrize("failure", ["other", "bug"])
def test_a_disk_of_another_place_and_a_bug_keep_their_errors(tmp_path: Path, failure: str) -> None:
    assert end_of(tmp_path, failure)[0] is type(FAILURES[failure])


# A stage of many steps


class StepInputs(Inputs):
    """How many steps are taken."""

    steps: int


class Steps(Output):
    """A file that is no table, and how many steps this run had to take."""

    weights: FileRef
    taken: int


class PreemptedError(Exception):
    """The machine is taken away."""


preempted_at: set[int] = set()


@stage("stepping", 1)
def step(run: Run, inputs: StepInputs, settings: None) -> Steps:
    """Keeps each step as a part, goes on where parts are, and tells how far it is."""
    taken = 0
    for number in range(inputs.steps):
        run.report(number, inputs.steps, "steps")
        if number in preempted_at:
            raise PreemptedError
        if not run.root.exists(f"{run.partial}/{number}"):
            run.root.write(f"{run.partial}/{number}", bytes([number]))
            taken += 1
    parts = [run.root.read(f"{run.partial}/{number}") for number in range(inputs.steps)]
    return Steps(weights=run.write_file("weights.bin", b"".join(parts)), taken=taken)


@flow
def run_steps(root: str) -> Steps:
    with task_runner(RunSettings(workers=1)) as tasks:
        return PrefectRunner(Root(root), tasks, [step]).one(step, StepInputs(steps=5), None)


def test_a_stage_goes_on_where_it_was_and_leaves_no_parts(tmp_path: Path) -> None:
    preempted_at.add(3)
    with pytest.raises(PreemptedError):
        run_steps(str(tmp_path))
    preempted_at.clear()
    done = run_steps(str(tmp_path))
    assert done.taken == 2
    assert (tmp_path / done.weights.path).read_bytes() == bytes(range(5))
    assert not list(tmp_path.glob("stages/stepping/*/partial"))
    assert run_steps(str(tmp_path)) == done  # from the memo


def test_a_stage_tells_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_SECONDS", 0.0)
    run_steps(str(tmp_path))
    with get_client(sync_client=True) as client:
        chosen = ArtifactFilter(key=ArtifactFilterKey(any_=["stepping-task"]))
        shown = [artifact.description for artifact in client.read_artifacts(artifact_filter=chosen)]
    assert "stepping: 4 of 5 steps" in shown


@flow(flow_run_name=run_name("name", "version"))
def get_half_way(name: str, version: str | None) -> str:
    shown = progress.Progress([failing])
    for done in range(3):
        shown.advance("failing", done, 4)
    return str(flow_run.name)


def test_a_flow_tells_how_long_it_will_take_and_what_it_is_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_SECONDS", 0.0)
    assert re.fullmatch(r"landmarks, 20\d\d-\d\d-\d\d \d\d:\d\d", get_half_way("landmarks", None))
    assert get_half_way("landmarks", "latest").startswith("landmarks latest, 20")
    with get_client(sync_client=True) as client:
        chosen = ArtifactFilter(key=ArtifactFilterKey(any_=["get-half-way-progress"]))
        shown = {artifact.description for artifact in client.read_artifacts(artifact_filter=chosen)}
    assert [re.fullmatch(r"failing: 2 of 4, about \d+ s left", str(text)) is not None for text in shown] == [True]


# A table that is damaged while its length and time stay


class NumbersRef(TableRef):
    """A reference to a stored table `numbers`."""


NUMBERS = TableSpec(NumbersRef, "numbers", "A number.", ("n",), pa.schema([pa.field("n", pa.int64(), nullable=False)]))


class Written(Output):
    """A table."""

    numbers: NumbersRef


class ReadInputs(Inputs):
    """A table, and something that makes the memo's key another one."""

    numbers: NumbersRef
    turn: int


class Total(Output):
    """The sum of its numbers."""

    total: int


@stage("writing", 1)
def write(run: Run, inputs: Inputs, settings: None) -> Written:
    """Writes numbers."""
    return Written(numbers=run.write_rows(NUMBERS, [{"n": 1}, {"n": 2}]))


@stage("reading", 1)
def add_up(run: Run, inputs: ReadInputs, settings: None) -> Total:
    """Adds them up."""
    return Total(total=sum(read_table(run.root, inputs.numbers)["n"].to_pylist()))


@flow
def run_both(root: str, turn: int) -> int:
    with task_runner(RunSettings(workers=1)) as tasks:
        runner = PrefectRunner(Root(root), tasks, [write, add_up])
        numbers = runner.one(write, Inputs(), None).numbers
        return runner.one(add_up, ReadInputs(numbers=numbers, turn=turn), None).total


def test_a_table_that_rots_unseen_is_named_by_its_reader_and_made_anew_by_the_next_run(tmp_path: Path) -> None:
    assert run_both(str(tmp_path), 1) == 3
    (table,) = tmp_path.glob("stages/writing/*/numbers.parquet")
    times, content = table.stat(), table.read_bytes()
    table.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    os.utime(table, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(DamagedTableError, match=r"numbers\.parquet was changed or damaged; run the same command again"):
        run_both(str(tmp_path), 2)
    assert run_both(str(tmp_path), 2) == 3
