"""What the demo searches for is new to its version, and is known to show a landmark of it."""

import io
from pathlib import Path

from PIL import Image

from demo import truth
from demo.search import LANDMARK, ids_showing, write_query
from demo.site import DemoList


def test_the_query_is_none_of_the_list_and_its_landmark_lies_in_the_box(
    demo_list: DemoList, demo_photos: Path, tmp_path: Path
) -> None:
    x1, y1, x2, y2 = write_query(tmp_path / "query.jpg", demo_photos)
    content = (tmp_path / "query.jpg").read_bytes()
    assert content not in {path.read_bytes() for path in (demo_list.folder / "files").iterdir()}
    width, height = Image.open(io.BytesIO(content)).size
    assert 0 <= x1 < x2 <= width
    assert 0 <= y1 < y2 <= height
    assert 0.1 < (x2 - x1) * (y2 - y1) / (width * height) < 0.9


def test_a_landmark_is_shown_by_its_own_views_alone(demo_list: DemoList) -> None:
    rows = truth.read(demo_list.truth_path)
    showing = ids_showing(LANDMARK, rows)
    assert {row.image_id for row in rows if row.kept and row.landmark_id == LANDMARK} <= showing
    photographs = {row.photo for row in rows if row.image_id in showing and row.photo}
    assert photographs == {"notre_dame", "notre_dame_rain", "notre_dame_above"}
