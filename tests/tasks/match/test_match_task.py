import numpy as np
import pyarrow as pa
import pytest

from storage.parquet import read_table, write_table
from storage.root import Root
from storage.tables import DROPS, FEATURES, IMAGES, MASKS, PAIRS
from tasks.features.packed import Features, pack
from tasks.match.settings import MatchSettings
from tasks.match.task import match_pairs
from tasks.match.verify import distinct_places
from tasks.orchestration import Output

POINTS = np.random.default_rng(0).uniform(0, 480, (60, 2))


def features(seed: int, shift: float) -> dict[str, bytes]:
    descriptors = np.random.default_rng(seed).integers(0, 256, (60, 128), dtype=np.uint8)
    return pack(Features(np.hstack([POINTS + shift, np.ones((60, 4))]).astype(np.float32), descriptors))


def mask(sha256: str, masked: list[int]) -> dict[str, object]:
    bits = np.isin(np.arange(60), masked)
    return {
        "sha256": sha256,
        "detected": 60,
        "masked": len(masked),
        "bits": np.packbits(bits).tobytes(),
        "regions": [],
        "points": [],
    }


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
        "frames": 1,
        "pixel_hash": "",
        "phash": "",
        "md5": "0" * 32,
    }
    images = [{"image_id": i, "landmark_id": c, "sha256": f"sha{i}", **facts} for i, c, _, _ in members]
    described = [{"sha256": f"sha{i}", **features(seed, shift), "crashed": False} for i, _, seed, shift in members]
    masks = [mask(row["sha256"], []) for row in described]
    tables = {
        "images": (IMAGES, images),
        "features": (FEATURES, described),
        "masks": (MASKS, masks),
        "drops": (DROPS, []),
    }
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
    none = {"skipped": 0, "audited": 0, "audit_found": 0}
    assert output.counts == {"possible": 6 + 1, "compared": 6 + 1, "verified": 3 + 1, **none}
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
    assert (output.counts["compared"], output.counts["verified"], rows) == (7, 0, [])


def test_inliers_are_the_distinct_places_of_the_points(packet):
    for row in run(*packet)[1]:
        assert distinct_places(np.reshape(row["points"], (-1, 4)).astype(np.float32)) == row["inliers"]


def test_masked_keypoints_take_no_part(packet):
    root, inputs = packet
    masks = [mask(f"sha{i}", list(range(50)) if i == "1" else []) for i in "123456"]
    masked = write_table(root, "masked.parquet", MASKS, pa.Table.from_pylist(masks, MASKS.schema))
    _, rows = run(root, {**inputs, "masks": masked})
    found = {(row["image_a"], row["image_b"]): row["putative"] for row in rows}
    assert (found["1", "2"], found["2", "3"]) == (10, 60)


def test_a_large_class_is_matched_by_its_shortlist_with_an_audit(tmp_path):
    """60 photographs: six groups of ten that share nothing with each other."""
    root, facts = Root(str(tmp_path)), {"path": "p", "bytes": 1, "width": 640, "height": 480, "format": "JPEG"}
    facts |= {
        "mode": "RGB",
        "orientation": 1,
        "frames": 1,
        "pixel_hash": "",
        "phash": "",
        "md5": "0" * 32,
        "landmark_id": "a",
    }
    names = [f"{n:02d}" for n in range(60)]
    images = [{"image_id": name, "sha256": f"sha{name}", **facts} for name in names]
    described = [{"sha256": f"sha{n}", **features(int(n) % 6, int(n) // 6), "crashed": False} for n in names]
    tables = {
        "images": (IMAGES, images),
        "features": (FEATURES, described),
        "masks": (MASKS, [mask(f"sha{n}", []) for n in names]),
        "drops": (DROPS, []),
    }
    inputs = {
        n: write_table(root, f"{n}.parquet", spec, pa.Table.from_pylist(rows, spec.schema))
        for n, (spec, rows) in tables.items()
    }
    output, rows = run(root, inputs, MatchSettings(audit=1.0))
    assert all(int(row["image_a"]) % 6 == int(row["image_b"]) % 6 for row in rows)
    assert output.counts["compared"] < output.counts["possible"] / 4
    assert output.counts["audited"] == output.counts["compared"]
    assert output.counts["audit_found"] == 0
    reached = {"00"}
    for _ in range(10):
        reached |= {
            row[end] for row in rows for end in ("image_a", "image_b") if {row["image_a"], row["image_b"]} & reached
        }
    assert reached == set(names[::6])
