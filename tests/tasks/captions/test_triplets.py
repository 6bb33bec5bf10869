import numpy as np
import pytest

from tasks.captions.settings import TripletSettings
from tasks.captions.triplets import EMPTY, NO_NEGATIVE, NO_POSITIVE, draw_triplets

SMALL = TripletSettings(pool=60, nearest=8)


def draw(weights, settings=SMALL, splits=None):
    ids = [f"i{n}" for n in range(weights.shape[0])]
    return draw_triplets(weights, ids, splits or ["train"] * len(ids), settings)


def test_every_triplet_keeps_the_rule(drawn):
    weights = drawn(200, 80)
    splits = ["train" if n % 5 else "val" for n in range(200)]
    drawing = draw(weights, splits=splits)
    assert len(drawing.rows) > 100
    dense = weights.toarray().astype(np.float64)
    for row in drawing.rows:
        q, p, n = (int(row[name][1:]) for name in ("query", "positive", "negative"))
        assert len({q, p, n}) == 3
        assert {splits[q], splits[p], splits[n]} == {row["split"]}
        assert row["positive_similarity"] == pytest.approx(dense[q] @ dense[p], abs=1e-6)
        assert row["negative_similarity"] == pytest.approx(dense[q] @ dense[n], abs=1e-6)
        assert row["positive_similarity"] >= SMALL.min_similarity
        assert row["gap"] >= SMALL.min_gap - 1e-9
        assert 0 <= row["rank"] < SMALL.nearest
    pools = {name: {(r["split"], r["pool"]) for r in drawing.rows if name in r.values()} for name in ("i1", "i2", "i3")}
    assert all(len(found) <= 1 for found in pools.values())
    assert len({(row["split"], row["pool"]) for row in drawing.rows}) == 3
    assert len(drawing.rows) + drawing.without.total() == 200


def test_ranks_are_those_in_the_pool(drawn):
    weights = drawn(40, 60)
    dense = weights.toarray().astype(np.float64)
    for row in draw(weights).rows:
        q, p, n = (int(row[name][1:]) for name in ("query", "positive", "negative"))
        order = sorted((j for j in range(40) if j != q), key=lambda j: (-np.float32(dense[q] @ dense[j]), j))
        assert order.index(p) == row["rank"]
        assert n not in order[: SMALL.nearest]


def test_they_are_drawn_again_alike_and_otherwise_with_another_seed(drawn):
    weights = drawn(150, 80)
    assert draw(weights).rows == draw(weights).rows
    other = draw(weights, SMALL.model_copy(update={"seed": 1})).rows
    assert [row["negative"] for row in other] != [row["negative"] for row in draw(weights).rows]


def test_all_ranks_and_many_negatives_are_drawn(drawn):
    rows = draw(drawn(400, 60), TripletSettings(pool=400, nearest=4)).rows
    assert {row["rank"] for row in rows} == {0, 1, 2, 3}
    assert len({row["negative"] for row in rows}) > 150


def test_images_without_a_triplet_are_counted_by_reason(unit_rows):
    dense = np.zeros((14, 14))
    dense[:10, 0] = 1  # all the same: nothing is far enough but the two that follow
    dense[10, 1] = dense[11, 2] = 1  # near to nothing
    drawing = draw(unit_rows(dense), TripletSettings(pool=12, nearest=2))
    assert drawing.without == {EMPTY: 2, NO_POSITIVE: 2}
    assert {row["negative"] for row in drawing.rows} == {"i10", "i11"}
    alike = draw(unit_rows(dense[:10]), TripletSettings(pool=12, nearest=2))
    assert alike.without == {NO_NEGATIVE: 10}
    assert alike.rows == []
