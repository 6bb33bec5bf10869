import numpy as np
import pyarrow as pa
import pytest

from storage.parquet import read_table, write_table
from storage.root import Root
from storage.tables import BOXES, GROUPS, IMAGES, PAIRS
from tasks.boxes.settings import BoxSettings
from tasks.boxes.task import estimate_boxes
from tasks.orchestration import Output

SHIFTS = {"a1": (0, 0), "a2": (20, 10), "a3": (50, 30)}
LANDMARK = np.array([[100, 100], [300, 100], [300, 250], [100, 250], [200, 180]])


@pytest.fixture
def packet(tmp_path):
    """Class a: three views of a landmark, shifted, and a dropped pair a4, a5; class b: one image alone, kept."""
    root = Root(str(tmp_path))
    facts = {
        "bytes": 1,
        "format": "PNG",
        "mode": "RGB",
        "orientation": 1,
        "frames": 1,
        "pixel_hash": "",
        "phash": "",
        "md5": "0" * 32,
        "path": "p",
        "width": 640,
        "height": 480,
    }
    names = ["a1", "a2", "a3", "a4", "a5", "b1"]
    images = [{"image_id": n, "landmark_id": n[0], "sha256": n, **facts} for n in names]
    ranks = {"a1": (0, 3, 2), "a2": (0, 3, 2), "a3": (0, 3, 2), "a4": (1, 2, 1), "a5": (1, 2, 1), "b1": (0, 1, 0)}
    groups = [
        {"image_id": n, "landmark_id": n[0], "group": g, "group_size": s, "neighbours": k, "kept": g == 0}
        for n, (g, s, k) in ranks.items()
    ]
    pairs = []
    for a, b in (("a1", "a2"), ("a1", "a3"), ("a2", "a3"), ("a4", "a5")):
        in_a, in_b = (LANDMARK + SHIFTS.get(name, (0, 0)) for name in (a, b))
        shift = in_b[0] - in_a[0]
        pairs.append(
            {
                "landmark_id": "a",
                "image_a": a,
                "image_b": b,
                "putative": 9,
                "inliers": 5,
                "false_alarms": -9.0,
                "copy": False,
                "affine": [1, 0, float(shift[0]), 0, 1, float(shift[1])],
                "points": np.hstack([in_a, in_b]).astype(float).ravel().tolist(),
            }
        )
    return root, {
        name: write_table(root, f"{name}.parquet", spec, pa.Table.from_pylist(rows, spec.schema))
        for name, spec, rows in (
            ("images", IMAGES, images),
            ("groups", GROUPS, groups),
            ("pairs", PAIRS, pairs),
        )
    }


def test_kept_images_with_neighbours_have_the_box_of_the_landmark(packet):
    root, inputs = packet
    output = Output.model_validate(estimate_boxes.fn(root.url, "boxes-1", inputs, BoxSettings()))
    table = read_table(root, output.tables["boxes"])
    assert table.schema.equals(BOXES.schema)
    rows = {row["image_id"]: row for row in table.to_pylist()}
    assert set(rows) == {"a1", "a2", "a3"}
    for name, row in rows.items():
        x, y = SHIFTS[name]
        np.testing.assert_allclose(
            [row[side] for side in ("x1", "y1", "x2", "y2")], [100 + x, 100 + y, 300 + x, 250 + y], atol=1e-3
        )
        np.testing.assert_allclose(
            [row[f"first_{side}"] for side in ("x1", "y1", "x2", "y2")], [100 + x, 100 + y, 300 + x, 250 + y], atol=1e-3
        )
        assert (row["supports"], row["sweeps"]) == (2, 1)
        assert (row["spread"], row["first_spread"]) == pytest.approx((0, 0), abs=1e-3)


def test_only_pairs_between_kept_images_of_a_group_count(packet):
    """A pair that was cut leads out of its group; by the policy of neighbours, a kept image may be alone in it."""
    root, inputs = packet
    groups = read_table(root, inputs["groups"]).to_pandas()
    pairs = read_table(root, inputs["pairs"]).to_pandas()
    changed = {
        "groups": groups.assign(kept=groups.image_id.isin(["a1", "a2", "a5"])),
        "pairs": pairs.replace({"image_a": {"a4": "a1"}}),
    }
    specs = {"groups": GROUPS, "pairs": PAIRS}
    written = {
        name: write_table(
            root,
            f"changed/{name}.parquet",
            specs[name],
            pa.Table.from_pandas(rows, specs[name].schema, preserve_index=False),
        )
        for name, rows in changed.items()
    }
    output = Output.model_validate(estimate_boxes.fn(root.url, "boxes-2", {**inputs, **written}, BoxSettings()))
    rows = read_table(root, output.tables["boxes"]).to_pylist()
    assert {row["image_id"]: row["supports"] for row in rows} == {"a1": 1, "a2": 1}


def test_a_packet_without_a_kept_group_has_an_empty_table(packet):
    root, inputs = packet
    lost = read_table(root, inputs["groups"]).to_pandas().assign(kept=False)
    groups = write_table(
        root, "unkept.parquet", GROUPS, pa.Table.from_pandas(lost, GROUPS.schema, preserve_index=False)
    )
    output = Output.model_validate(estimate_boxes.fn(root.url, "boxes-1", {**inputs, "groups": groups}, BoxSettings()))
    assert output.tables["boxes"].rows == 0


def test_again_gives_the_same_bytes(packet):
    root, inputs = packet
    assert estimate_boxes.fn(root.url, "boxes-1", inputs, BoxSettings()) == estimate_boxes.fn(
        root.url, "boxes-1", inputs, BoxSettings()
    )
