"""The loop goes on after a kill to the same losses, gives those of one process to two, and says what it left out."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from storage.errors import InputError
from storage.parts import read_parts
from storage.root import Root
from tasks.train.checkpoint import Progress
from tasks.train.settings import LossSettings, OptimizerSettings, TrainSettings, ValidationSettings
from tests.tasks.train import small_semantic
from tests.tasks.train.small import SETTINGS, Folder, learn, make_trainer, picture_without, run

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def settings_with(**changed: Any) -> TrainSettings:
    return TrainSettings(**{**dict(SETTINGS), **changed})


def trained(settings: TrainSettings = SETTINGS, **how: Any) -> Progress:
    return learn(make_trainer(settings, **how), settings)


def test_a_killed_run_goes_on_to_the_same_losses_bit_for_bit(tmp_path: Path) -> None:
    undisturbed = run(tmp_path / "undisturbed")
    command = [sys.executable, "-m", "tests.tasks.train.small", str(tmp_path / "killed"), "8"]
    killed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    root = Root(str(tmp_path / "killed"))
    (kept,) = read_parts(root, "run")
    assert kept[0] == "000006"  # so iterations are lost, and what they drew from was mined before
    assert run(tmp_path / "killed") == undisturbed
    assert len({*undisturbed.losses}) > SETTINGS.iterations // 2
    assert dict(read_parts(root, "run")) == dict(read_parts(Root(str(tmp_path / "undisturbed")), "run"))


def test_two_processes_with_workers_give_the_losses_of_one_without(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "tests.tasks.train.small", "--together", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    both = [Progress.model_validate_json((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1)]
    alone = trained(read=partial(picture_without, "1-2"))
    assert both[0] == both[1]
    assert np.allclose(both[0].losses, alone.losses, rtol=1e-4, atol=1e-6)
    assert both[0].left_out == alone.left_out == {"1-2": "1-2 is gone"}
    said = [Progress.model_validate_json((tmp_path / f"said-{rank}.json").read_text()) for rank in (0, 1)]
    assert said[0] == said[1]
    by_one = small_semantic.learn(small_semantic.small(small_semantic.settings_of(texts=True)))
    assert np.allclose(said[0].losses, by_one.losses, rtol=1e-4, atol=1e-6)


def test_it_learns(tmp_path: Path) -> None:
    progress = trained()
    first, last = progress.scores[0], progress.scores[-1]
    assert (first.iteration, last.iteration) == (0, 12)
    assert first.queries == last.queries == 3
    assert np.mean(progress.losses[-4:]) < np.mean(progress.losses[:4])


def test_what_is_missing_is_named_and_its_triplets_are_left_out() -> None:
    whole, without = trained(), trained(read=partial(picture_without, "0-1"))
    assert without.left_out == {"0-1": "0-1 is gone"}
    assert len(without.losses) == len(whole.losses)


@pytest.mark.parametrize(
    "changed", [{"loss": LossSettings(loss="ap")}, {"longest_sides": (64, 96)}, {"crop": True}], ids=str
)
def test_other_ways_give_other_losses_and_the_same_ones_twice(changed: dict[str, Any]) -> None:
    settings = settings_with(**changed, iterations=4)
    assert trained(settings).losses == trained(settings).losses != trained(settings_with(iterations=4)).losses


def test_it_ends_early_where_scores_do_not_rise_and_the_best_is_kept(tmp_path: Path) -> None:
    slow = OptimizerSettings(rate=1e-9, low_rate=1e-9)
    settings = settings_with(validation=ValidationSettings(every=2, patience=2), optimizer=slow)
    trainer = make_trainer(settings)
    keeper = Folder(trainer, Root(str(tmp_path)))
    progress = learn(trainer, settings, keeper)
    assert len(progress.losses) == 4
    assert [one.iteration for one in progress.scores] == [0, 2, 4]
    assert keeper.best == [0]
    assert progress.best == 0


def test_a_training_that_diverges_says_so() -> None:
    with pytest.raises(InputError, match=r"loss of iteration \d+ is nan: .*lower \[train.optimizer\] rate"):
        trained(settings_with(optimizer=OptimizerSettings(rate=1e30)))
