"""Runs of the comparison, carried out by worker processes, and what these have in common, kept in files."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from bench.training.cleaning_arms import Listed, curate_list
from bench.training.cleaning_network import cache_maps, learn_start
from bench.training.cleaning_pictures import asked, distractors, listed, write
from bench.training.cleaning_run import DESCRIBE, APs, Exam, Lesson, settings_of, train_tail, train_whole
from tasks.describe.network import load_network
from tasks.describe.whiten import export_whitening

_TRAIN, _OF = 3, 4  # quarters of the classes that train where a rate is chosen, and of how many


class Prepared(NamedTuple):
    """A noisy list that was curated, and what networks that were trained on it are scored on.

    Attributes:
        folder: keeps the whitening that all arms begin with, and the scores. mapped: files of the trunk's maps.
    """

    folder: Path
    listed: Listed
    exam: Exam
    mapped: tuple[Path, ...]

    def maps(self) -> dict[str, Tensor]:
        """The trunk's maps of all photographs, by their paths."""
        return {path: maps for file in self.mapped for path, maps in load_file(file).items()}

    def start(self) -> bytes:
        """The whitening that all arms begin with."""
        return _start_file(self.folder).read_bytes()


class Work(NamedTuple):
    """A run: an arm and the seed of its draws, and how it trains.

    Attributes:
        within: only three quarters of the classes train, and the true photographs of the last quarter ask.
        whole: the whole network trains, and not its last stage alone.
    """

    prepared: Prepared
    arm: str
    seed: int
    iterations: int
    batch: int
    rate: float
    within: bool = False
    whole: bool = False

    @property
    def file(self) -> Path:
        """Where the scores are kept."""
        way = "within" if self.within else "whole" if self.whole else "tail"
        name = f"{way}-{self.arm}-{self.seed}-{self.iterations}-{self.batch}-{self.rate:g}.npy"
        return self.prepared.folder / "runs" / name


def prepare(root: Path, noise: float, classes: int, views: int) -> Prepared:
    """Makes a list and what asks, curates the list, and computes maps and whitening, unless they are there.

    Args:
        classes: how many are in the list. views: of each class that asks.
    """
    folder, queries, shots = root / f"noise-{100 * noise:.0f}", asked(views), listed(noise, classes)
    write(shots, folder / "list")
    write([*queries, *distractors()], root / "exam")
    names = sorted({shot.landmark for shot in queries})
    exam = Exam(
        [str(root / "exam" / shot.path) for shot in [*queries, *distractors()]],
        np.array([names.index(shot.landmark) for shot in queries]),
    )
    own = curate_list([shot.path for shot in shots], np.array([shot.true for shot in shots]), folder)
    mapped = keep_maps(folder / "maps.safetensors", own.paths), keep_maps(root / "exam.safetensors", exam.paths)
    return with_start(Prepared(folder, own, exam, mapped))


def keep_maps(file: Path, paths: Sequence[str]) -> Path:
    """The file of the trunk's maps of photographs, which is made unless it is there."""
    torch.set_num_threads(1)
    if not file.exists():
        save_file(cache_maps(load_network(DESCRIBE), paths), file)
    return file


def with_start(prepared: Prepared) -> Prepared:
    """Learns the whitening that all arms begin with from all photographs of the list, unless it is there."""
    file = _start_file(prepared.folder)
    if not file.exists():
        maps = prepared.maps()
        learned = learn_start(load_network(DESCRIBE), [maps[path] for path in prepared.listed.paths])
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(export_whitening(learned))
    return prepared


def _start_file(folder: Path) -> Path:
    return folder / "start.safetensors"


def carry_out(work: Work) -> APs:
    """The scores of a run, which is made unless its file is there."""
    if not work.file.exists():
        settings = settings_of(work.iterations, work.batch, work.rate, work.seed)
        lesson, exam = _within(work.prepared) if work.within else (_lesson(work), work.prepared.exam)
        start = work.prepared.start()
        if work.whole:
            found = train_whole(lesson, settings, exam, start)
        else:
            found = train_tail(lesson, settings, exam, start, work.prepared.maps())
        work.file.parent.mkdir(exist_ok=True)
        np.save(work.file, found)
        print(work.file.stem, np.round(found.mean(axis=1), 4).tolist(), flush=True)
    scores: APs = np.load(work.file)
    return scores


def _lesson(work: Work) -> Lesson:
    rows = work.prepared.listed.chosen(work.arm, work.seed)
    return _rows(work.prepared.listed, rows.tolist())


def _within(prepared: Prepared) -> tuple[Lesson, Exam]:
    own = prepared.listed
    first = own.classes < (own.classes.max() + 1) * _TRAIN // _OF
    lesson, last = (_rows(own, np.flatnonzero(own.true & part).tolist()) for part in (first, ~first))
    others = prepared.exam.paths[len(prepared.exam.classes) :]
    return lesson, Exam([*last.paths, *others], last.classes)


def _rows(own: Listed, rows: Sequence[int]) -> Lesson:
    return Lesson([own.paths[row] for row in rows], own.classes[rows])
