import pandas as pd

from tasks.export.layout import photographs
from tasks.export.shards import shards


def test_shards_hold_all_mix_the_classes_and_keep_to_their_size(kept_row):
    rows = [kept_row(image_id=f"{n:03d}", class_index=n // 50, bytes=9_000_000) for n in range(100)]
    many = photographs(pd.DataFrame(rows), crop=False)
    parts = list(shards(many))
    assert sorted(photograph.image_id for part in parts for photograph in part) == [row["image_id"] for row in rows]
    assert [len(part) for part in parts] == [11] * 9 + [1]
    assert all({photograph.class_index for photograph in part} == {0, 1} for part in parts[:9])
    assert list(shards(reversed(many))) == parts


def test_a_picture_that_is_larger_than_a_shard_has_one_of_its_own(kept_row):
    rows = [kept_row(image_id=str(n), bytes=10**9) for n in range(3)]
    assert [len(part) for part in shards(photographs(pd.DataFrame(rows), crop=False))] == [1, 1, 1]
    assert list(shards([])) == []
