"""When what lies over photographs is learnt anew: by how many of those that it was learnt from are what they were."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from bench.harness.local_runner import LocalRunner
from flows.overlays import Overlays, recall_overlays
from flows.settings import LeakSettings
from storage.parquet import encode, read_table
from storage.root import Root
from storage.tables.acquisition import IMAGES
from storage.tables.features import FEATURES, TEMPLATES
from tasks.features.known import KnownOverlays, check_overlays, table_of
from tasks.features.overlays import Templates
from tasks.features.packed import Features
from tasks.features.task import Extracted
from tests.rows import features_row, image_row, sha_of, write

CLASSES = {f"{own}{number}": own for own in ("abbey", "bridge", "dome", "gate") for number in range(5)}
"""Twenty photographs by their class."""

SHARE = 0.1


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[LocalRunner]:
    with ThreadPoolExecutor(1) as pool:
        yield LocalRunner(Root(str(tmp_path)), pool)


def recall(runner: LocalRunner, classes: dict[str, str], known: KnownOverlays | None = None) -> Overlays:
    """What `recall_overlays` gives for a list of one packet."""
    rng = np.random.default_rng(0)
    keypoints = Features(rng.uniform(1, 400, (40, 6)).astype(np.float32), rng.integers(0, 9, (40, 128), np.uint8))
    images = write(runner.root, IMAGES, [image_row(name, own) for name, own in classes.items()])
    rows = [features_row(sha_of(name), keypoints) for name in classes]
    features = Extracted(features=write(runner.root, FEATURES, rows), crashed=0)
    return recall_overlays(runner, "landmarks", {"packet": images}, {"packet": features}, LeakSettings(), SHARE, known)


def test_what_was_learnt_stands_while_the_list_hardly_changes(runner: LocalRunner) -> None:
    first = recall(runner, CLASSES)
    assert first.changed == 0
    assert recall(runner, CLASSES) == first
    came = recall(runner, CLASSES | {"gate5": "gate"})
    assert came.templates == first.templates
    assert came.changed == pytest.approx(1 / 21)


def test_a_photograph_that_changes_its_class_counts_as_one_that_changed(runner: LocalRunner) -> None:
    first = recall(runner, CLASSES)
    one = recall(runner, CLASSES | {"gate0": "dome"})
    assert one.templates == first.templates
    assert one.changed == pytest.approx(1 / 20)
    calls = runner.calls
    assert recall(runner, CLASSES | {f"gate{number}": "dome" for number in range(5)}).changed == 0
    assert runner.calls == calls + 3  # the sample, overlays anew, and those that were known


def test_what_was_learnt_elsewhere_is_known(runner: LocalRunner, tmp_path: Path) -> None:
    elsewhere = Templates(np.full((1, 128), 77, np.uint8), np.array([4]))
    (tmp_path / "templates.parquet").write_bytes(encode(TEMPLATES, table_of(elsewhere)))
    found = recall(runner, CLASSES, check_overlays(tmp_path / "templates.parquet"))
    own, learnt = recall(runner, CLASSES), [elsewhere.descriptors[0].tobytes()]
    assert descriptors(runner, found) == descriptors(runner, own) + learnt


def test_what_was_learnt_once_stays_known(runner: LocalRunner) -> None:
    first = descriptors(runner, recall(runner, CLASSES))
    one = dict.fromkeys(CLASSES, "abbey")  # nothing can be learnt of one class
    assert first
    assert set(first) <= set(descriptors(runner, recall(runner, one)))


def descriptors(runner: LocalRunner, found: Overlays) -> list[bytes]:
    return list(read_table(runner.root, found.templates)["descriptor"].to_pylist())
