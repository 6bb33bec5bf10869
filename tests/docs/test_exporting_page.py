"""docs/guides/export.md has the command of every format, and names every choice."""

from pathlib import Path

import pytest

from tasks.export.formats import LAYOUTS
from tasks.export.options import Format, SplitBy

PAGE = (Path(__file__).parents[2] / "docs/guides/export.md").read_text()


@pytest.mark.parametrize("layout", Format)
def test_every_format_is_laid_out_and_has_its_section(layout):
    assert layout in LAYOUTS
    assert f"--format {layout} " in PAGE


@pytest.mark.parametrize("choice", ["--crop", "--copy", f"--split-by {SplitBy.CLASS}"])
def test_every_choice_is_told(choice):
    assert choice in PAGE
