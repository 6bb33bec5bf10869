"""What changed from one version to the next, by kind and by class, and the page that says so."""

import pandas as pd
import pytest

from tasks.publish.changes import describe_changes, render_changes, summarise_changes
from tests.tasks.publish.conftest import make_version

COLUMNS = ["image_id", "landmark_id", "change", "before", "after", "evidence", "sha256"]
NASTY = "<script>alert(1)</script>|`x`"


@pytest.fixture
def changes():
    """One image of each kind, in two classes of which one is gone."""
    rows = [
        ("a", NASTY, "verdict", "kept", "http-error", '{"status": 404}', "1" * 64),
        ("b", NASTY, "removed", "kept", "–", "{}", "2" * 64),
        ("c", "tower", "verdict", "no-match", "kept", "{}", "3" * 64),
        ("d", "tower", "box", "1 2 3 4", "1 2 3 5", '{"supports": 2}', "4" * 64),
        ("e", "tower", "added", "–", "timeout", "{}", None),
        ("f", "tower", "removed", "timeout", "–", "{}", None),
        ("g", "tower", "verdict", "timeout", "no-match", "{}", "5" * 64),
    ]
    versions = [make_version({"tower": {"kept": 3}}).manifest for _ in range(2)]
    versions[1] = versions[1].model_copy(update={"number": 2})
    kept = pd.Series([NASTY, NASTY, "tower"]), pd.Series(["tower", "tower"])
    return summarise_changes(*versions, pd.DataFrame(rows, columns=COLUMNS), *kept)


def test_changes_are_told_apart_and_counted(changes):
    assert changes.rows.kind.to_list() == ["lost", "lost", "gained", "moved", "came", "left", "other"]
    assert changes.classes.to_numpy().tolist() == [[NASTY, 2, 0], ["tower", 1, 2]]  # the greatest loss first


def test_the_page_shows_each_image_and_takes_names_for_text(changes):
    files = dict(render_changes(changes, {"1" * 64: "../../1/report/pictures/1.jpg"}))
    page = files["index.html"].decode()
    assert "style.css" in files
    assert "<script>" not in page
    assert page.count('<figure class="case">') == 4  # those that came, left or stayed dropped are only counted
    assert page.count("no picture") == 3
    assert 'src="../../1/report/pictures/1.jpg"' in page
    assert "status 404" in page


def test_the_text_tells_the_same(changes):
    text = describe_changes(changes)
    assert "| no longer kept | 2 |" in text
    assert "No longer kept for: 1 http-error, 1 left the list." in text
    assert "1 class gone, 0 new." in text
    assert "<script>" not in text
