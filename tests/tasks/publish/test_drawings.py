"""What the stages that illustrate draw beside an image."""

import hashlib
import io

from PIL import Image

from storage.images import put_image
from storage.parquet import read_table
from storage.root import Root
from storage.tables.acquisition import IMAGES
from storage.tables.overlap import OVERLAPS
from tasks.contracts import Run
from tasks.publish.contracts import OverlapDrawingInputs, OverlapEvidence, PhotographFolders
from tasks.publish.drawing_task import illustrate_overlaps
from tests.rows import image_row, overlap_row, write


def drawn(tmp_path, picture, *, with_photograph: bool) -> dict[str, tuple[int, int]]:
    """The size of the drawing of each image: `met` shows a test photograph, `near` was found through it."""
    root, folder = Root(str(tmp_path / "root")), tmp_path / "paris"
    folder.mkdir()
    (folder / "t.jpg").write_bytes(picture(100, 100))
    images = []
    for name, width in (("met", 200), ("near", 300)):
        content = picture(width, 100)
        sha256 = hashlib.sha256(content).hexdigest()
        path = put_image(root, content, sha256, "jpg")
        images.append(image_row(name, "tower", sha256=sha256, path=path, width=width, height=100))
    points = [1.0, 1, 2, 2]
    pairs = [overlap_row("met", "tower", points=points), overlap_row("near", "tower", through="met", points=points)]
    folders = {"paris": folder} if with_photograph else {}
    photographs = PhotographFolders(folders=folders, names=list(folders))
    inputs = OverlapDrawingInputs(
        images=write(root, IMAGES, images),
        overlaps=OverlapEvidence(overlaps=write(root, OVERLAPS, pairs), photographs=photographs),
    )
    output = illustrate_overlaps(Run(root, "illustrate-overlaps-1"), inputs, None)
    names = {f"overlap-{image['sha256']}.jpg": image["image_id"] for image in images}
    rows = read_table(root, output.thumbnails).to_pylist()
    return {names[row["name"]]: Image.open(io.BytesIO(row["jpeg"])).size for row in rows}


def test_what_was_found_through_another_image_is_drawn_beside_it(tmp_path, picture):
    assert drawn(tmp_path, picture, with_photograph=True) == {"met": (200 + 8 + 100, 100), "near": (300 + 8 + 200, 100)}


def test_where_only_the_signature_came_the_other_image_is_there_all_the_same(tmp_path, picture):
    assert drawn(tmp_path, picture, with_photograph=False) == {"met": (200, 100), "near": (300 + 8 + 200, 100)}
