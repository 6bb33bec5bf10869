"""A test set is scored by descriptors and by codes, and a kill costs what was not kept yet."""

import hashlib
import io

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from storage.parquet import read_table, write_bytes
from storage.root import Root
from storage.tables.spec import FileRef
from tasks.contracts import Run
from tasks.describe import contracts
from tasks.describe.descriptors import describe_image
from tasks.describe.network import Stored, load_network
from tasks.describe.settings import DescribeSettings
from tasks.describe.whiten import Moments, export_whitening, learn_whitening
from tasks.evaluate.photographs import rank_by_codes, read_scored_set
from tasks.evaluate.task import Codes, EvaluateInputs, score_test_set
from tasks.index import build
from tasks.index.expansion import unit_length

SETTINGS = DescribeSettings(backbone="tests.tasks.describe.conftest:Small", longest_sides=(64,))


class KilledError(BaseException):
    """What ends a process in the middle of a stage."""


@pytest.fixture
def testset(tmp_path):
    """Six photographs, two of which ask for two others, one of them with a box."""
    folder = tmp_path / "snaps"
    folder.mkdir()
    for number in range(6):
        pixels = np.random.default_rng(number).integers(0, 255, (6, 8, 3), np.uint8)
        Image.fromarray(pixels).resize((96, 64)).save(folder / f"{number}.png")
    (folder / "queries.csv").write_text("query,image,x1,y1,x2,y2\na,0.png,10,10,80,60\nb,3.png,,,,\n")
    answers = [f"{name},{number}.png,positive\n" for name, number in (("a", 1), ("a", 2), ("b", 4), ("b", 5))]
    (folder / "answers.csv").write_text("query,image,grade\n" + "".join(answers))
    return folder


@pytest.fixture
def root(tmp_path):
    return Root(str(tmp_path / "root"))


def inputs_of(root, testset):
    rng = np.random.default_rng(0)
    layers = export_whitening(learn_whitening(Moments.of(rng.random((99, 8))), 8, 0.5))
    root.write("whitening.safetensors", layers)
    index, sink = build.learn(unit_length(rng.normal(size=(60, 8)).astype("f4")), "PQ4x4np", 1), io.BytesIO()
    build.write(index, sink)
    return EvaluateInputs(
        name="snaps",
        digest=read_scored_set("snaps", testset).digest(),
        folder=testset,
        network=load_network(SETTINGS, layers).digest(),
        stored=Stored(whitening=FileRef(path="whitening.safetensors", digest=hashlib.sha256(layers).hexdigest())),
        source="some/version",
        certificates={},
        codes=Codes(index=write_bytes(root, "index.faiss", sink.getvalue(), 0), factory="PQ4x4np"),
    )


def score(root, inputs, on_progress=lambda *_: None):
    return score_test_set(Run(root, "evaluate-1", on_progress), inputs, SETTINGS)


def test_what_a_killed_run_had_described_is_not_described_again(root, testset, monkeypatch):
    monkeypatch.setattr(contracts, "EVERY", 0.0)
    inputs = inputs_of(root, testset)

    def kill(done, total, note):
        if done == 3:
            raise KilledError

    with pytest.raises(KilledError):
        score(root, inputs, kill)
    run = Run(root, "evaluate-1")
    kept = [io.BytesIO(root.read(f"{run.partial}/{name}")) for name in root.names(run.partial)]
    assert sum(pq.read_table(content).num_rows for content in kept) == 3
    described = []
    monkeypatch.setattr(contracts, "describe_image", lambda *asked: described.append(asked) or describe_image(*asked))
    score(root, inputs)
    assert len(described) == 3 + 1  # and what the box holds


def test_descriptors_and_codes_are_scored_apart(root, testset):
    inputs = inputs_of(root, testset)
    exact, by_codes = read_table(root, score(root, inputs).results).to_pylist()
    assert (exact["steps"], by_codes["steps"]) == ("", "codes PQ4x4np")
    assert {name for name in exact if exact[name] != by_codes[name]} <= {
        *("steps", "mean_average_precision", "low", "high"),
        *(f"precision_at_{most}" for most in (1, 5, 10)),
    }
    (alone,) = read_table(root, score(root, inputs.model_copy(update={"codes": None})).results).to_pylist()
    assert alone == exact


def test_codes_rank_as_faiss_does_and_leave_out_what_is_not_found():
    rng = np.random.default_rng(0)
    own, vectors, queries = (unit_length(rng.normal(size=(count, 8)).astype("f4")) for count in (60, 20, 3))
    rankings = rank_by_codes(build.learn(own, "IVF8,PQ4x4np", 2), vectors, queries)
    plain = build.learn(own, "IVF8,PQ4x4np", 2)
    plain.add_with_ids(vectors, np.arange(20))
    for ranking, expected in zip(rankings, plain.search(queries, 20)[1], strict=True):
        assert ranking.tolist() == [row for row in expected if row >= 0]
        assert 0 < len(ranking) < 20
