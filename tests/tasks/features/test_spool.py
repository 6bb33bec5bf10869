import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import UnwritableRootError
from tasks.features.packed import Features, pack
from tasks.features.spool import Spooled, fill_spool, spool_features


def rows(counts: list[int], seed: int = 0) -> tuple[list[dict], list[dict], list[Features]]:
    """Rows of `features` and `masks` of pictures with so many keypoints, and what is left of each by their masks."""
    random = np.random.default_rng(seed)
    features, masks, left = [], [], []
    for number, count in enumerate(counts):
        keypoints = random.uniform(0, 900, (count, 6)).astype(np.float32)
        own = Features(keypoints, random.integers(0, 256, (count, 128), np.uint8))
        masked = random.random(count) < 0.3
        features.append({"sha256": str(number), **pack(own)})
        masks.append({"sha256": str(number), "bits": np.packbits(masked).tobytes()})
        left.append(own.without(masked))
    return features, masks, left


def same(first: Features, second: Features) -> bool:
    return all(
        a.dtype == b.dtype and np.array_equal(a, b)
        for a, b in ((first.keypoints, second.keypoints), (first.descriptors, second.descriptors))
    )


@given(st.lists(st.integers(0, 40), max_size=6), st.integers(0, 2**32 - 1))
def test_what_is_not_masked_comes_back(counts, seed):
    features, masks, left = rows(counts, seed)
    with spool_features(features, masks) as spool:
        assert all(same(spool[str(number)], expected) for number, expected in enumerate(left))


def test_some_pictures_in_an_order_of_ones_own():
    features, masks, left = rows([5, 9, 0, 20])
    with spool_features(iter(features), iter(masks)) as spool:
        chosen = Spooled(spool, ["3", "0", "3"])
        assert len(chosen) == 3
        assert all(same(found, left[number]) for found, number in zip(chosen, (3, 0, 3), strict=True))
        assert [len(part.keypoints) for part in chosen[1:]] == [len(left[0].keypoints), len(left[3].keypoints)]


def test_several_threads_may_ask_at_once():
    features, masks, left = rows([200] * 20)
    with spool_features(features, masks) as spool, ThreadPoolExecutor(4) as pool:
        asked = np.random.default_rng(0).integers(0, 20, 400).tolist()
        found = pool.map(lambda number: spool[str(number)], asked)
        assert all(same(own, left[number]) for own, number in zip(found, asked, strict=True))


def test_masks_of_fewer_pictures_are_refused():
    features, masks, _ = rows([3, 3])
    with pytest.raises(ValueError, match="shorter"), spool_features(features, masks[:1]):
        pass


def test_a_full_disk_of_temporary_files_is_told(disk, monkeypatch):
    folder = str(disk("1m"))
    monkeypatch.setattr(tempfile, "tempdir", folder)
    large = [(str(n), Features(np.zeros((9000, 6), np.float32), np.zeros((9000, 128), np.uint8))) for n in range(2)]
    with pytest.raises(UnwritableRootError, match=rf"TMPDIR '{folder}' can't be written: its disk is full"):
        fill_spool(large)
