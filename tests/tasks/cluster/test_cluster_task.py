import pyarrow as pa
import pytest

from storage.parquet import read_table, write_table
from storage.root import Root
from storage.tables import DROPS, GROUPS, IMAGES, PAIRS
from tasks.cluster.settings import ClusterSettings
from tasks.cluster.task import cluster_images
from tasks.orchestration import Output

FACTS = {
    "path": "p",
    "bytes": 1,
    "width": 9,
    "height": 9,
    "format": "PNG",
    "mode": "RGB",
    "orientation": 1,
    "md5": "0" * 32,
}


@pytest.mark.parametrize(
    ("gone", "expected"),
    [
        ([], {"a1": "kept", "a2": "kept", "a3": "kept", "a4": "no-match", "b1": "no-match"}),
        (["a4", "b1"], {"a1": "kept", "a2": "kept", "a3": "kept"}),
        (["a1", "a2", "a3", "a4", "b1"], {}),
    ],
)
def test_each_image_left_is_kept_or_dropped(tmp_path, gone, expected):
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
    edges = [{"image_a": a, "image_b": b, **edge} for a, b in (("a1", "a2"), ("a2", "a3")) if a not in gone]
    dropped = [{"image_id": n, "stage": "overlap", "reason": "test-copy", "evidence": "{}"} for n in gone]
    inputs = {
        name: write_table(root, f"{name}.parquet", spec, pa.Table.from_pylist(rows, spec.schema))
        for name, spec, rows in (("images", IMAGES, images), ("pairs", PAIRS, edges), ("drops", DROPS, dropped))
    }
    output = Output.model_validate(cluster_images.fn(root.url, "cluster-1", inputs, ClusterSettings()))
    groups, drops = read_table(root, output.tables["groups"]), read_table(root, output.tables["drops"])
    assert groups.schema.equals(GROUPS.schema)
    found = {row["image_id"]: "kept" for row in groups.to_pylist() if row["kept"]}
    found |= {row["image_id"]: row["reason"] for row in drops.to_pylist()}
    assert found == expected
    assert output.counts == {"kept": list(expected.values()).count("kept")}
    assert set(drops["stage"].to_pylist()) <= {"cluster"}
