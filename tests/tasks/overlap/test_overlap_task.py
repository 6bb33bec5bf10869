import io
from collections.abc import Collection
from typing import Any, NamedTuple

import cv2
import numpy as np
import pytest
from PIL import Image

from storage.parquet import read_table
from storage.root import Root
from storage.tables.acquisition import DROPS, IMAGES
from storage.tables.features import FEATURES, MASKS, SIGNATURE, FeaturesRef, MasksRef, SignatureRef
from storage.tables.overlap import EXPANSIONS, OVERLAPS
from tasks.contracts import Run
from tasks.features.contracts import Packet
from tasks.features.detect import detect
from tasks.features.packed import Features, unpack
from tasks.features.settings import FeatureSettings
from tasks.match.settings import MatchSettings
from tasks.overlap.certificate import CheckedSet
from tasks.overlap.settings import OverlapSettings
from tasks.overlap.task import (
    Compared,
    Expanded,
    ExpandInputs,
    OverlapInputs,
    OverlapStageSettings,
    SignatureInputs,
    expand_overlaps,
    find_overlaps,
    sign_test_set,
)
from tests.rows import features_row, image_row, mask_row, overlap_row, sha_of, write

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
    inputs = SignatureInputs(name="paris", folder=folder, digest="d")
    return root, sign_test_set(Run(root, "signature-1"), inputs, FEATURE_SETTINGS)


def masks(root: Root, features: FeaturesRef, masked: Collection[str] = ()) -> MasksRef:
    """That hide nothing, or of the pictures named everything."""
    counts = {row["sha256"]: len(unpack(row).keypoints) for row in read_table(root, features).to_pylist()}
    rows = [mask_row(sha256, count, range(count) if sha256 in masked else ()) for sha256, count in counts.items()]
    return write(root, MASKS, rows)


class Found(NamedTuple):
    """What came of a packet: both outputs, the rows of `overlaps` by image, and why images were dropped."""

    direct: Compared
    judged: Expanded
    overlaps: dict[str, list[dict[str, Any]]]
    reasons: dict[str, str]


def compare(root: Root, signature: SignatureRef, **pictures: np.ndarray) -> Found:
    """Compares a class of these pictures with a test set, directly and through each other."""
    rows = [image_row(name, width=p.shape[1], height=p.shape[0]) for name, p in pictures.items()]
    described = [features_row(sha_of(name), Features(*detect(p, FEATURE_SETTINGS))) for name, p in pictures.items()]
    images, features = write(root, IMAGES, rows), write(root, FEATURES, described)
    inputs = OverlapInputs(images=images, features=features, signatures=[signature], shard="landmarks-0")
    direct = find_overlaps(Run(root, "overlap-1"), inputs, SETTINGS)
    packet = Packet(images=images, features=features, masks=masks(root, features))
    further = ExpandInputs(packet=packet, overlaps=direct.overlaps)
    judged = expand_overlaps(Run(root, "expand-1"), further, SETTINGS)
    overlaps, drops = read_table(root, judged.overlaps), read_table(root, judged.drops)
    assert overlaps.schema.equals(OVERLAPS.schema)
    assert drops.schema.equals(DROPS.schema)
    found: dict[str, list[dict[str, Any]]] = {}
    for row in overlaps.to_pylist():
        found.setdefault(row["image_id"], []).append(row)
    reasons = dict(zip(drops["image_id"].to_pylist(), drops["reason"].to_pylist(), strict=True))
    return Found(direct, judged, found, reasons)


def test_a_test_set_is_signed(signed):
    root, output = signed
    rows = read_table(root, output.signature).to_pylist()
    assert output.checked == CheckedSet(
        photographs=4, sites=1, ground_truth=False, absent=0, ignored=0, not_compared=1,
        signature=output.signature.digest,
    )  # fmt: skip
    assert [row["test_image"] for row in rows] == [f"tower_{n}.png" for n in range(4)]
    (told,) = read_table(root, output.passed_over).to_pylist()
    assert (told["test_set"], told["path"], told["reason"]) == ("paris", "broken_1.jpg", "not-an-image")
    assert {(row["test_set"], row["site"], row["width"], row["height"]) for row in rows} == {
        ("paris", "tower", 400, 300)
    }


def test_a_signature_lies_under_its_digest_and_serves_in_place_of_the_photographs(signed, tmp_path):
    root, output = signed
    ref = output.signature
    assert ref.path == f"signatures/paris-{ref.digest[:12]}.parquet"
    shared = tmp_path / "shared.parquet"
    shared.write_bytes(root.read(ref.path))
    elsewhere = Root(str(tmp_path / "elsewhere"))
    inputs = SignatureInputs(name="paris", folder=shared, digest=ref.digest)
    taken = sign_test_set(Run(elsewhere, "signature-2"), inputs, FEATURE_SETTINGS)
    # The same file, and the same said of it: what is compared with it is not told apart
    assert (taken.signature, taken.checked) == (ref, output.checked)
    told = [read_table(store, of.passed_over) for store, of in ((root, output), (elsewhere, taken))]
    assert told[0].equals(told[1])
    assert compare(elsewhere, taken.signature, crop=texture(0)[40:260, 60:380].copy()).reasons == {"crop": "test-copy"}


def test_copies_cropped_shrunk_recompressed_turned_or_mirrored_are_found_and_strangers_are_not(signed):
    root, output = signed
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
    found = compare(root, output.signature, **pictures)
    assert found.reasons == dict.fromkeys(pictures.keys() - {"stranger", "nothing"}, "test-copy")
    best = {name: max(rows, key=lambda row: row["inliers"]) for name, rows in found.overlaps.items()}
    assert {name: (row["test_image"], row["mirrored"]) for name, row in best.items()} == {
        "crop": ("tower_0.png", False), "mirror": ("tower_2.png", True), "shrunk": ("tower_1.png", False),
        "tiny": ("tower_2.png", False), "left": ("tower_3.png", False), "right and mirrored": ("tower_3.png", True),
        "upside down": ("tower_0.png", False),
    }  # fmt: skip
    assert found.judged.drops.rows == 7
    np.testing.assert_allclose(np.reshape(best["crop"]["affine"], (2, 3)), [[1, 0, 60], [0, 1, 40]], atol=0.5)
    # Map and points are those of the pixels as they are stored, mirrored or not.
    np.testing.assert_allclose(np.reshape(best["mirror"]["affine"], (2, 3)), [[-1, 0, 400], [0, 1, 0]], atol=0.5)
    points = np.reshape(best["mirror"]["points"], (-1, 4))
    np.testing.assert_allclose(points[:, 2:], points[:, :2] * (-1, 1) + (400, 0), atol=4)


def test_what_was_compared_before_is_not_compared_again(signed):
    """The features of an image that was compared are other ones by then, and of no use to a comparison."""
    root, output = signed
    first = compare(root, output.signature, copy=texture(0), alien=texture(9))
    (before,) = read_table(root, first.direct.comparisons).to_pylist()
    blank = np.zeros((300, 400, 3), np.uint8)
    again = compare(root, output.signature, copy=blank, alien=blank, more=texture(1))
    assert again.overlaps["copy"] == first.overlaps["copy"]
    assert {row["test_image"] for row in again.overlaps["more"]} == {"tower_1.png"}
    (after,) = read_table(root, again.direct.comparisons).to_pylist()
    assert (before["images"], after["images"], after["verified"]) == (2, 3, before["verified"] + 1)
    assert again.direct.compared > first.direct.compared
    root.write(again.direct.overlaps.path, b"damaged")
    assert set(compare(root, output.signature, copy=blank).overlaps) == set()


def test_nothing_shared_gives_empty_tables(signed):
    root, output = signed
    found = compare(root, output.signature, stranger=texture(9))
    assert (found.overlaps, found.reasons) == ({}, {})
    assert (found.judged.overlaps.rows, found.judged.drops.rows) == (0, 0)


def test_without_test_sets_nothing_is_compared(tmp_path):
    root = Root(str(tmp_path))
    found = compare(root, write(root, SIGNATURE, []), copy=texture(0))
    assert (found.direct.compared, found.judged.through, found.judged.drops.rows) == (0, 0, 0)
    assert found.overlaps == {}


# Through others of the class


def scatter(*things: int, count: int = 80) -> Features:
    """Synthetic keypoints of things, side by side: the same of a thing in every picture."""
    keypoints, descriptors = [], []
    for index, thing in enumerate(things):
        random = np.random.default_rng(thing)
        positions = random.uniform(0, 200, (count, 2)) + np.array([220 * index, 0])
        keypoints.append(np.hstack([positions, np.tile([5, 0, 0, 5], (count, 1))]).astype(np.float32))
        descriptors.append(random.integers(0, 256, (count, 128), dtype=np.uint8))
    return Features(np.vstack(keypoints), np.vstack(descriptors))


def expand(root: Root, shown: dict[str, tuple[int, ...]], masked: Collection[str] = ()) -> Expanded:
    """Of images of one class, the first has a pair with a test photograph: in what it shows first."""
    points = [0.0, 0, 0, 0, 200, 200, 9, 9]
    features = write(root, FEATURES, [features_row(sha_of(name), scatter(*own)) for name, own in shown.items()])
    packet = Packet(
        images=write(root, IMAGES, map(image_row, shown)), features=features, masks=masks(root, features, masked)
    )
    direct = write(root, OVERLAPS, [overlap_row(next(iter(shown)), "c", role="positive", points=points)])
    return expand_overlaps(Run(root, "expand-1"), ExpandInputs(packet=packet, overlaps=direct), SETTINGS)


def test_what_is_found_through_another_stands_beside_what_is_found_directly(tmp_path):
    root = Root(str(tmp_path))
    output = expand(root, {"met": (1, 2), "near": (1,), "beside": (2,), "else": (3,)})
    found = [(row["image_id"], row["through"]) for row in read_table(root, output.overlaps).to_pylist()]
    assert found == [("met", None), ("near", "met")]
    drops = read_table(root, output.drops).to_pylist()
    assert [(row["image_id"], row["stage"], row["reason"]) for row in drops] == [
        ("met", "overlap", "test-landmark"), ("near", "overlap", "test-landmark"),
    ]  # fmt: skip
    counted = read_table(root, output.expansions)
    assert counted.schema.equals(EXPANSIONS.schema)
    assert counted.to_pylist() == [{"test_set": "paris", "mates_compared": 2, "mates_verified": 1}]
    assert output.through == 1


def test_what_lies_over_both_images_joins_them_not(tmp_path):
    output = expand(Root(str(tmp_path)), {"met": (1, 2), "near": (1,)}, masked={sha_of("near")})
    assert (output.through, output.drops.rows) == (0, 1)
