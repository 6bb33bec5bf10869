import json

import pytest

from storage.errors import InputError
from storage.parquet import read_table
from storage.root import Root
from storage.tables.acquisition import DROPS, IMAGES
from storage.tables.groups import CLASS_GROUPS, CUTS, GROUPS, NEAR_MISSES, PAIRS
from tasks.cluster.settings import ClusterSettings, Overrides
from tasks.cluster.task import Checked, GroupInputs, PinInputs, check_pins, cluster_images, regroup_images
from tasks.contracts import Run
from tests.rows import drop_row, image_row, pair_row, write

MISS = {"compared": 4, "nearest": "a1", "putative": 30, "inliers": 7, "needed": 11, "lacks": "inliers"}


@pytest.mark.parametrize("group", [cluster_images, regroup_images])
@pytest.mark.parametrize(
    ("dropped", "overrides", "expected"),
    [
        ([], {}, {"a1": "kept", "a2": "kept", "a3": "kept", "a4": "no-match", "b1": "no-match"}),
        (["a4", "b1"], {}, {"a1": "kept", "a2": "kept", "a3": "kept"}),
        (["a2"], {}, {"a1": "no-match", "a3": "no-match", "a4": "no-match", "b1": "no-match"}),
        (["a1", "a2", "a3", "a4", "b1"], {}, {}),
        (
            ["a4"],
            {"keep": {"b1": "from behind", "a4": "gone before", "c9": "of another packet"}},
            {"a1": "kept", "a2": "kept", "a3": "kept", "b1": "kept"},
        ),
        (
            ["a4"],
            {"drop": {"a2": "a drawing", "a4": "gone before"}},
            {"a1": "no-match", "a2": "dropped-by-hand", "a3": "no-match", "b1": "no-match"},
        ),
    ],
)
def test_each_image_left_is_kept_or_dropped(tmp_path, group, dropped, overrides, expected):
    root = Root(str(tmp_path))
    miss = {**MISS, "image_id": "a4", "landmark_id": "a", "false_alarms": -3.0, "points": []}
    inputs = GroupInputs(
        images=write(root, IMAGES, [image_row(name, name[0]) for name in ("a1", "a2", "a3", "a4", "b1")]),
        pairs=write(root, PAIRS, [pair_row("a", "a1", "a2"), pair_row("a", "a2", "a3")]),
        near_misses=write(root, NEAR_MISSES, [miss]),
        drops=[write(root, DROPS, map(drop_row, dropped)), write(root, DROPS, [], "none")],
        overrides=Overrides.model_validate(overrides),
    )
    output = group(Run(root, "cluster-1"), inputs, ClusterSettings())
    groups, drops = read_table(root, output.groups), read_table(root, output.drops)
    assert groups.schema.equals(GROUPS.schema)
    assert read_table(root, output.class_groups).schema.equals(CLASS_GROUPS.schema)
    assert read_table(root, output.cuts).schema.equals(CUTS.schema)
    found = {row["image_id"]: "kept" for row in groups.to_pylist() if row["kept"]}
    found |= {row["image_id"]: row["reason"] for row in drops.to_pylist()}
    assert found == expected
    alone = [json.loads(row["evidence"]) for row in drops.to_pylist() if row["image_id"] == "a4"]
    told = {"compared_with": 4, "nearest": "a1", "matches": 30, "inliers": 7, "inliers_needed": 11, "lacks": "inliers"}
    assert all(evidence.items() >= told.items() for evidence in alone)
    assert output.kept == list(expected.values()).count("kept")
    assert set(drops["stage"].to_pylist()) <= {"cluster"}


def test_where_a_picture_is_small_its_drop_says_so(tmp_path):
    root = Root(str(tmp_path))
    sizes = {"a1": (640, 480), "a2": (239, 180), "a3": (180, 240)}
    inputs = GroupInputs(
        images=write(root, IMAGES, [image_row(name, "a", width=w, height=h) for name, (w, h) in sizes.items()]),
        pairs=write(root, PAIRS, []),
        near_misses=write(root, NEAR_MISSES, []),
        drops=[],
        overrides=Overrides(),
    )
    drops = read_table(root, cluster_images(Run(root, "cluster-1"), inputs, ClusterSettings()).drops).to_pylist()
    small = {row["image_id"]: json.loads(row["evidence"]).get("small") for row in drops}
    assert small == {"a1": None, "a2": "239×180", "a3": None}


def test_a_pinned_image_that_is_dropped_stops_the_run_and_says_why(tmp_path):
    root = Root(str(tmp_path))
    run, drops = Run(root, "pins-1"), [write(root, DROPS, [drop_row("a2")])]
    with pytest.raises(InputError, match="pin 'a' = 'a2': overlap dropped the image as test-copy"):
        check_pins(run, PinInputs(drops=drops, pins={"a": "a2", "b": "b1"}), None)
    assert check_pins(run, PinInputs(drops=drops, pins={"a": "a1"}), None) == Checked(pins=1)


def test_overrides_are_of_one_mind():
    with pytest.raises(ValueError, match="'a1' is to be dropped, and to be kept or pinned"):
        Overrides(keep={"a1": ""}, drop={"a1": ""})
    with pytest.raises(ValueError, match="'a1' is to be dropped, and to be kept or pinned"):
        Overrides(pin={"a": "a1"}, drop={"a1": ""})
