import pytest

from storage.errors import InputError
from storage.parquet import read_table
from storage.root import Root
from storage.tables.acquisition import DROPS, IMAGES
from storage.tables.groups import CLASS_GROUPS, CUTS, GROUPS, PAIRS
from tasks.cluster.settings import ClusterSettings
from tasks.cluster.task import Checked, GroupInputs, PinInputs, check_pins, cluster_images, regroup_images
from tasks.contracts import Run
from tests.rows import drop_row, image_row, pair_row, write


@pytest.mark.parametrize("group", [cluster_images, regroup_images])
@pytest.mark.parametrize(
    ("dropped", "expected"),
    [
        ([], {"a1": "kept", "a2": "kept", "a3": "kept", "a4": "no-match", "b1": "no-match"}),
        (["a4", "b1"], {"a1": "kept", "a2": "kept", "a3": "kept"}),
        (["a2"], {"a1": "no-match", "a3": "no-match", "a4": "no-match", "b1": "no-match"}),
        (["a1", "a2", "a3", "a4", "b1"], {}),
    ],
)
def test_each_image_left_is_kept_or_dropped(tmp_path, group, dropped, expected):
    root = Root(str(tmp_path))
    inputs = GroupInputs(
        images=write(root, IMAGES, [image_row(name, name[0]) for name in ("a1", "a2", "a3", "a4", "b1")]),
        pairs=write(root, PAIRS, [pair_row("a", "a1", "a2"), pair_row("a", "a2", "a3")]),
        drops=[write(root, DROPS, map(drop_row, dropped)), write(root, DROPS, [], "none")],
        pins={},
    )
    output = group(Run(root, "cluster-1"), inputs, ClusterSettings())
    groups, drops = read_table(root, output.groups), read_table(root, output.drops)
    assert groups.schema.equals(GROUPS.schema)
    assert read_table(root, output.class_groups).schema.equals(CLASS_GROUPS.schema)
    assert read_table(root, output.cuts).schema.equals(CUTS.schema)
    found = {row["image_id"]: "kept" for row in groups.to_pylist() if row["kept"]}
    found |= {row["image_id"]: row["reason"] for row in drops.to_pylist()}
    assert found == expected
    assert output.kept == list(expected.values()).count("kept")
    assert set(drops["stage"].to_pylist()) <= {"cluster"}


def test_a_pinned_image_that_is_dropped_stops_the_run_and_says_why(tmp_path):
    root = Root(str(tmp_path))
    run, drops = Run(root, "pins-1"), [write(root, DROPS, [drop_row("a2")])]
    with pytest.raises(InputError, match="pin 'a' = 'a2': overlap dropped the image as test-copy"):
        check_pins(run, PinInputs(drops=drops, pins={"a": "a2", "b": "b1"}), None)
    assert check_pins(run, PinInputs(drops=drops, pins={"a": "a1"}), None) == Checked(pins=1)
