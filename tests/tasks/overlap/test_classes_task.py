import json

import numpy as np
import pyarrow as pa
import pytest

from storage.parquet import read_table, write_table
from storage.root import Root
from storage.tables import CLASS_PAIRS, DROPS, FEATURES, GROUPS, IMAGES, MASKS, PAIRS
from tasks.features.packed import Features, pack
from tasks.match.settings import MatchSettings
from tasks.orchestration import Output
from tasks.overlap.settings import ClassSettings
from tasks.overlap.task import ClassStageSettings, compare_classes

SETTINGS = ClassStageSettings(classes=ClassSettings(), match=MatchSettings())
FACTS = {
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
EDGE = {"putative": 50, "inliers": 30, "false_alarms": -20.0, "copy": False, "affine": [1.0, 0, 0, 0, 1, 0]}
SHOWN = {
    "gate": {"gate 1": (2,), "gate 2": (2,), "gate 3": (2, 1)},
    "tower": {"tower 1": (1,), "tower 2": (1,), "tower 3": (1,), "tower 4": (1,)},
    "mill": {"mill 1": (3,), "mill 2": (3,), "mill 3": (1,)},
}
"""Which things the images of each class show; the class `mill` does not keep its third."""


def picture(things: tuple[int, ...]) -> Features:
    """Synthetic keypoints of things, side by side: the same of a thing in every picture."""
    keypoints, descriptors = [], []
    for place, thing in enumerate(things):
        random = np.random.default_rng(thing)
        positions = random.uniform(0, 200, (60, 2)) + np.array([220 * place, 0])
        keypoints.append(np.hstack([positions, np.tile([5, 0, 0, 5], (60, 1))]).astype(np.float32))
        descriptors.append(random.integers(0, 256, (60, 128), dtype=np.uint8))
    return Features(np.vstack(keypoints), np.vstack(descriptors))


def packet(root: Root, name: str, classes: list[str]) -> dict:
    """The tables of a packet of these classes."""
    rows = {spec: [] for spec in (IMAGES, FEATURES, MASKS, PAIRS, GROUPS)}
    for landmark in classes:
        shown = SHOWN[landmark]
        for image, things in shown.items():
            who, sha = {"image_id": image, "landmark_id": landmark}, f"sha {image}"
            rows[IMAGES].append({**who, **FACTS, "sha256": sha, "width": 640, "height": 480})
            rows[FEATURES].append({"sha256": sha, **pack(picture(things)), "crashed": False})
            mask = {"detected": 60, "masked": 0, "bits": bytes(15), "regions": [], "points": []}
            rows[MASKS].append({"sha256": sha, **mask})
            group = {
                "group": int(image == "mill 3"),
                "group_size": 1 if image == "mill 3" else len(shown),
                "neighbours": 2,
                "copy_of": None,
                "kept": image != "mill 3",
            }
            rows[GROUPS].append({**who, **group})
        first, *others = shown
        rows[PAIRS] += [
            {"landmark_id": landmark, "image_a": first, "image_b": other, "points": [], **EDGE} for other in others
        ]
    return {
        spec.name: write_table(root, f"{name}-{spec.name}.parquet", spec, pa.Table.from_pylist(found, spec.schema))
        for spec, found in rows.items()
    }


def run(
    root: Root, packets: dict[str, list[str]], pins: dict[str, str] | None = None
) -> tuple[Output, list[dict], dict[str, list[dict]]]:
    tables = [packet(root, name, classes) for name, classes in packets.items()]
    lists = {spec.name: [part[spec.name] for part in tables] for spec in (IMAGES, FEATURES, MASKS, PAIRS, GROUPS)}
    inputs = {**lists, "packets": json.dumps(list(packets)), "pins": json.dumps(pins or {})}
    output = Output.model_validate(compare_classes.fn(root.url, "classes-1", inputs, SETTINGS))
    pairs = read_table(root, output.tables["class_pairs"])
    assert pairs.schema.equals(CLASS_PAIRS.schema)
    drops = {name: read_table(root, output.tables[name]) for name in packets}
    assert all(table.schema.equals(DROPS.schema) for table in drops.values())
    return output, pairs.to_pylist(), {name: table.to_pylist() for name, table in drops.items()}


@pytest.mark.parametrize("packets", [{"000": ["gate", "mill"], "001": ["tower"]}, {"7": ["tower", "mill", "gate"]}])
def test_an_image_that_shows_another_class_is_dropped_from_the_packet_of_its_own(tmp_path, packets):
    output, pairs, drops = run(Root(str(tmp_path)), packets)
    assert output.counts["related"] == 1
    assert {(pair["image_a"], pair["image_b"]) for pair in pairs} == {("gate 3", f"tower {n}") for n in (1, 2, 3, 4)}
    own = next(name for name, classes in packets.items() if "gate" in classes)
    assert {name: [drop["image_id"] for drop in found] for name, found in drops.items()} == {
        name: ["gate 3"] if name == own else [] for name in packets
    }
    drop = drops[own][0]
    assert (drop["stage"], drop["reason"]) == ("classes", "other-class")
    assert json.loads(drop["evidence"])["other_class"] == "tower"


def test_an_image_of_a_pinned_class_stays(tmp_path):
    output, pairs, drops = run(Root(str(tmp_path)), {"0": ["gate", "tower"]}, pins={"gate": "gate 1"})
    assert (output.counts["related"], output.counts["dropped"], len(pairs)) == (1, 0, 4)
    assert drops == {"0": []}


def test_classes_that_share_nothing_are_left_alone(tmp_path):
    output, pairs, drops = run(Root(str(tmp_path)), {"000": ["tower"], "001": ["mill"]})
    assert (output.counts["related"], pairs, drops) == (0, [], {"000": [], "001": []})


def test_no_packets_are_no_classes(tmp_path):
    output, pairs, drops = run(Root(str(tmp_path)), {})
    assert (output.counts["dropped"], pairs, drops) == (0, [], {})
