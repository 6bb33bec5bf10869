"""Descriptors of a root's pictures: each computed once, whatever kills or repeats the stage."""

import hashlib
from typing import Any

import numpy as np
import pytest

from storage.errors import DamagedTableError, InputError
from storage.images import put_image
from storage.parquet import read_table
from storage.root import Root
from storage.tables.acquisition import IMAGES
from storage.tables.versions import VERDICTS
from tasks.contracts import Run
from tasks.describe import contracts, task
from tasks.describe.descriptors import describe_image
from tasks.describe.network import Stored, load_network
from tasks.describe.packed import unpack_descriptors
from tasks.describe.settings import DescribeSettings, WhitenSettings
from tasks.describe.task import (
    DescribeInputs,
    MomentsInputs,
    WhitenInputs,
    describe_images,
    learn_from_moments,
    take_moments,
)
from tests.rows import image_row, write

SMALL = """
import torch

class Small:
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)

    def __init__(self):
        torch.manual_seed(0)
        self.network = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 16, 16), torch.nn.ReLU())

    def maps(self, pixels):
        return self.network(pixels)
"""


class KilledError(BaseException):
    """What ends a process in the middle of a stage."""


@pytest.fixture
def settings(tmp_path, monkeypatch) -> DescribeSettings:
    (tmp_path / "small_backbone.py").write_text(SMALL)
    monkeypatch.syspath_prepend(tmp_path)
    return DescribeSettings(backbone="small_backbone:Small", longest_sides=(64,))


@pytest.fixture
def root(tmp_path) -> Root:
    return Root(str(tmp_path / "root"))


@pytest.fixture
def store(root, picture):
    """Stores pictures by name, each of its own seed; gives their rows of `images`."""

    def store(names: str) -> list[dict[str, Any]]:
        rows = []
        for name in names:
            content = b"no picture" if name == "x" else picture(seed=ord(name))
            sha256 = hashlib.sha256(content).hexdigest()
            rows.append(image_row(name, sha256=sha256, path=put_image(root, content, sha256, "jpg")))
        return rows

    return store


def describe(root, rows, settings, key="describe-1", whitening=None, on_progress=lambda *_: None):
    content = root.read(whitening.path) if whitening else None
    network = load_network(settings, content).digest()
    images = write(root, IMAGES, rows)
    inputs = DescribeInputs(images=images, network=network, stored=Stored(whitening=whitening), shard="0")
    return describe_images(Run(root, key, on_progress), inputs, settings)


def vectors_of(root, output):
    table = read_table(root, output.descriptors)
    return dict(zip(table["sha256"].to_pylist(), unpack_descriptors(table), strict=True))


def test_every_picture_has_the_descriptor_of_its_bytes(root, store, settings):
    rows = store("abc")
    output = describe(root, [*rows, {**rows[0], "image_id": "again"}], settings)
    network, found = load_network(settings), vectors_of(root, output)
    assert list(found) == sorted(row["sha256"] for row in rows)
    for row in rows:
        assert np.array_equal(found[row["sha256"]], describe_image(network, root.read(row["path"])))
    assert {*read_table(root, output.descriptors)["network"].to_pylist()} == {network.digest()}
    assert output.computed == 3


def test_what_can_t_be_decoded_has_a_row_with_a_reason(root, store, settings):
    [*_, broken] = rows = store("abx")
    output = describe(root, rows, settings)
    [row] = read_table(root, output.undescribed).to_pylist()
    assert (row["sha256"], row["path"], row["reason"]) == (broken["sha256"], broken["path"], "broken-image")
    assert "UnidentifiedImageError" in row["evidence"]
    assert len(vectors_of(root, output)) == 2


def test_a_picture_that_is_gone_or_changed_stops_the_stage(root, store, settings):
    rows = store("ab")
    root.write(rows[1]["path"], b"other bytes")
    with pytest.raises(DamagedTableError, match="was changed or damaged"):
        describe(root, rows, settings)


def test_another_version_computes_what_is_new_alone(root, store, settings):
    first = describe(root, store("abc"), settings)
    second = describe(root, store("bcde"), settings, "describe-2")
    assert (first.computed, second.computed) == (3, 2)
    alone = describe(Root(root.url + "-other"), rows_elsewhere(root, store("bcde")), settings)
    assert second.descriptors.digest == alone.descriptors.digest


def rows_elsewhere(root, rows):
    other = Root(root.url + "-other")
    for row in rows:
        other.write(row["path"], root.read(row["path"]))
    return rows


def test_other_networks_have_descriptors_of_their_own(root, store, settings):
    describe(root, store("ab"), settings)
    other = settings.model_copy(update={"levels": 2})
    assert describe(root, store("ab"), other, "describe-2").computed == 2


def test_a_kill_loses_nothing_that_was_kept(root, store, settings, monkeypatch):
    monkeypatch.setattr(contracts, "EVERY", 0.0)
    rows, expected = store("abcd"), describe(root, store("abcd"), settings).descriptors
    root.remove("stages/describe")

    def kill(done: int, total: int, note: str) -> None:
        if done == 3:
            raise KilledError

    with pytest.raises(KilledError):
        describe(root, rows, settings, on_progress=kill)
    again = describe(root, rows, settings)
    assert again.computed == 1
    assert again.descriptors.digest == expected.digest


def test_a_damaged_part_is_computed_again(root, store, settings, monkeypatch):
    monkeypatch.setattr(contracts, "EVERY", 0.0)
    describe(root, store("ab"), settings)
    root.remove("stages/describe/newest")
    run = Run(root, "describe-1")
    names = root.names(run.partial)
    root.write(f"{run.partial}/{names[0]}", b"rotten")
    assert len(names) == 2
    assert describe(root, store("ab"), settings).computed == 1


def test_another_network_than_promised_is_refused(root, store, settings):
    inputs = DescribeInputs(images=write(root, IMAGES, store("a")), network="0" * 64, stored=Stored(), shard="0")
    with pytest.raises(InputError, match=r"makes network [0-9a-f]{12} here and was to make 000000000000"):
        describe_images(Run(root, "describe-1"), inputs, settings)


def verdicts_of(rows, reasons):
    return [
        {
            "row": number, "image_id": row["image_id"], "landmark_id": "c", "verdict": "dropped", "stage": "s",
            "reason": reason, "evidence": "{}", "split": None, "sha256": row["sha256"],
        }
        for number, (row, reason) in enumerate(zip(rows, reasons, strict=True))
    ]  # fmt: skip


def moments(root, rows, reasons, settings, on_progress=lambda *_: None):
    verdicts = write(root, VERDICTS, verdicts_of(rows, reasons))
    network = load_network(settings).digest()
    inputs = MomentsInputs(images=write(root, IMAGES, rows), verdicts=verdicts, network=network, stored=Stored())
    return take_moments(Run(root, "moments-1", on_progress), inputs, settings)


def test_whitening_learns_from_dropped_pictures_but_from_no_leak(root, store, settings):
    reasons = ["kept", "no-match", "other-class", "test-copy", "test-landmark-class", "duplicate-image"]
    some, fewer = store("abcdef"), store("abc")
    taken = moments(root, some, reasons, settings)
    assert (taken.pictures, taken.undecodable) == (3, 0)
    other = moments(Root(root.url + "-other"), rows_elsewhere(root, fewer), reasons[:3], settings)
    assert taken.moments.digest == other.moments.digest


def test_a_picture_that_leaks_under_another_name_is_no_example(root, store, settings):
    [a, b] = store("ab")
    taken = moments(root, [a, b, {**b, "image_id": "c"}], ["kept", "kept", "test-copy"], settings)
    assert taken.pictures == 1


def test_what_can_t_be_decoded_is_counted(root, store, settings):
    taken = moments(root, store("abx"), ["kept"] * 3, settings)
    assert (taken.pictures, taken.undecodable) == (2, 1)


def test_moments_go_on_after_a_kill(root, store, settings, monkeypatch):
    rows = store("abcdef")
    expected = moments(root, rows, ["kept"] * 6, settings).moments
    monkeypatch.setattr(contracts, "EVERY", 0.0)
    monkeypatch.setattr(task, "_FOLDED", 2)
    root.remove("stages/moments")
    seen = []

    def kill(done: int, total: int, note: str) -> None:
        seen.append(done)
        if len(seen) == 3:
            raise KilledError

    with pytest.raises(KilledError):
        moments(root, rows, ["kept"] * 6, settings, kill)
    again = moments(root, rows, ["kept"] * 6, settings, kill)
    assert seen == [0, 2, 4, 4]
    assert again.pictures == 6
    assert close(root, again.moments, expected)


def close(root, one, other):
    tensors = [task.read_moments(root.read(ref.path)) for ref in (one, other)]
    return np.allclose(tensors[0].products, tensors[1].products) and tensors[0].count == tensors[1].count


def test_the_road_from_pictures_to_whitened_descriptors(root, store, settings):
    rows = store("abcdefgh")
    taken = [moments(root, rows[:5], ["kept"] * 5, settings)]
    learnt = learn_from_moments(
        Run(root, "whiten-1"), WhitenInputs(moments=[own.moments for own in taken]), WhitenSettings(dimensions=4)
    )
    assert learnt.vectors == 5 * 20
    output = describe(root, rows, settings, whitening=learnt.whitening)
    found = vectors_of(root, output)
    assert {len(vector) for vector in found.values()} == {4}
    assert all(np.linalg.norm(vector) == pytest.approx(1, abs=1e-5) for vector in found.values())


def test_a_whitening_of_another_network_is_refused(root, store, settings):
    layers = task.export_whitening(task.learn_whitening(task.Moments.of(np.eye(9)), 3, 0.5))
    with pytest.raises(InputError, match=r"whitening is of 9 dimensions and small_backbone:Small makes 8"):
        load_network(settings, layers)
