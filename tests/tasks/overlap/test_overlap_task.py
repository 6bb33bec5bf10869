import io
from collections.abc import Collection

import cv2
import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from storage.parquet import read_table, write_table
from storage.root import Root
from storage.tables import DROPS, EXPANSIONS, FEATURES, IMAGES, MASKS, OVERLAPS, TableRef
from tasks.features.detect import detect
from tasks.features.packed import Features, pack, unpack
from tasks.features.settings import FeatureSettings
from tasks.match.settings import MatchSettings
from tasks.orchestration import Output
from tasks.overlap.settings import OverlapSettings
from tasks.overlap.task import OverlapStageSettings, expand_overlaps, find_overlaps, sign_test_set

FEATURE_SETTINGS = FeatureSettings(max_keypoints=400)
SETTINGS = OverlapStageSettings(overlap=OverlapSettings(audit=1.0), match=MatchSettings())


def texture(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    layers = [
        cv2.resize(random.random((c * 3, c * 4), np.float32), (400, 300), interpolation=cv2.INTER_CUBIC) / c**0.3
        for c in (2, 4, 8, 16)
    ]
    gray = np.sum(layers, axis=0)
    return np.stack([(255 * (gray - gray.min()) / np.ptp(gray)).astype(np.uint8)] * 3, axis=2)


@pytest.fixture
def signed(tmp_path):
    """A root, and the signature of a test set: textures 0 to 3, and a file that is no image."""
    folder = tmp_path / "paris"
    folder.mkdir()
    for seed in range(4):
        Image.fromarray(texture(seed)).save(folder / f"tower_{seed}.png")
    (folder / "broken_1.jpg").write_bytes(b"<html>")
    root = Root(str(tmp_path / "root"))
    inputs = {"name": "paris", "folder": str(folder), "digest": "d"}
    return root, Output.model_validate(sign_test_set.fn(root.url, "signature-1", inputs, FEATURE_SETTINGS))


def masks(root: Root, features: TableRef, masked: Collection[str] = ()) -> TableRef:
    """That hide nothing, or of the pictures named everything."""
    rows = []
    for row in read_table(root, features).to_pylist():
        bits = np.full(len(unpack(row).keypoints), row["sha256"] in masked)
        counts = {"detected": len(bits), "masked": int(bits.sum())}
        rows.append(
            {"sha256": row["sha256"], "bits": np.packbits(bits).tobytes(), **counts, "regions": [], "points": []}
        )
    return write_table(root, "masks.parquet", MASKS, pa.Table.from_pylist(rows, MASKS.schema))


def compare(
    root: Root, signature: Output, **pictures: np.ndarray
) -> tuple[Output, dict[str, list[dict]], dict[str, str]]:
    facts = {
        "path": "p",
        "bytes": 1,
        "format": "PNG",
        "mode": "RGB",
        "orientation": 1,
        "frames": 1,
        "pixel_hash": "",
        "phash": "",
        "md5": "0" * 32,
    }
    images = [
        {
            "image_id": name,
            "landmark_id": "c",
            "sha256": f"sha {name}",
            "width": p.shape[1],
            "height": p.shape[0],
            **facts,
        }
        for name, p in pictures.items()
    ]
    described = [
        {"sha256": f"sha {name}", **pack(Features(*detect(p, FEATURE_SETTINGS))), "crashed": False}
        for name, p in pictures.items()
    ]
    inputs = {
        "images": write_table(root, "images.parquet", IMAGES, pa.Table.from_pylist(images, IMAGES.schema)),
        "features": write_table(root, "features.parquet", FEATURES, pa.Table.from_pylist(described, FEATURES.schema)),
        "signatures": [signature.tables["signature"]],
    }
    direct = Output.model_validate(find_overlaps.fn(root.url, "overlap-1", inputs, SETTINGS))
    inputs |= {"overlaps": direct.tables["overlaps"], "masks": masks(root, inputs["features"])}
    output = Output.model_validate(expand_overlaps.fn(root.url, "expand-1", inputs, SETTINGS))
    overlaps, drops = read_table(root, output.tables["overlaps"]), read_table(root, output.tables["drops"])
    assert overlaps.schema.equals(OVERLAPS.schema)
    assert drops.schema.equals(DROPS.schema)
    found: dict[str, list[dict]] = {}
    for row in overlaps.to_pylist():
        found.setdefault(row["image_id"], []).append(row)
    output = output.model_copy(update={"counts": {**direct.counts, **output.counts}})
    return output, found, dict(zip(drops["image_id"].to_pylist(), drops["reason"].to_pylist(), strict=True))


def test_a_test_set_is_signed(signed):
    root, signature = signed
    rows = read_table(root, signature.tables["signature"]).to_pylist()
    assert signature.counts == {
        "photographs": 4, "sites": 1, "ground_truth": 0, "absent": 0, "ignored": 0, "not_compared": 1,
    }  # fmt: skip
    assert [row["test_image"] for row in rows] == [f"tower_{n}.png" for n in range(4)]
    (told,) = read_table(root, signature.tables["passed_over"]).to_pylist()
    assert (told["test_set"], told["path"], told["reason"]) == ("paris", "broken_1.jpg", "not-an-image")
    assert {(row["test_set"], row["site"], row["width"], row["height"]) for row in rows} == {
        ("paris", "tower", 400, 300)
    }


def test_a_signature_lies_under_its_digest_and_serves_in_place_of_the_photographs(signed, tmp_path):
    root, signature = signed
    ref = signature.tables["signature"]
    assert ref.path == f"signatures/paris-{ref.digest[:12]}.parquet"
    shared = tmp_path / "shared.parquet"
    shared.write_bytes(root.read(ref.path))
    elsewhere = Root(str(tmp_path / "elsewhere"))
    inputs = {"name": "paris", "folder": str(shared), "digest": ref.digest}
    taken = Output.model_validate(sign_test_set.fn(elsewhere.url, "signature-2", inputs, FEATURE_SETTINGS))
    # The same file, and the same said of it: what is compared with it is not told apart
    assert (taken.tables["signature"], taken.counts) == (ref, signature.counts)
    told = [read_table(store, of.tables["passed_over"]) for store, of in ((root, signature), (elsewhere, taken))]
    assert told[0].equals(told[1])
    assert compare(elsewhere, taken, crop=texture(0)[40:260, 60:380].copy())[2] == {"crop": "test-copy"}


def test_copies_cropped_shrunk_recompressed_turned_or_mirrored_are_found_and_strangers_are_not(signed):
    sink = io.BytesIO()
    Image.fromarray(texture(1)).resize((300, 225)).save(sink, "JPEG", quality=70)
    pictures = {
        "crop": texture(0)[40:260, 60:380].copy(),
        "mirror": texture(2)[:, ::-1].copy(),
        "shrunk": np.asarray(Image.open(sink)),
        "tiny": cv2.resize(texture(2), (100, 75), interpolation=cv2.INTER_AREA),
        "left": np.rot90(texture(3)).copy(),
        "right and mirrored": np.rot90(texture(3)[:, ::-1], 3).copy(),
        "upside down": np.rot90(texture(0), 2).copy(),
        "stranger": texture(9),
        "nothing": np.zeros((100, 100, 3), np.uint8),
    }
    output, found, dropped = compare(*signed, **pictures)
    assert dropped == dict.fromkeys(pictures.keys() - {"stranger", "nothing"}, "test-copy")
    best = {name: max(rows, key=lambda row: row["inliers"]) for name, rows in found.items()}
    assert {name: (row["test_image"], row["mirrored"]) for name, row in best.items()} == {
        "crop": ("tower_0.png", False), "mirror": ("tower_2.png", True), "shrunk": ("tower_1.png", False),
        "tiny": ("tower_2.png", False), "left": ("tower_3.png", False), "right and mirrored": ("tower_3.png", True),
        "upside down": ("tower_0.png", False),
    }  # fmt: skip
    assert output.counts["dropped"] == 7
    np.testing.assert_allclose(np.reshape(best["crop"]["affine"], (2, 3)), [[1, 0, 60], [0, 1, 40]], atol=0.5)
    # Map and points are those of the pixels as they are stored, mirrored or not.
    np.testing.assert_allclose(np.reshape(best["mirror"]["affine"], (2, 3)), [[-1, 0, 400], [0, 1, 0]], atol=0.5)
    points = np.reshape(best["mirror"]["points"], (-1, 4))
    np.testing.assert_allclose(points[:, 2:], points[:, :2] * (-1, 1) + (400, 0), atol=4)


def test_nothing_shared_gives_empty_tables(signed):
    output, found, dropped = compare(*signed, stranger=texture(9))
    assert (found, dropped, output.counts["dropped"]) == ({}, {}, 0)


def test_without_test_sets_nothing_is_compared(signed):
    root, signature = signed
    empty = read_table(root, signature.tables["signature"]).slice(0, 0)
    from storage.tables import SIGNATURE

    nothing = Output(tables={"signature": write_table(root, "none.parquet", SIGNATURE, empty)})
    output, found, _ = compare(root, nothing, copy=texture(0))
    assert output.counts == {"compared": 0, "through": 0, "dropped": 0}
    assert found == {}


# Through others of the class


def scatter(*things: int, count: int = 80) -> Features:
    """Synthetic keypoints of things, side by side: the same of a thing in every picture."""
    keypoints, descriptors = [], []
    for place, thing in enumerate(things):
        random = np.random.default_rng(thing)
        positions = random.uniform(0, 200, (count, 2)) + np.array([220 * place, 0])
        keypoints.append(np.hstack([positions, np.tile([5, 0, 0, 5], (count, 1))]).astype(np.float32))
        descriptors.append(random.integers(0, 256, (count, 128), dtype=np.uint8))
    return Features(np.vstack(keypoints), np.vstack(descriptors))


def expand(root: Root, shown: dict[str, tuple[int, ...]], masked: Collection[str] = ()) -> Output:
    """Of images of one class, the first has a pair with a test photograph: in what it shows first."""
    facts = {"bytes": 1, "width": 640, "height": 480, "format": "PNG", "mode": "RGB", "orientation": 1, "frames": 1}
    facts |= {"pixel_hash": "", "phash": "", "md5": "0" * 32, "landmark_id": "c", "path": "p"}
    images = [{"image_id": name, "sha256": f"sha {name}", **facts} for name in shown]
    described = [{"sha256": f"sha {name}", **pack(scatter(*own)), "crashed": False} for name, own in shown.items()]
    direct = {
        "image_id": next(iter(shown)), "landmark_id": "c", "test_set": "paris", "test_image": "t.jpg",
        "site": "tower", "role": "positive", "mirrored": False, "kind": "landmark", "through": None, "putative": 9,
        "inliers": 9, "false_alarms": -9.0, "affine": [1.0, 0, 0, 0, 1, 0], "points": [0.0, 0, 0, 0, 200, 200, 9, 9],
    }  # fmt: skip
    inputs = {
        spec.name: write_table(root, f"{spec.name}.parquet", spec, pa.Table.from_pylist(rows, spec.schema))
        for spec, rows in ((IMAGES, images), (FEATURES, described), (OVERLAPS, [direct]))
    }
    inputs["masks"] = masks(root, inputs["features"], masked)
    return Output.model_validate(expand_overlaps.fn(root.url, "expand-1", inputs, SETTINGS))


def test_what_is_found_through_another_stands_beside_what_is_found_directly(tmp_path):
    root = Root(str(tmp_path))
    output = expand(root, {"met": (1, 2), "near": (1,), "beside": (2,), "else": (3,)})
    found = [(row["image_id"], row["through"]) for row in read_table(root, output.tables["overlaps"]).to_pylist()]
    assert found == [("met", None), ("near", "met")]
    drops = read_table(root, output.tables["drops"]).to_pylist()
    assert [(row["image_id"], row["stage"], row["reason"]) for row in drops] == [
        ("met", "overlap", "test-landmark"), ("near", "overlap", "test-landmark"),
    ]  # fmt: skip
    counted = read_table(root, output.tables["expansions"])
    assert counted.schema.equals(EXPANSIONS.schema)
    assert counted.to_pylist() == [{"test_set": "paris", "mates_compared": 2, "mates_verified": 1}]
    assert output.counts == {"through": 1, "dropped": 2}


def test_what_lies_over_both_images_joins_them_not(tmp_path):
    output = expand(Root(str(tmp_path)), {"met": (1, 2), "near": (1,)}, masked={"sha near"})
    assert output.counts == {"through": 0, "dropped": 1}
