"""Links lead somewhere, blocks of code say what they are, and files of code name pages that exist."""

import re
import subprocess
import tomllib
from pathlib import Path
from statistics import median

import pytest
import yaml

from tests.docs.pages import PAGES, REPOSITORY, blocks_of, name_of, prose_of

LANGUAGES = {"sh", "text", "toml", "yaml", "python", "csv"}


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them of their text."""
    headings = re.findall(r"^#+ (.*)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose_of(page)):
        if re.match(r"https?:|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        aim = (page.parent / path).resolve() if path else page
        assert aim.exists(), target
        assert not anchor or anchor in anchors(aim), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_blocks_say_what_they_are(page: Path) -> None:
    assert page.read_text().count("\n```") % 2 == 0
    for block in blocks_of(page):
        assert block.language in LANGUAGES, block.text
        if block.language == "toml":
            tomllib.loads(block.text)
        if block.language == "yaml":
            yaml.safe_load(block.text)
        if block.language == "python":
            compile(block.text, block.page, "exec")


def test_every_page_is_found_from_the_first() -> None:
    seen, left = set(), [REPOSITORY / "README.md"]
    while left:
        page = left.pop()
        seen.add(page)
        links = re.findall(r"\]\(([^)#\s]+\.md)[)#]", prose_of(page))
        left += {(page.parent / link).resolve() for link in links if "://" not in link} - seen
    assert {name_of(page) for page in PAGES if page.name != "CHANGELOG.md"} - {name_of(page) for page in seen} == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_sentences_are_short(page: Path) -> None:
    lines = [line for line in prose_of(page).splitlines() if not line.startswith(("|", "#", "!", "---"))]
    text = re.sub(r"`[^`]*`", "X", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", "\n".join(lines)))
    parts = re.split(r"\n\s*\n|\n(?=- |\d+\. )|(?<=[.!?:;])\s+", text)
    assert median([0, *(len(part.split()) for part in parts if len(part.split()) > 1)]) < 16


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_words_have_their_usual_meaning(page: Path) -> None:
    assert re.findall(r"\b(?:told|mend(?:s|ed|ing)?|what came)\b", prose_of(page), re.IGNORECASE) == []


def test_code_names_pages_that_exist() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        if name.endswith((".py", ".toml", ".yaml", "Makefile", "Dockerfile")):
            for page in re.findall(r"\bdocs/[\w/-]+\.md", (REPOSITORY / name).read_text()):
                assert (REPOSITORY / page).exists(), f"{name} names {page}"
