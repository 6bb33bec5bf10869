"""The commands of the pages, and the Python of two, on a small list in one folder: each with every option it is given.

A plan times the machine, and so is made once.

Networks and captions are in `test_documented_networks.py`; triplets, servers and object stores have tests of their own.
`tests/docs/test_commands.py` checks all commands.
"""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.docs.pages import REPOSITORY, blocks_of

GUIDES = ("reviewing", "lists", "large-lists", "test-sets", "export", "security", "troubleshooting")
NAMES = ["docs/get-started", *(f"docs/guides/{name}" for name in GUIDES), "README"]
PYTHON = ("README", "docs/get-started")  # what trains on an export is run by the tests of exports
ELSEWHERE = {
    "captions",
    "deploy",
    "down",
    "download",
    "evaluate",
    "index",
    "search",
    "serve",
    "train",
    "triplets",
    "up",
}
SHOP = ("abbey-2", "abbey-8")  # the abbey's second group


@pytest.fixture(scope="module")
def world(_built: Any, server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with what the pages speak of: a list, a test set, a folder of photographs, a reference."""
    folder, site = tmp_path_factory.mktemp("documented"), _built.site
    rows = [line for line in _built.lines() if "-9," not in line]
    for image in SHOP:
        site.answers[f"/shop-{image}.jpg"] = (200, _built.view_of("shop", image))
        rows = [line.replace(f"/{image}.jpg", f"/shop-{image}.jpg") for line in rows]
    (folder / "landmarks.csv").write_text("\n".join(["id,url,landmark_id", *rows]) + "\n")
    (folder / "train_clean.csv").write_text("landmark_id,images\nabbey,abbey-1 abbey-3\ndome,dome-1 dome-2\n")
    shutil.copytree(_built.testset, folder / "sets/snaps")
    (folder / "photographs").mkdir()
    for number in range(3):
        (folder / f"photographs/{number}.jpg").write_bytes(_built.view_of("abbey", f"holiday {number}"))
    yield folder
    for image in SHOP:
        del site.answers[f"/shop-{image}.jpg"]


@pytest.fixture(scope="module")
def done() -> dict[str, set[str]]:
    """By command, with which options it was run."""
    return {}


@pytest.fixture
def run(world: Path, _built: Any, cairn: Any, done: dict[str, set[str]], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a line of a page in that folder, with what has another name there."""
    monkeypatch.chdir(world)
    monkeypatch.setenv("BROWSER", "true")
    site = urlsplit(_built.site.url).netloc

    def here(word: str) -> str:
        if word.startswith("snaps=data/signatures/"):
            return f"snaps={next(Path('data/signatures').glob('snaps-*.parquet'))}"
        if word == "32":  # workers, on two cores
            return "2"
        return word.replace("photos.intern:8080", site).replace("summer_palace-04", SHOP[1])

    def run_line(line: str) -> None:
        words = shlex.split(line, comments=True)
        options = {word for word in words if word.startswith("--") and words[1] != "plan"} | {words[1]}
        if (
            words[0] == "cairn"
            and words[1] not in ELSEWHERE
            and "dask" not in words
            and not options <= done.setdefault(words[1], set())
        ):
            done[words[1]] |= options
            ended = cairn(*map(here, words[1:]))
            assert ended.code in ({0, 1, 3} if words[1] == "certify" else {0}), f"{line}\n{ended.output}{ended.errors}"

    return run_line


@pytest.mark.parametrize("name", NAMES)
def test_the_commands_of_a_page(run: Any, world: Path, name: str) -> None:
    for block in blocks_of(REPOSITORY / f"{name}.md"):
        if block.language == "toml" and (file := re.match(r"# (\w+\.toml)", block.text)):
            (world / file[1]).write_text(block.text)
        if block.language == "python" and name in PYTHON:
            block.run({})
        for line in block.commands if block.language == "sh" else []:
            run(line)
