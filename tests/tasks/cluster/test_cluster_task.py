import pyarrow as pa
import pytest

from storage.errors import InputError
from storage.parquet import read_table, write_table
from storage.root import Root
from storage.tables import CLASS_GROUPS, CUTS, DROPS, GROUPS, IMAGES, PAIRS
from tasks.cluster.settings import ClusterSettings
from tasks.cluster.task import check_pins, cluster_images, regroup_images
from tasks.orchestration import Output

FACTS = {
    "path": "p",
    "bytes": 1,
    "width": 9,
    "height": 9,
    "format": "PNG",
    "mode": "RGB",
    "orientation": 1,
    "frames": 1,
    "pixel_hash": "",
    "phash": "",
    "md5": "0" * 32,
}


@pytest.mark.parametrize("group", [cluster_images, regroup_images])
@pytest.mark.parametrize(
    ("gone", "expected"),
    [
        ([], {"a1": "kept", "a2": "kept", "a3": "kept", "a4": "no-match", "b1": "no-match"}),
        (["a4", "b1"], {"a1": "kept", "a2": "kept", "a3": "kept"}),
        (["a2"], {"a1": "no-match", "a3": "no-match", "a4": "no-match", "b1": "no-match"}),
        (["a1", "a2", "a3", "a4", "b1"], {}),
    ],
)
def test_each_image_left_is_kept_or_dropped(tmp_path, group, gone, expected):
    root = Root(str(tmp_path))
    images = [{"image_id": n, "landmark_id": n[0], "sha256": n, **FACTS} for n in ("a1", "a2", "a3", "a4", "b1")]
    edge = {
        "landmark_id": "a",
        "putative": 50,
        "inliers": 30,
        "false_alarms": -20.0,
        "copy": False,
        "affine": [1.0, 0, 0, 0, 1, 0],
        "points": [],
    }
    edges = [{"image_a": a, "image_b": b, **edge} for a, b in (("a1", "a2"), ("a2", "a3"))]
    dropped = [{"image_id": n, "stage": "overlap", "reason": "test-copy", "evidence": "{}"} for n in gone]
    inputs = {
        name: write_table(root, f"{name}.parquet", spec, pa.Table.from_pylist(rows, spec.schema))
        for name, spec, rows in (("images", IMAGES, images), ("pairs", PAIRS, edges), ("drops", DROPS, dropped))
    }
    inputs["drops"] = [inputs["drops"], write_table(root, "none.parquet", DROPS, DROPS.schema.empty_table())]
    made = group.fn(root.url, "cluster-1", {**inputs, "pins": "{}"}, ClusterSettings())
    output = Output.model_validate(made)
    groups, drops = read_table(root, output.tables["groups"]), read_table(root, output.tables["drops"])
    assert groups.schema.equals(GROUPS.schema)
    for spec in (CLASS_GROUPS, CUTS):
        assert read_table(root, output.tables[spec.name]).schema.equals(spec.schema)
    found = {row["image_id"]: "kept" for row in groups.to_pylist() if row["kept"]}
    found |= {row["image_id"]: row["reason"] for row in drops.to_pylist()}
    assert found == expected
    assert output.counts == {"kept": list(expected.values()).count("kept")}
    assert set(drops["stage"].to_pylist()) <= {"cluster"}


def test_a_pinned_image_that_is_gone_stops_the_run_and_says_why(tmp_path):
    root = Root(str(tmp_path))
    dropped = [{"image_id": "a2", "stage": "overlap", "reason": "test-copy", "evidence": "{}"}]
    drops = write_table(root, "drops.parquet", DROPS, pa.Table.from_pylist(dropped, DROPS.schema))
    with pytest.raises(InputError, match="pin 'a' = 'a2': overlap dropped the image as test-copy"):
        check_pins.fn(root.url, "pins", {"drops": [drops], "pins": '{"a": "a2", "b": "b1"}'}, None)
    check_pins.fn(root.url, "pins", {"drops": [drops], "pins": '{"a": "a1"}'}, None)
