import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.root import Root
from tasks.acquire.partition import (
    Partition,
    bucket_of,
    choose_partition,
    packet_of,
    shards_of,
)
from tasks.acquire.prior import fixed_partition

PARTITION = Partition(shards=16, packets=24, large_class=1000)
ids = st.lists(st.text(), unique=True, max_size=40)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (0, (4, 4, 1000)),
        (400, (4, 8, 1000)),
        (2500, (4, 50, 1000)),
        (20_000, (20, 96, 1000)),
        (213_678, (128, 96, 2428)),
        (4_132_914, (128, 96, 46964)),
    ],
)
def test_the_partition_grows_with_the_list(rows, expected):
    chosen = choose_partition(rows)
    assert (chosen.shards, chosen.packets, chosen.large_class) == expected


@given(st.integers(0, 10**9))
def test_no_list_makes_more_tasks_than_prefect_bears(rows):
    chosen = choose_partition(rows)
    most_large_classes = rows // chosen.large_class
    assert chosen.shards + 10 * (chosen.packets + most_large_classes) + 20 <= 2000


def test_the_partition_is_fixed_at_the_first_run(tmp_path):
    root = Root(str(tmp_path))
    first = fixed_partition(root, 400)
    assert fixed_partition(root, 10**6) == first
    assert fixed_partition(Root(root.url), 0) == first


def test_a_shard_follows_from_the_key_alone():
    assert bucket_of("a", 1000) == int(hashlib.sha256(b"a").hexdigest()[:16], 16) % 1000
    assert [bucket_of(key, 7) for key in ("Notre-Dame", "", "日本")] == [
        bucket_of(key, 7) for key in ("Notre-Dame", "", "日本")
    ]


@given(ids, ids)
def test_more_rows_move_no_other(first, more):
    alone = dict(zip(first, shards_of(first, PARTITION), strict=True))
    together = dict(zip(more + first, shards_of(more + first, PARTITION), strict=False))
    assert all(together[key] == alone[key] for key in first)


@given(ids)
def test_every_row_has_a_shard(keys):
    shards = shards_of(keys, PARTITION)
    assert shards.shape == (len(keys),)
    assert shards.dtype == np.int64
    assert ((shards >= 0) & (shards < PARTITION.shards)).all()


def test_keys_spread_evenly():
    counts = np.bincount(shards_of([str(number) for number in range(16_000)], PARTITION), minlength=16)
    assert counts.min() > 850
    assert counts.max() < 1150


@given(st.text(), st.integers(1, 999), st.integers(1, 999))
def test_an_ordinary_class_keeps_its_packet_as_it_grows(landmark, before, after):
    assert packet_of(landmark, before, PARTITION) == packet_of(landmark, after, PARTITION)
    assert int(packet_of(landmark, before, PARTITION)) < PARTITION.packets


def test_a_large_class_is_a_packet_of_its_own_with_a_name_fit_for_a_file():
    names = {packet_of(landmark, 1000, PARTITION) for landmark in ("a", "b", "../../etc", "Ünïcode 塔", "")}
    assert len(names) == 5
    assert all(name.startswith("class-") and name.replace("-", "").isalnum() and name.isascii() for name in names)
    assert packet_of("a", 999, PARTITION).isdigit()
