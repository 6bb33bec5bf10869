"""A list whose host is private: what the first run says, and what runs that forget the allowance lose."""

import re
from pathlib import Path
from typing import Any

import pytest

SETTINGS = """\
[acquire]
attempts = 1
[polite]
host_rate = 1000.0
[features]
longest_side = 320
max_keypoints = 300
"""


@pytest.mark.usefixtures("server")
def test_an_allowance_that_is_forgotten_loses_nothing(cairn: Any, listed: Any, tmp_path: Path) -> None:
    few = listed.write([line for line in listed.lines() if line.startswith("abbey-")][:3], tmp_path / "list.csv")
    (tmp_path / "settings.toml").write_text(SETTINGS)
    options = ("--name", "marks", "--root", tmp_path / "root", "--settings", tmp_path / "settings.toml")
    refused = cairn("curate", few.path, *options)
    assert refused.code == 4  # a version that nobody can use
    assert re.search(r"blocked-address +3 ", refused.output)
    said = re.search(r"--allow-host (\d\S+)", refused.output)
    assert said
    assert f"http://{said[1]}" == listed.site.url
    assert not listed.site.hits

    allowed = cairn("curate", few.path, *options, "--allow-host", said[1])
    assert allowed.code == 0
    assert "published" in allowed.output
    forgotten = cairn("curate", few.path, *options)
    assert forgotten.code == 0
    assert "nothing new" in forgotten.output
    assert "blocked-address" not in forgotten.output
    assert set(listed.site.hits.values()) == {1}
