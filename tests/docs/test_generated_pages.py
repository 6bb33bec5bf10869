"""The pages that are written from the code say what the code says."""

import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {
    "make_adversary": "evidence/hosts.md",
    "make_commands": "reference/commands.md",
    "make_reasons": "reference/reasons.md",
    "make_settings": "reference/settings.md",
    "make_tables": "reference/tables.md",
}


def test_every_generator_has_its_page():
    assert {path.stem for path in DOCS.glob("make_*.py")} == PAGES.keys()


@pytest.mark.parametrize("generator", PAGES)
def test_a_page_is_current(generator):
    page = runpy.run_path(str(DOCS / f"{generator}.py"))["page"]()
    assert (DOCS / PAGES[generator]).read_text() == page, "run `make docs`"
