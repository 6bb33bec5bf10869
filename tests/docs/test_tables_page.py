"""docs/reference/tables.md says what the schemas say."""

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_tables_is_current():
    page = runpy.run_path(str(DOCS / "make_tables.py"))["page"]()
    assert (DOCS / "reference/tables.md").read_text() == page, "run `python docs/make_tables.py`"
