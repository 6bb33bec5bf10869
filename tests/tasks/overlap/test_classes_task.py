import json
from typing import Any

import numpy as np
import pytest

from storage.newest import keep_newest
from storage.parquet import read_table
from storage.root import Root
from storage.tables.acquisition import DROPS, IMAGES
from storage.tables.features import FEATURES, MASKS
from storage.tables.groups import CLASS_COMPARISONS, CLASS_PAIRS, GROUPS, PAIRS
from tasks.contracts import Run
from tasks.features.contracts import Packet
from tasks.features.packed import Features
from tasks.match.settings import MatchSettings
from tasks.overlap.classes_task import ClassInputs, ClassStageSettings, GroupedPacket, Related, compare_classes
from tasks.overlap.settings import ClassSettings
from tests.rows import features_row, group_row, image_row, mask_row, pair_row, sha_of, write

SETTINGS = ClassStageSettings(classes=ClassSettings(), match=MatchSettings())
SHOWN = {
    "gate": {"gate 1": (2,), "gate 2": (2,), "gate 3": (2, 1)},
    "tower": {"tower 1": (1,), "tower 2": (1,), "tower 3": (1,), "tower 4": (1,)},
    "mill": {"mill 1": (3,), "mill 2": (3,), "mill 3": (1,)},
}
"""Which things the images of each class show; the class `mill` does not keep its third."""


def picture(things: tuple[int, ...]) -> Features:
    """Synthetic keypoints of things, side by side: the same of a thing in every picture."""
    keypoints, descriptors = [], []
    for index, thing in enumerate(things):
        random = np.random.default_rng(thing)
        positions = random.uniform(0, 200, (60, 2)) + np.array([220 * index, 0])
        keypoints.append(np.hstack([positions, np.tile([5, 0, 0, 5], (60, 1))]).astype(np.float32))
        descriptors.append(random.integers(0, 256, (60, 128), dtype=np.uint8))
    return Features(np.vstack(keypoints), np.vstack(descriptors))


def packet(root: Root, name: str, classes: list[str]) -> GroupedPacket:
    """The tables of a packet of these classes."""
    images, features, masks, pairs, groups = [list[dict[str, Any]]() for _ in range(5)]
    for landmark in classes:
        shown = SHOWN[landmark]
        for image, things in shown.items():
            described = picture(things)
            images.append(image_row(image, landmark))
            features.append(features_row(sha_of(image), described))
            masks.append(mask_row(sha_of(image), len(described.keypoints)))
            is_left = image == "mill 3"
            membership = {"group": int(is_left), "group_size": 1 if is_left else len(shown), "kept": not is_left}
            groups.append(group_row(image, landmark, neighbours=2, **membership))
        first, *others = shown
        pairs += [pair_row(landmark, first, other) for other in others]
    return GroupedPacket(
        described=Packet(
            images=write(root, IMAGES, images, f"{name}-images"),
            features=write(root, FEATURES, features, f"{name}-features"),
            masks=write(root, MASKS, masks, f"{name}-masks"),
        ),
        pairs=write(root, PAIRS, pairs, f"{name}-pairs"),
        groups=write(root, GROUPS, groups, f"{name}-groups"),
    )


def compare(
    root: Root, packets: dict[str, list[str]], pins: dict[str, str] | None = None, keep: tuple[str, ...] = ()
) -> tuple[Related, list[dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    tables = {name: packet(root, name, classes) for name, classes in packets.items()}
    inputs = ClassInputs(packets=tables, pins=pins or {}, name="set", keep=keep)
    output = compare_classes(Run(root, "classes-1"), inputs, SETTINGS)
    pairs = read_table(root, output.class_pairs)
    assert pairs.schema.equals(CLASS_PAIRS.schema)
    drops = {name: read_table(root, ref) for name, ref in output.drops.items()}
    assert all(table.schema.equals(DROPS.schema) for table in drops.values())
    return output, pairs.to_pylist(), {name: table.to_pylist() for name, table in drops.items()}


@pytest.mark.parametrize("packets", [{"000": ["gate", "mill"], "001": ["tower"]}, {"7": ["tower", "mill", "gate"]}])
def test_an_image_that_shows_another_class_is_dropped_from_the_packet_of_its_own(tmp_path, packets):
    output, pairs, drops = compare(Root(str(tmp_path)), packets)
    assert output.related == 1
    assert {(pair["image_a"], pair["image_b"]) for pair in pairs} == {("gate 3", f"tower {n}") for n in (1, 2, 3, 4)}
    own = next(name for name, classes in packets.items() if "gate" in classes)
    assert {name: [drop["image_id"] for drop in found] for name, found in drops.items()} == {
        name: ["gate 3"] if name == own else [] for name in packets
    }
    drop = drops[own][0]
    assert (drop["stage"], drop["reason"]) == ("classes", "other-class")
    assert json.loads(drop["evidence"])["other_class"] == "tower"


def test_an_image_of_a_pinned_class_stays(tmp_path):
    output, pairs, drops = compare(Root(str(tmp_path)), {"0": ["gate", "tower"]}, pins={"gate": "gate 1"})
    assert (output.related, len(pairs), drops) == (1, 4, {"0": []})


def test_an_image_that_a_person_keeps_stays(tmp_path):
    _, pairs, drops = compare(Root(str(tmp_path)), {"0": ["gate", "tower"]}, keep=("gate 3",))
    assert (len(pairs), drops) == (4, {"0": []})


def test_classes_that_share_nothing_are_left_alone(tmp_path):
    output, pairs, drops = compare(Root(str(tmp_path)), {"000": ["tower"], "001": ["mill"]})
    assert (output.related, pairs, drops) == (0, [], {"000": [], "001": []})


def test_no_packets_are_no_classes(tmp_path):
    output, pairs, drops = compare(Root(str(tmp_path)), {})
    assert (output.related, pairs, drops) == (0, [], {})


def test_pairs_that_were_compared_are_not_compared_again(tmp_path):
    root = Root(str(tmp_path))
    first, found, _ = compare(root, {"0": ["gate", "tower"]})
    rows = read_table(root, first.comparisons).to_pylist()
    assert len(rows) >= first.compared
    unlike = [dict.fromkeys(row) | {"pictures": row["pictures"]} for row in rows]  # as no comparison says
    forged = first.model_copy(update={"comparisons": write(root, CLASS_COMPARISONS, unlike, "forged")})
    keep_newest(root, compare_classes.name, compare_classes.identity(SETTINGS), "set", forged)
    assert compare(root, {"0": ["gate", "tower"]})[1] == []
    keep_newest(root, compare_classes.name, compare_classes.identity(SETTINGS), "set", forged)
    (tmp_path / "forged.parquet").write_bytes(b"damaged")
    assert compare(root, {"0": ["gate", "tower"]})[1] == found


def test_what_is_known_of_pairs_changes_nothing_and_only_what_is_asked_for_is_kept(tmp_path):
    known, new = Root(str(tmp_path / "known")), Root(str(tmp_path / "new"))
    compare(known, {"0": ["gate", "tower"], "1": ["mill"]})
    (again, *after), (fresh, *anew) = (compare(root, {"0": ["mill", "tower"]}) for root in (known, new))
    assert after == anew
    assert again.comparisons.digest == fresh.comparisons.digest
