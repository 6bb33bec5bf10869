"""What the demo scores its network by is new to the list, and is a test set that can be read."""

from pathlib import Path

from demo import truth
from demo.site import DemoList
from demo.train import new_views, write_test_set
from tasks.evaluate.photographs import read_scored_set


def test_new_views_of_each_landmark_that_is_kept_ask_for_one_another(
    demo_list: DemoList, demo_photos: Path, tmp_path: Path
) -> None:
    rows = truth.read(demo_list.truth_path)
    asked = list(new_views(rows))
    assert {one.landmark for one in asked} == {row.landmark_id for row in rows if row.kept}
    assert {one.picture.photo for one in asked} <= {row.photo for row in rows if row.kept}
    few = [one for one in asked if one.landmark in {asked[0].landmark, asked[-1].landmark}]
    write_test_set(tmp_path, few, demo_photos)
    listed = {path.read_bytes() for path in (demo_list.folder / "files").iterdir()}
    assert listed.isdisjoint(path.read_bytes() for path in tmp_path.glob("*.jpg"))
    queries = read_scored_set("new_views", tmp_path).truth.queries
    assert [len(query.grades["positive"]) for query in queries] == [3, 3]
    assert all(query.box for query in queries)
