from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest

from storage.parquet import read_table, write_table
from storage.root import Root
from storage.tables import DROPS, FEATURES, IMAGES, PAIRS
from tasks.features.packed import Features, pack, unpack
from tasks.match.settings import MatchSettings
from tasks.match.task import match_pairs
from tasks.match.verify import Verification
from tasks.orchestration import Output

POINTS = np.random.default_rng(0).uniform(0, 480, (60, 2))


def features(seed: int, shift: float) -> dict[str, bytes]:
    descriptors = np.random.default_rng(seed).integers(0, 256, (60, 128), dtype=np.uint8)
    return pack(Features(np.hstack([POINTS + shift, np.ones((60, 2))]).astype(np.float32), descriptors))


@pytest.fixture
def packet(tmp_path):
    """Class a: 1, 2 and 3 alike, 4 alone; class b: 5 and 6 alike, and like those of a."""
    root = Root(str(tmp_path))
    members = [
        ("3", "a", 1, 9),
        ("1", "a", 1, 0),
        ("4", "a", 2, 0),
        ("2", "a", 1, 5),
        ("6", "b", 1, 2),
        ("5", "b", 1, 7),
    ]
    facts = {
        "path": "p",
        "bytes": 1,
        "width": 640,
        "height": 480,
        "format": "JPEG",
        "mode": "RGB",
        "orientation": 1,
        "md5": "0" * 32,
    }
    images = [{"image_id": i, "landmark_id": c, "sha256": f"sha{i}", **facts} for i, c, _, _ in members]
    described = [{"sha256": f"sha{i}", **features(seed, shift)} for i, _, seed, shift in members]
    tables = {"images": (IMAGES, images), "features": (FEATURES, described), "drops": (DROPS, [])}
    inputs = {
        n: write_table(root, f"{n}.parquet", spec, pa.Table.from_pylist(rows, spec.schema))
        for n, (spec, rows) in tables.items()
    }
    return root, inputs


def run(root: Root, inputs: dict, settings: MatchSettings = MatchSettings()) -> tuple[Output, list[dict]]:
    output = Output.model_validate(match_pairs.fn(root.url, "match-1", inputs, settings))
    table = read_table(root, output.tables["pairs"])
    assert table.schema.equals(PAIRS.schema)
    return output, table.to_pylist()


def test_all_pairs_inside_each_class_are_compared_and_no_other(packet):
    output, rows = run(*packet)
    assert output.counts == {"compared": 6 + 1, "verified": 3 + 1}
    assert [(row["landmark_id"], row["image_a"], row["image_b"]) for row in rows] == [
        ("a", "1", "2"),
        ("a", "1", "3"),
        ("a", "2", "3"),
        ("b", "5", "6"),
    ]
    assert all(row["image_a"] < row["image_b"] for row in rows)


def test_the_map_leads_from_the_first_image_to_the_second(packet):
    _, rows = run(*packet)
    shifts = {"1": 0, "2": 5, "3": 9, "5": 7, "6": 2}
    for row in rows:
        expected = shifts[row["image_b"]] - shifts[row["image_a"]]
        np.testing.assert_allclose(np.reshape(row["affine"], (2, 3)), [[1, 0, expected], [0, 1, expected]], atol=0.05)
        points = np.reshape(row["points"], (-1, 4))
        np.testing.assert_allclose(points[:, 2:] - points[:, :2], expected, atol=1e-3)
        assert (row["putative"], row["inliers"]) == (60, 60)


def test_dropped_images_are_not_compared(packet):
    root, inputs = packet
    gone = [{"image_id": name, "stage": "overlap", "reason": "test-copy", "evidence": "{}"} for name in ("1", "6")]
    drops = write_table(root, "gone.parquet", DROPS, pa.Table.from_pylist(gone, DROPS.schema))
    output, rows = run(root, {**inputs, "drops": drops})
    assert output.counts["compared"] == 3
    assert [(row["image_a"], row["image_b"]) for row in rows] == [("2", "3")]


def test_a_stricter_rule_verifies_less(packet):
    output, rows = run(*packet, MatchSettings(min_inliers=61))
    assert (output.counts, rows) == ({"compared": 7, "verified": 0}, [])


def test_pairs_of_the_table_verify_again(packet):
    root, inputs = packet
    kept = {row["sha256"]: unpack(row) for row in read_table(root, inputs["features"]).to_pylist()}
    assert len(list(combinations(kept, 2))) == 15
    for row in run(root, inputs)[1]:
        found = Verification(
            60, np.reshape(row["affine"], (2, 3)), np.reshape(row["points"], (-1, 4)).astype(np.float32), np.zeros(0)
        )
        assert found.inliers == row["inliers"]
