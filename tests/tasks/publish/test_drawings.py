"""What the stages that illustrate draw beside an image."""

import hashlib
import io
import json

import pyarrow as pa
from PIL import Image

from storage.images import put_image
from storage.parquet import read_table, write_table
from storage.root import Root
from storage.tables import IMAGES, OVERLAPS
from tasks.orchestration import Output
from tasks.publish.task import illustrate_overlaps

FACTS = {"bytes": 1, "format": "JPEG", "mode": "RGB", "orientation": 1, "frames": 1, "pixel_hash": "", "phash": ""}
PAIR = {
    "landmark_id": "tower", "test_set": "paris", "test_image": "t.jpg", "site": "eiffel", "role": "query",
    "mirrored": False, "kind": "landmark", "putative": 9, "inliers": 9, "false_alarms": -9.0,
    "affine": [1.0, 0, 0, 0, 1, 0], "points": [1.0, 1, 2, 2],
}  # fmt: skip


def drawn(tmp_path, picture, *, with_photograph: bool) -> dict[str, tuple[int, int]]:
    """The size of the drawing of each image: `met` shows a test photograph, `near` was found through it."""
    root, folder = Root(str(tmp_path / "root")), tmp_path / "paris"
    folder.mkdir()
    (folder / "t.jpg").write_bytes(picture(100, 100))
    images = []
    for name, width in (("met", 200), ("near", 300)):
        content = picture(width, 100)
        sha256 = hashlib.sha256(content).hexdigest()
        where = {"path": put_image(root, content, sha256, "jpg"), "sha256": sha256, "md5": "0" * 32}
        images.append({"image_id": name, "landmark_id": "tower", "width": width, "height": 100, **where, **FACTS})
    pairs = [{"image_id": "met", "through": None, **PAIR}, {"image_id": "near", "through": "met", **PAIR}]
    inputs = {
        spec.name: write_table(root, f"{spec.name}.parquet", spec, pa.Table.from_pylist(rows, spec.schema))
        for spec, rows in ((IMAGES, images), (OVERLAPS, pairs))
    }
    inputs["folders"] = json.dumps({"paris": str(folder)} if with_photograph else {})
    output = Output.model_validate(illustrate_overlaps.fn(root.url, "illustrate-overlaps-1", inputs, None))
    names = {f"overlap-{image['sha256']}.jpg": image["image_id"] for image in images}
    rows = read_table(root, output.tables["thumbnails"]).to_pylist()
    return {names[row["name"]]: Image.open(io.BytesIO(row["jpeg"])).size for row in rows}


def test_what_was_found_through_another_image_is_drawn_beside_it(tmp_path, picture):
    assert drawn(tmp_path, picture, with_photograph=True) == {"met": (200 + 8 + 100, 100), "near": (300 + 8 + 200, 100)}


def test_where_only_the_signature_came_the_other_image_is_there_all_the_same(tmp_path, picture):
    assert drawn(tmp_path, picture, with_photograph=False) == {"met": (200, 100), "near": (300 + 8 + 200, 100)}
