"""A look at photographs that people took: the landmarks in `SHARED_DATA`, of which three at a time are held back.

Nobody has said what is true of them. Those that ask are what Cairn keeps of the landmarks that are held back, and they
search among each other and photographs of other places; what Cairn drops may well show the landmark, and is left out.
"""

import shutil
from pathlib import Path

import numpy as np

from bench.harness.surroundings import SHARED_DATA
from bench.training.cleaning_arms import curate_list
from bench.training.cleaning_run import Exam
from bench.training.cleaning_work import Prepared, keep_maps, with_start

_TEST_LANDMARK = "eiffel_tower"  # among those that are searched
_HELD_BACK = 3


def prepare_folds(root: Path, folds: int) -> list[Prepared]:
    """Curates the landmarks, and holds back three others in each fold."""
    folder, given = root / "landmarks", SHARED_DATA / "landmarks"
    files = [file for file in sorted(given.glob("*/*")) if file.parent.name != _TEST_LANDMARK]
    paths = [str(file.relative_to(given)) for file in files]
    for path in paths:
        (folder / "list" / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(given / path, folder / "list" / path)
    own = curate_list(paths, np.zeros(len(paths), np.bool_), folder)
    searched = [str(file) for name in ("landmarks_few", "testsets") for file in (SHARED_DATA / name).glob("*/*.jpg")]
    mapped = keep_maps(folder / "maps.safetensors", [*own.paths, *sorted(searched)])
    order, prepared = np.random.default_rng(0).permutation(own.classes.max() + 1), list[Prepared]()
    for fold in range(folds):
        held = np.isin(own.classes, order[_HELD_BACK * fold : _HELD_BACK * (fold + 1)])
        asks = own.part(held & own.kept)
        _, classes = np.unique(asks.classes, return_inverse=True)
        exam = Exam([*asks.paths, *sorted(searched)], classes)
        prepared.append(with_start(Prepared(folder / f"fold-{fold}", own.part(~held), exam, (mapped,))))
    return prepared
