import numpy as np
import pytest

from storage.parquet import read_table
from storage.root import Root
from storage.tables.acquisition import IMAGES
from storage.tables.groups import BOXES, GROUPS, PAIRS
from tasks.boxes.settings import BoxSettings
from tasks.boxes.task import BoxInputs, estimate_boxes
from tasks.contracts import Run
from tests.rows import group_row, image_row, pair_row, write

SHIFTS = {"a1": (0, 0), "a2": (20, 10), "a3": (50, 30)}
LANDMARK = np.array([[100, 100], [300, 100], [300, 250], [100, 250], [200, 180]])


@pytest.fixture
def run(tmp_path) -> Run:
    return Run(Root(str(tmp_path)), "boxes-1")


@pytest.fixture
def packet(run) -> BoxInputs:
    """Class a: three views of a landmark, shifted, and a dropped pair a4, a5; class b: one image alone, kept."""
    ranks = {"a1": (0, 3, 2), "a2": (0, 3, 2), "a3": (0, 3, 2), "a4": (1, 2, 1), "a5": (1, 2, 1), "b1": (0, 1, 0)}
    groups = [group_row(n, n[0], group=g, group_size=s, neighbours=k, kept=g == 0) for n, (g, s, k) in ranks.items()]
    pairs = []
    for a, b in (("a1", "a2"), ("a1", "a3"), ("a2", "a3"), ("a4", "a5")):
        in_a, in_b = (LANDMARK + SHIFTS.get(name, (0, 0)) for name in (a, b))
        shift = in_b[0] - in_a[0]
        affine = [1, 0, float(shift[0]), 0, 1, float(shift[1])]
        points = np.hstack([in_a, in_b]).astype(float).ravel().tolist()
        pairs.append(pair_row("a", a, b, inliers=5, affine=affine, points=points))
    return BoxInputs(
        images=write(run.root, IMAGES, [image_row(n, n[0]) for n in ranks]),
        groups=write(run.root, GROUPS, groups),
        pairs=write(run.root, PAIRS, pairs),
    )


def test_kept_images_with_neighbours_have_the_box_of_the_landmark(run, packet):
    table = read_table(run.root, estimate_boxes(run, packet, BoxSettings()).boxes)
    assert table.schema.equals(BOXES.schema)
    rows = {row["image_id"]: row for row in table.to_pylist()}
    whole = rows.pop("b1")
    assert [whole[f"{kind}{side}"] for kind in ("", "first_") for side in ("x1", "y1", "x2", "y2")] == [
        0,
        0,
        640,
        480,
    ] * 2
    assert (whole["supports"], whole["sweeps"]) == (0, 0)
    assert set(rows) == {"a1", "a2", "a3"}
    for name, row in rows.items():
        x, y = SHIFTS[name]
        np.testing.assert_allclose(
            [row[side] for side in ("x1", "y1", "x2", "y2")], [92 + x, 94 + y, 308 + x, 256 + y], atol=1e-3
        )
        np.testing.assert_allclose(
            [row[f"first_{side}"] for side in ("x1", "y1", "x2", "y2")], [92 + x, 94 + y, 308 + x, 256 + y], atol=1e-3
        )
        assert (row["supports"], row["sweeps"]) == (2, 1)
        assert (row["spread"], row["first_spread"]) == pytest.approx((0, 0), abs=1e-3)


def test_only_pairs_between_kept_images_of_a_group_count(run, packet):
    """A pair that was cut leads out of its group; by the policy of neighbours, a kept image may be alone in it."""
    groups, pairs = (read_table(run.root, ref).to_pylist() for ref in (packet.groups, packet.pairs))
    kept = [row | {"kept": row["image_id"] in ("a1", "a2", "a5")} for row in groups]
    led = [row | {"image_a": row["image_a"].replace("a4", "a1")} for row in pairs]
    changed = BoxInputs(
        images=packet.images,
        groups=write(run.root, GROUPS, kept, "changed-groups"),
        pairs=write(run.root, PAIRS, led, "changed-pairs"),
    )
    rows = read_table(run.root, estimate_boxes(run, changed, BoxSettings()).boxes).to_pylist()
    assert {row["image_id"]: row["supports"] for row in rows} == {"a1": 1, "a2": 1, "a5": 0}


def test_a_packet_without_a_kept_group_has_an_empty_table(run, packet):
    lost = [row | {"kept": False} for row in read_table(run.root, packet.groups).to_pylist()]
    unkept = BoxInputs(images=packet.images, pairs=packet.pairs, groups=write(run.root, GROUPS, lost, "unkept"))
    assert estimate_boxes(run, unkept, BoxSettings()).boxes.rows == 0


def test_again_gives_the_same_bytes(run, packet):
    assert estimate_boxes(run, packet, BoxSettings()) == estimate_boxes(run, packet, BoxSettings())
