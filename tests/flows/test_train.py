"""The flow `train` over a curated version of made-up photographs, and what describes by what it publishes."""

import json
import shutil
import threading
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest

from flows.index import index
from flows.index_request import check_asked_sets
from flows.settings import IndexFlowSettings, RunSettings, TrainFlowSettings, TrainRunSettings, read_train_settings
from flows.train import TrainedVersion, train
from storage.errors import InputError
from storage.manifest import NetworkManifest
from storage.root import Root
from storage.versions import find_version, list_damage_of, source_of
from tasks.describe.network import load_network
from tasks.describe.settings import DescribeSettings

TOML = """\
[describe]
longest_sides = [96]
levels = 2
[whiten]
dimensions = 32
[train]
iterations = 4
longest_sides = [96]
checkpoint_every = 1
[train.classify]
iterations = 2
batch = 3
side = 64
[train.mining]
batch = 3
refresh = 2
hardest = 3
[train.validation]
every = 2
"""
SETTINGS = TrainFlowSettings.model_validate(tomllib.loads(TOML))


@pytest.fixture(scope="module")
def first(
    server: str, first_run: Any, testset: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, TrainedVersion]:
    """A root with a curated version, and the first network that was trained on it."""
    root = Path(shutil.copytree(first_run[0], tmp_path_factory.mktemp("train") / "root"))
    return root, run(root, {"snaps": testset})


def run(root: Path, test_sets: Mapping[str, Path], settings: TrainFlowSettings = SETTINGS) -> TrainedVersion:
    return train("latest", str(root), None, settings, dict(test_sets), TrainRunSettings(workers=0))


def rows(root: Path, made: NetworkManifest, table: str) -> list[dict[str, Any]]:
    return list(pq.read_table(root / made.folder / f"{table}.parquet").to_pylist())


def test_the_trained_network_is_published_with_what_it_came_from(first: Any, first_run: Any) -> None:
    root, made = first
    version = made.version
    assert made.is_new
    assert find_version(Root(str(root)), "landmarks", "latest", NetworkManifest) == version
    assert version.source == source_of(first_run[1].version)
    assert version.source_digest == first_run[1].version.digest
    assert (version.iterations, version.certificates) == (4, {"snaps": "not certified"})
    assert version.environment["processes"] == "1"
    assert {row["iteration"] for row in rows(root, version, "losses")} == {0, 1, 2, 3}
    scored = {(row["iteration"], row["test_set"]) for row in rows(root, version, "scores")}
    assert scored == {(done, name) for done in (0, 2, 4) for name in ("snaps", "val")}
    assert rows(root, version, "left_out") == []
    assert list_damage_of(Root(str(root)), version) == []
    page = (root / version.folder / "report/index.html").read_text()
    assert "snaps" in page
    assert page.count("<svg") == 3
    assert list((root / "tensorboard" / version.source).glob("*/events.*"))


def test_describe_reads_it(first: Any) -> None:
    root, made = first
    folder = root / made.version.folder
    files = [(folder / f"{name}.safetensors").read_bytes() for name in ("whitening", "backbone")]
    assert load_network(SETTINGS.describe, *files).digest() == made.version.network != made.version.start


def test_a_second_run_publishes_nothing_new_and_trains_nothing(first: Any, testset: Path) -> None:
    root, made = first
    written = {path: path.stat().st_mtime_ns for path in (root / "stages").rglob("*") if path.is_file()}
    again = run(root, {"snaps": testset})
    assert (again.version, again.is_new) == (made.version, False)
    assert {path: path.stat().st_mtime_ns for path in (root / "stages").rglob("*") if path.is_file()} == written


def test_the_command_prints_the_same_as_json(first: Any, cairn: Any, testset: Path, tmp_path: Path) -> None:
    root, made = first
    settings = tmp_path / "settings.toml"
    settings.write_text(TOML)
    how = ("--settings", settings, "--test-set", f"snaps={testset}", "--workers", 0)
    ended = cairn("train", "--root", root, *how, "--json")
    facts = json.loads(ended.output)
    assert (facts["version"], facts["iterations"]) == (made.version.folder, 4)
    assert {row["test_set"] for row in facts["scores"]} == {"snaps"}


def test_a_training_that_is_killed_tells_so_and_goes_on_to_the_same_network(
    first: Any, dataset: Path, testset: Path, until: Any
) -> None:
    def kill() -> None:
        until(lambda: list(dataset.glob("stages/train/*/partial/checkpoint/*")), "a checkpoint", 0.02)
        for child in psutil.Process().children(recursive=True):
            if "tasks.train.process" in child.cmdline() and "torch.distributed.run" not in child.cmdline():
                child.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(InputError, match="ended with exit code 1; run the same command again to go on"):
        run(dataset, {"snaps": testset})
    killer.join()
    again = run(dataset, {"snaps": testset}).version
    assert (again.network, again.digest) == (first[1].version.network, first[1].version.digest)


def test_an_index_is_made_by_it_and_says_so(first: Any, testset: Path) -> None:
    root, made = first
    given = IndexFlowSettings(describe=DescribeSettings(longest_sides=(128,)))
    found = index(
        "latest", str(root), None, given, {"snaps": testset}, network="latest", run=RunSettings(workers=2)
    ).version
    assert (found.trained, found.learnt_from) == (source_of(made.version), made.version.source)
    assert found.settings["describe"] == {**made.version.settings["describe"], "longest_sides": [128]}
    assert {row["network"].split()[0] for row in rows(root, found, "results")} == {"efficientnet-lite0"}  # type: ignore[arg-type]
    with pytest.raises(InputError, match="give one of them"):
        index("latest", str(root), like="latest", network="latest")


def test_it_is_searched_and_listed(first: Any, cairn: Any, testset: Path, tmp_path: Path) -> None:
    root, made = first
    found = cairn("search", testset / "abbey_1.jpg", "--root", root, "--out", tmp_path, "--count", 3)
    assert found.code == 0, found.errors
    listed = cairn("networks", "--root", root)
    assert made.version.digest[:12] in listed.output


def test_a_version_that_leaks_into_a_test_set_is_not_trained_for_it(
    first: Any, dataset: Path, testset: Path, cairn: Any
) -> None:
    done = cairn("certify", "latest", "--root", dataset, "--test-set", f"snaps={testset}")
    assert "snaps" in done.output
    with pytest.raises(InputError, match="show the same as photographs of test set 'snaps'"):
        run(dataset, {"snaps": testset})
    store = Root(str(dataset))
    version = source_of(find_version(store, "landmarks", "latest"))
    assert check_asked_sets(store, version, {"snaps": testset})["snaps"].certificates == {}


def test_settings_are_read_by_their_sections(tmp_path: Path) -> None:
    (tmp_path / "train.toml").write_text("[train]\niterations = 9\n[train.mining]\npool = 7\n[describe]\nlevels = 2\n")
    read = read_train_settings(tmp_path / "train.toml")
    assert (read.train.iterations, read.train.mining.pool) == (9, 7)
    (tmp_path / "train.toml").write_text("[train.minning]\npool = 7\n")
    with pytest.raises(InputError, match="minning"):
        read_train_settings(tmp_path / "train.toml")
