"""Contracts of stages: what decides the memo's key, what mypy and pydantic refuse, and that stages stay plain."""

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from storage.parquet import read_table, write_table
from storage.root import Root
from storage.tables.acquisition import DROPS, IMAGES, DropsRef, ImagesRef
from storage.tables.spec import FileRef
from tasks import contracts
from tasks.boxes.task import estimate_boxes
from tasks.contracts import Inputs, Output, Run, Stage, Unkeyed, stage
from tasks.settings import StageSettings

ROOT = Path(__file__).parents[2]
IMAGES_A, IMAGES_B = (ImagesRef(path="p", digest=digest, rows=1) for digest in ("a", "b"))


class ToyInputs(Inputs):
    """A field of each sort."""

    images: ImagesRef
    parts: dict[str, ImagesRef] = {}  # noqa: RUF012
    path: str = ""
    folder: Annotated[Path | None, Unkeyed("the digest of `images` stands for it")] = None


class ToySettings(StageSettings):
    """One knob."""

    knob: int = 1


class Toy(Output):
    """Nothing but a count."""

    count: int


@stage("toy", 1, software=("numpy",))
def toy(run: Run, inputs: ToyInputs, settings: ToySettings) -> Toy:
    """Counts."""
    return Toy(count=inputs.images.rows * settings.knob)


def key(own: Stage[Any, Any, Any] = toy, knob: int = 1, **inputs: Any) -> str:
    return own.key(ToyInputs(**{"images": IMAGES_A, **inputs}), ToySettings(knob=knob))


def test_a_stage_is_called_as_the_function_that_it_is(tmp_path):
    assert toy(Run(Root(str(tmp_path)), "toy-1"), ToyInputs(images=IMAGES_A), ToySettings(knob=3)) == Toy(count=3)


@given(st.text(), st.text())
def test_two_values_of_an_input_give_two_keys_whatever_its_name(one, other):
    assert (key(path=one) == key(path=other)) == (one == other)


def test_what_decides_the_result_is_in_the_key_and_where_things_lie_is_not():
    keys = [
        key(),
        key(images=IMAGES_B),
        key(parts={"x": IMAGES_A}),
        key(parts={"x": IMAGES_B}),
        key(parts={"y": IMAGES_A}),
        key(knob=2),
        key(stage("toy", 2)(toy.function)),
        key(stage("toy", 1, software=("numpy", "pandas"))(toy.function)),
        key(stage("other", 1)(toy.function)),
    ]
    assert len(set(keys)) == len(keys)
    assert key(folder=Path("/here")) == key(folder=Path("/there")) == key()
    assert key(images=IMAGES_A.model_copy(update={"path": "elsewhere"})) == key()


def test_a_new_version_of_a_library_makes_only_its_stages_anew(monkeypatch):
    with_numpy, without = toy, stage("toy", 1)(toy.function)
    before = key(with_numpy), key(without)
    installed = contracts.installed_version
    monkeypatch.setattr(contracts, "installed_version", lambda name: "9" if name == "numpy" else installed(name))
    assert key(with_numpy) != before[0]
    assert key(without) == before[1]


def test_a_path_in_the_key_would_hang_on_the_machine():
    class Placed(Inputs):
        """A path that is not told to be unkeyed."""

        folder: Path

    with pytest.raises(TypeError, match="mark its field as Unkeyed"):
        Placed(folder=Path("/here")).keyed()


def test_a_reference_to_another_table_is_refused_when_the_inputs_are_made(tmp_path):
    root = Root(str(tmp_path))
    drops = write_table(root, "drops.parquet", DROPS, DROPS.schema.empty_table())
    assert type(drops) is DropsRef
    with pytest.raises(ValidationError, match="instance of ImagesRef"):
        ToyInputs(images=drops)


def test_an_output_names_every_file_in_it():
    class Nested(Output):
        """Files in all sorts of fields."""

        one: FileRef
        some: dict[str, list[ImagesRef]]
        none: ImagesRef | None = None
        count: int = 0

    one = FileRef(path="f", digest="d")
    assert list(Nested(one=one, some={"x": [IMAGES_A], "y": [IMAGES_B]}).refs()) == [one, IMAGES_A, IMAGES_B]


def test_what_a_run_writes_lies_below_its_key(tmp_path):
    run = Run(Root(str(tmp_path)), "toy-abc")
    ref = run.write(IMAGES, IMAGES.schema.empty_table(), "000")
    assert (ref.path, ref.rows) == ("stages/toy/abc/000.parquet", 0)
    assert read_table(run.root, ref).schema.equals(IMAGES.schema)
    file = run.write_file("weights.bin", b"w")
    assert run.root.read(file.path) == b"w"
    assert file.path == "stages/toy/abc/weights.bin"


def test_a_stage_travels_to_a_worker_by_its_name():
    assert pickle.loads(pickle.dumps(estimate_boxes)) is estimate_boxes


def test_the_order_of_rows_does_not_change_what_is_written(tmp_path):
    run = Run(Root(str(tmp_path)), "toy-1")
    rows = [{"image_id": name, "stage": "s", "reason": "r", "evidence": "{}"} for name in "ba"]
    table = pa.Table.from_pylist(rows, DROPS.schema)
    assert run.write(DROPS, table).digest == run.write_rows(DROPS, rows[::-1]).digest


WRONG = """\
from storage.root import Root
from storage.tables.acquisition import DropsRef, ImagesRef
from storage.tables.groups import GroupsRef, PairsRef
from tasks.boxes.settings import BoxSettings
from tasks.boxes.task import Boxed, BoxInputs, estimate_boxes
from tasks.cluster.settings import ClusterSettings
from tasks.contracts import Run, StageRunner, stage


def wire(runner: StageRunner, images: ImagesRef, pairs: PairsRef, groups: GroupsRef, drops: DropsRef) -> None:
    good = BoxInputs(images=images, pairs=pairs, groups=groups)
    runner.one(estimate_boxes, good, BoxSettings()).boxes
    BoxInputs(images=images, pairs=pairs, grups=groups)  # misspelt
    BoxInputs(images=images, pairs=pairs)  # missing
    BoxInputs(images=drops, pairs=pairs, groups=groups)  # another table
    runner.one(estimate_boxes, images, BoxSettings())  # no inputs
    runner.one(estimate_boxes, good, ClusterSettings())  # settings of another stage
    runner.one(estimate_boxes, good, BoxSettings()).drops  # no such output


@stage("wrong", 1)
def wrong(run: Run, inputs: BoxInputs, settings: None) -> Boxed:
    return Boxed(boxes=inputs.pairs)  # another output
"""


def test_mypy_refuses_wrong_wiring(tmp_path):
    """Each line of the snippet that says what is wrong with it has an error, and no other line."""
    snippet = tmp_path / "wrong.py"
    snippet.write_text(WRONG)
    command = [sys.executable, "-m", "mypy", "--follow-imports=silent", "--no-error-summary", str(snippet)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    found = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error:" in line}
    wrong = {number for number, line in enumerate(WRONG.splitlines(), 1) if "  # " in line}
    assert found == wrong, done.stdout + done.stderr
