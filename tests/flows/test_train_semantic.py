"""The flow `train-semantic` over curated photographs and captions of them, and what describes by what it publishes."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file

from flows.captions import captions
from flows.networks import TrainedVersion
from flows.settings import (
    CaptionsSettings,
    RunSettings,
    SemanticFlowSettings,
    TrainRunSettings,
    read_semantic_settings,
)
from flows.train_semantic import train_semantic
from storage.errors import InputError
from storage.root import Root
from storage.versions import list_damage_of, source_of
from tasks.captions.settings import NeighbourSettings, SplitSettings, TripletSettings
from tasks.describe.settings import DescribeSettings, WhitenSettings
from tasks.train.semantic_settings import SemanticDrawSettings, SemanticScoringSettings, SemanticSettings
from tests.captioned import write_coco

SETTINGS = SemanticFlowSettings(
    describe=DescribeSettings(longest_sides=(96,), levels=2),
    whiten=WhitenSettings(dimensions=16),
    train=SemanticSettings(
        iterations=2,
        longest_sides=(96,),
        draw=SemanticDrawSettings(batch=3),
        validation=SemanticScoringSettings(every=2),
    ),
)


@pytest.fixture(scope="module")
def first(
    run_curate: Any, _built: Any, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, TrainedVersion, dict[str, str]]:
    """A root with curated photographs, captions of all but one of them, and of one more, and the network."""
    folder = tmp_path_factory.mktemp("semantic")
    root, names = folder / "root", dict[str, str]()
    lines = []
    for number, line in enumerate(dict.fromkeys(_built.lines()), start=1):
        _, url, own = line.split(",")
        names[str(number)] = own
        lines.append(f"{number},{url},{own}")
    run_curate(_built.write(lines, folder / "list.csv"), root)
    write_coco(folder / "captions_small.json", {**dict(list(names.items())[1:]), "4000": "dome"})
    settings = CaptionsSettings(
        split=SplitSettings(val_percent=40, test_percent=0),
        triplets=TripletSettings(nearest=2, min_similarity=0.01, min_gap=0.01),
        neighbours=NeighbourSettings(k=3),
    )
    captions([folder / "captions_small.json"], "small", str(root), settings, RunSettings(workers=2))
    return root, run(root), names


def run(root: Path) -> TrainedVersion:
    return train_semantic("latest", str(root), settings=SETTINGS, run=TrainRunSettings(workers=0))


def test_the_network_is_published_with_its_texts_and_what_was_joined(first: Any) -> None:
    root, made, names = first
    version = made.version
    folder = root / version.folder
    assert version.captions.startswith("small/1-")
    assert version.joined["captions without an image"] >= 1
    assert version.joined["images without captions"] == 1
    assert version.joined["images with captions"] == version.photographs
    vocabulary = pq.read_table(folder / "caption_vocabulary.parquet")
    weight = load_file(folder / "text.safetensors")["weight"]
    assert weight.shape == (vocabulary.num_rows, 16)
    assert np.isfinite(weight).all()
    assert "abbey" in vocabulary["term"].to_pylist()
    scores = pq.read_table(folder / "scores.parquet").to_pylist()
    assert {(row["iteration"], row["protocol"]) for row in scores} == {
        (done, kind) for done in (0, 2) for kind in ("V", "VT")
    }
    assert list_damage_of(Root(str(root)), version) == []
    page = (folder / "report/index.html").read_text()
    assert "images without captions" in page
    assert "by what <b>small/1-" in page
    assert "text.safetensors" in (folder / "README.md").read_text()
    assert len(names) > version.photographs


def test_a_second_run_publishes_nothing_new(first: Any) -> None:
    root, made, _ = first
    again = run(root)
    assert (again.version, again.is_new) == (made.version, False)


def test_it_is_trained_and_listed_from_the_terminal(first: Any, cairn: Any, tmp_path: Path) -> None:
    root, made, _ = first
    told = tmp_path / "settings.toml"
    told.write_text(
        "[describe]\nlongest_sides = [96]\n[whiten]\ndimensions = 16\n[train]\niterations = 2\nlongest_sides = [96]\n"
        "[train.draw]\nbatch = 3\n[train.validation]\nevery = 2\n"
    )
    done = cairn("train", "--kind", "semantic", "--captions", "small/1", "--settings", told, "--root", root)
    assert done.code == 0, done.errors
    assert f"nothing new; the latest network is {made.version.folder}" in done.output
    assert "1 images without captions" in done.output
    assert ("the network is the one that training began with" in done.output) == (made.version.best == 0)
    assert source_of(made.version).split("/")[0] in done.output
    assert made.version.captions in cairn("networks", "--root", root).output


def test_what_can_be_asked_wrongly_is_told_in_a_line(first: Any, cairn: Any, dataset: Path) -> None:
    root, _, _ = first
    wrong = cairn("train", "--kind", "semantic", "--captions", "larger", "--root", root)
    assert (wrong.code, "captions 'larger'" in wrong.errors, "small" in wrong.errors) == (2, True, True)
    none = cairn("train", "--kind", "semantic", "--root", dataset)
    assert "holds no captions to learn from; make them with cairn captions run" in none.errors
    other = cairn("train", "--captions", "small", "--root", root)
    assert "--captions are learned from by --kind semantic" in other.errors


def test_settings_that_are_left_out_are_those_of_the_paper(tmp_path: Path) -> None:
    told = tmp_path / "settings.toml"
    told.write_text('[describe]\nbackbone = "resnet101"\n[train.optimizer]\nlower_after = 9\n')
    read = read_semantic_settings(told)
    assert (read.describe.levels, read.describe.longest_sides) == (2, (576,))
    own = read.train.optimizer
    assert (own.optimizer, own.rate, own.low_rate, own.lower_after) == ("adam", 1e-5, 1e-6, 9)
    assert (read.train.draw.batch, read.train.iterations, read.train.longest_sides) == (64, 16000, (576,))
    told.write_text("[train.loss]\nmargin = inf\n")
    with pytest.raises(InputError, match=r"train\.loss\.margin: Input should be a finite number"):
        read_semantic_settings(told)
    told.write_text("[train.mining]\npool = 7\n")
    with pytest.raises(InputError, match=r"train\.mining"):
        read_semantic_settings(told)
