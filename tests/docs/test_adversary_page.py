"""docs/evidence/hosts.md says what the cases say."""

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_the_adversary_is_current():
    page = runpy.run_path(str(DOCS / "make_adversary.py"))["page"]()
    assert (DOCS / "evidence/hosts.md").read_text() == page, "run `python docs/make_adversary.py`"
