"""Each command of the pages exists, with the options that it is given. `tests/flows/test_documented.py` runs them."""

import re
import shlex
from importlib.util import find_spec
from typing import Any

import pytest
import typer

from flows.commands.cli import app
from tests.docs.pages import PAGES, REPOSITORY, Block, blocks_of

MAKEFILE = (REPOSITORY / "Makefile").read_text()
OTHERS = (
    ".",
    "cd",
    "docker",
    "export",
    "grep",
    "ln",
    "mkdir",
    "pip",
    "prefect",
    "sha256sum",
    "tensorboard",
    "unzip",
    "uv",
)
BLOCKS = [block for page in PAGES for block in blocks_of(page) if block.language == "sh"]


def words_of(command: str) -> list[str]:
    return shlex.split(command, comments=True)


def parse(words: list[str]) -> None:
    """Has the command's own parser read its arguments; nothing is run."""
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        assert words[0] in command.commands, words[0]
        command, words = command.commands[words[0]], words[1:]
    if words not in (["--help"], ["-h"], ["--version"]):
        command.make_context("cairn", list(words))


def check_bench(words: list[str]) -> None:
    """`python -m bench NAME` and `python -m bench.FOLDER.MODULE` are there."""
    name = words[2]
    if name == "bench":
        assert list((REPOSITORY / "bench").glob(f"*/{words[3]}.py")), words[3]
    else:
        assert find_spec(name), name


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.page}: {block.commands[0]}")
def test_a_block_calls_what_there_is(block: Block) -> None:
    for line in block.commands:
        for command in re.split(r"\s(?:&&|\|)\s", re.sub(r"\s> \S+$", "", line)):
            words = words_of(command)
            if not words:
                continue
            if words[0] == "cairn":
                parse(words[1:])
            elif words[0] == "make":
                targets = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
                assert all(re.search(rf"^{re.escape(target)}:", MAKEFILE, re.MULTILINE) for target in targets), command
            elif words[0].startswith("python") and words[1] == "-m" and words[2].startswith("bench"):
                check_bench(words)
            else:
                assert words[0].startswith("python") or words[0] in OTHERS, command


def test_what_is_wrong_is_found() -> None:
    for wrong in (["curate", "list.csv"], ["why", "a", "--nonsense"], ["frobnicate"]):
        with pytest.raises((AssertionError, Exception)):
            parse(wrong)
