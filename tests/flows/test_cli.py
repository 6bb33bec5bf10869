"""The command line: help, what a user gets wrong, and reading a published dataset."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from flows.commands.cli import app
from storage.locks import lock
from storage.root import Root

pytestmark = pytest.mark.usefixtures("prefect_home")  # should a command start Prefect after all, then not the user's
Cairn = Callable[..., Any]
COMMANDS = ("curate", "plan", "certify", "versions", "verify", "report", "why", "diff", "export", "promote", "reject")
ROWS = ("a-1,http://example.org/1.jpg,a", "a-2,http://example.org/2.jpg,a")


# Help


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)], ids=lambda command: " ".join(command) or "-")
def test_help(cairn: Any, command: tuple[str, ...]) -> None:
    ended = cairn(*command, "-h")
    assert ended.code == 0
    assert re.search("Usage: .*cairn", ended.output)
    for name in COMMANDS if not command else ("--root",):
        assert name in ended.output


def _leaves(group: Any, *above: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _leaves(command, *above, name)
        else:
            yield " ".join((*above, name)), command


@pytest.mark.parametrize(("name", "command"), [pytest.param(*leaf, id=leaf[0]) for leaf in _leaves(get_command(app))])
def test_examples_are_commands(name: str, command: Any) -> None:
    first, *examples = command.epilog.split("\n\n")
    assert first == "Examples:"
    assert examples
    for example in examples:
        words = shlex.split(example.partition(" > ")[0])
        assert words[: 1 + len(name.split())] == ["cairn", *name.split()]
        command.make_context(name, words[1 + len(name.split()) :])


UNTIL_STOPPED = ("serve", "triplets collect")
"""Commands that print an address, and then serve it."""


@pytest.mark.parametrize(("name", "command"), [pytest.param(*leaf, id=leaf[0]) for leaf in _leaves(get_command(app))])
def test_every_command_that_prints_facts_prints_them_as_json(name: str, command: Any) -> None:
    has = any("--json" in parameter.opts for parameter in command.params)
    assert has == (name not in UNTIL_STOPPED)


def test_version_of_the_program(cairn: Any) -> None:
    assert re.fullmatch(r"cairn \d+\.\d+\.\d+\n", cairn("--version").output)


def test_console_script_is_installed(tmp_path: Path) -> None:
    script = Path(sys.executable).parent / "cairn"
    done = subprocess.run([script, "versions", "--root", tmp_path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "no versions" in done.stdout


# What a user gets wrong: exit code 2, one line that says where, and nothing written


@pytest.fixture
def refused(cairn: Any, tmp_path: Path) -> Callable[..., str]:
    """Curates a list that is refused, checks what holds for every refusal, and returns the message."""

    def run(lines: tuple[str, ...], *options: object, header: str = "id,url,landmark_id", name: str = "marks") -> str:
        path = tmp_path / "list.csv"
        path.write_text("".join(f"{line}\n" for line in (header, *lines)))
        before = sorted(tmp_path.rglob("*"))
        ended = cairn("curate", path, "--name", name, "--root", tmp_path / "root", *options)
        assert ended.code == 2
        assert ended.errors.startswith("error: ")
        assert len(ended.errors.strip().splitlines()) == 1
        assert "Traceback" not in ended.errors
        assert ended.output == ""
        assert sorted(tmp_path.rglob("*")) == before
        return ended.errors

    return run


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((*ROWS, "a-3,http://example.org/3.jpg"), ("list.csv: line 4", "2 columns", "3")),
        ((ROWS[0], ",http://example.org/2.jpg,a"), ("list.csv: line 3, column id", "empty")),
        ((*ROWS, '"a-3,http://example.org/3.jpg,a'), ("list.csv: line 4", "separated by ','")),
        ((*ROWS, "a-1,http://example.org/3.jpg,a"), ("list.csv: row 3, column id", "'a-1'", "row 1")),
        ((*ROWS, "a-1,http://example.org/1.jpg,b"), ("list.csv: row 3, column id", "'a-1'", "one class")),
        ((), ("list.csv", "empty")),
    ],
    ids=["columns", "no-id", "quotes", "two-urls", "two-classes", "no-rows"],
)
def test_list_that_does_not_parse(refused: Callable[..., str], lines: tuple[str, ...], said: tuple[str, ...]) -> None:
    message = refused(lines)
    for part in said:
        assert part in message


def test_list_without_header(refused: Callable[..., str]) -> None:
    assert re.search(r"list\.csv: line 1: no column id, url, landmark_id", refused(ROWS, header=ROWS[0]))


def test_list_that_is_not_there(cairn: Any, tmp_path: Path) -> None:
    ended = cairn("curate", tmp_path / "none.csv", "--name", "marks", "--root", tmp_path / "root")
    assert ended.code == 2
    assert "none.csv: no such list" in ended.errors
    assert not list(tmp_path.iterdir())


def test_empty_file(cairn: Any, tmp_path: Path) -> None:
    (tmp_path / "list.csv").touch()
    ended = cairn("curate", tmp_path / "list.csv", "--name", "marks", "--root", tmp_path / "root")
    assert ended.code == 2
    assert "list.csv" in ended.errors
    assert not (tmp_path / "root").exists()


def test_checksums_of_another_list(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "md5.txt").write_text("0" * 32 + "\n")
    assert "md5.txt: 1 lines, expected 2" in refused(ROWS, "--md5", tmp_path / "md5.txt")


def test_test_set_that_is_not_there(refused: Callable[..., str], tmp_path: Path) -> None:
    message = refused(ROWS, "--test-set", f"oxford={tmp_path / 'oxford'}")
    assert "test set 'oxford': no folder" in message
    assert str(tmp_path / "oxford") in message


@pytest.mark.parametrize("option", ["oxford", "=./oxford", "oxford="])
def test_test_set_without_name_or_folder(refused: Callable[..., str], option: str) -> None:
    message = refused(ROWS, "--test-set", option)
    assert repr(option) in message
    assert "NAME=DIR" in message


def test_test_set_named_twice(refused: Callable[..., str], tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a_000001.jpg").write_bytes(b"photograph")
    message = refused(ROWS, "--test-set", f"oxford={tmp_path}/one", "--test-set", f"oxford={tmp_path}/two")
    assert "'oxford'" in message


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("[match]\nmin_inlier = 9\n", ("match", "min_inlier")),
        ("[matching]\n", ("matching",)),
        ("[match]\nmin_inliers = 'many'\n", ("match", "min_inliers")),
        ("[match]\nratio = 2.0\n", ("match", "ratio")),
        ("[match\n", ("settings.toml", "line 1")),
        ("\ufeff[match]\nratio = 2.0\n", ("match", "ratio")),
    ],
    ids=["unknown", "section", "kind", "range", "toml", "byte-order-mark"],
)
def test_settings_that_are_wrong(refused: Callable[..., str], tmp_path: Path, toml: str, said: tuple[str, ...]) -> None:
    (tmp_path / "settings.toml").write_text(toml, encoding="utf-8")
    message = refused(ROWS, "--settings", tmp_path / "settings.toml")
    for part in ("settings.toml", *said):
        assert part in message


def test_settings_that_are_not_there(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "none.toml" in refused(ROWS, "--settings", tmp_path / "none.toml")


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "x" * 65])
def test_name_that_is_no_folders(refused: Callable[..., str], name: str) -> None:
    assert f"name {name!r}" in refused(ROWS, name=name)


def test_root_below_a_file(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    assert str(tmp_path / "file/root") in refused(ROWS, "--root", tmp_path / "file/root")


def test_root_of_unknown_kind(refused: Callable[..., str]) -> None:
    assert "nosuch://bucket" in refused(ROWS, "--root", "nosuch://bucket")


@pytest.mark.parametrize(("root", "said"), [("", "empty text"), ("memory://x", "lost when the command ends")])
def test_root_that_keeps_nothing(refused: Callable[..., str], root: str, said: str) -> None:
    assert said in refused(ROWS, "--root", root)


def test_a_contact_that_no_header_can_hold(refused: Callable[..., str]) -> None:
    assert "contact 'Zoë': expected letters without accents" in refused(ROWS, "--contact", "Zoë")


def test_a_second_run_of_a_name_is_told_of_the_first(refused: Callable[..., str], tmp_path: Path) -> None:
    with lock(Root(str(tmp_path / "root")), "versions/marks"):
        assert f"another run is at work on versions/marks in {tmp_path}/root: process {os.getpid()}" in refused(ROWS)


# Reading a dataset


@pytest.fixture
def root(first_run: tuple[Path, Any]) -> Path:
    return first_run[0]


def test_versions(cairn: Any, root: Path, first_run: Any) -> None:
    ended = cairn("versions", "--root", root)
    assert ended.code == 0
    last = ended.output.strip().splitlines()[-1].split()
    assert last[:7] == ["landmarks", "1", "latest", first_run[1].version.digest[:12], "21", "3", "tests"]


@pytest.mark.parametrize("command", [("versions",), ("verify",), ("report",), ("gc", "--keep", "1"), ("networks",)])
def test_facts_are_json(cairn: Any, root: Path, command: tuple[str, ...]) -> None:
    ended = cairn(*command, "--root", root, "--json")
    assert (ended.code, ended.errors) == (0, "")
    facts = json.loads(ended.output)
    if command == ("versions",):
        assert (facts[0]["name"], facts[0]["number"], facts[0]["images"]) == ("landmarks", 1, 21)


def test_verify(cairn: Any, dataset: Path, first_run: Any) -> None:
    folder = dataset / first_run[1].version.folder
    files = sum(path.is_file() for path in folder.rglob("*")) + 21
    ended = cairn("verify", "--root", dataset)
    assert (ended.code, ended.output) == (0, f"{files} files, all as published\n")
    (folder / "README.md").unlink()
    ended = cairn("verify", "1", "--root", dataset)
    assert (ended.code, ended.errors) == (1, "")
    assert ended.output == f"{first_run[1].version.folder}/README.md is gone or damaged\n{files} files, 1 wrong\n"
    (folder / "manifest.json").write_bytes(b"")
    assert cairn("verify", "1", "--root", dataset).code == 1
    assert "its manifest is damaged" in cairn("versions", "--root", dataset).output


def test_why_kept(cairn: Any, root: Path) -> None:
    ended = cairn("why", "abbey-1", "--root", root)
    assert ended.code == 0
    assert re.search(r"verdict +kept", ended.output)
    assert re.search(r"split +(train|val)", ended.output)
    assert re.search(r"group_size +7", ended.output)
    assert re.search(r"x1 +\d", ended.output)


def test_why_by_the_start_of_an_id_or_by_an_address(cairn: Any, root: Path, listed: Any) -> None:
    assert "abbey-9 in versions/" in cairn("why", f"{listed.site.url}/abbey-9.jpg", "--root", root).output
    assert "bridge-1 in versions/" in cairn("why", "bridge-1", "--root", root).output
    ended = cairn("why", "bridge", "--root", root)
    assert ended.code == 2
    assert re.search(r"9 images of \S+ fit 'bridge': bridge-1, .*, …; give more of the id", ended.errors)


def test_why_as_facts(cairn: Any, root: Path) -> None:
    facts = json.loads(cairn("why", "abbey-9", "--root", root, "--json").output)
    (verdict,) = facts["verdicts"]
    assert (verdict["reason"], verdict["evidence"]["status"]) == ("http-error", 404)
    assert facts["fetch_log"][0]["outcome"] == "http-error"


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("abbey-9", ("dropped by acquire: http-error", "404")),
        ("bridge-8", ("dropped by acquire: not-an-image",)),
        ("bridge-9", ("dropped by overlap: test-copy", "tower_000001.jpg")),
        ("abbey-8", ("dropped by cluster: no-match",)),
    ],
)
def test_why_dropped(cairn: Any, root: Path, image: str, said: tuple[str, ...]) -> None:
    ended = cairn("why", image, "--root", root)
    assert ended.code == 0
    for part in said:
        assert part in ended.output


def test_why_says_the_fate_of_each_row(cairn: Any, root: Path) -> None:
    output = cairn("why", "dome-1", "--root", root).output
    assert "duplicate-row" in output
    assert re.search(r"verdict +kept", output)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("why", "nobody"), "no image 'nobody'"),
        (("why", "abbey-1", "--version", "z"), "0 versions of 'landmarks'"),
        (("report", "--name", "others"), "'others'"),
        (("diff", "1", "z"), "fit 'z'"),
    ],
    ids=["image", "version", "name", "diff"],
)
def test_reading_what_is_not_there(cairn: Any, root: Path, arguments: tuple[str, ...], said: str) -> None:
    ended = cairn(*arguments, "--root", root)
    assert ended.code == 2
    assert said in ended.errors
    assert len(ended.errors.strip().splitlines()) == 1


def test_report_is_a_file(cairn: Any, root: Path) -> None:
    ended = cairn("report", "--root", root)
    assert ended.code == 0
    assert Path(ended.output.strip()).is_file()


def test_diff(cairn: Any, run_curate: Any, dataset: Path, listed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", "true")
    run_curate(listed, dataset, "[select]\nmin_class_size = 8\n")
    ended = cairn("diff", 1, 2, "--root", dataset)
    assert ended.code == 0
    first, counts, *rest = ended.output.splitlines()
    assert re.search(r"landmarks/1-\w+ → \S+: 14 images kept, -7; 2 classes, -1", first)
    assert counts.startswith("7 no longer kept")
    assert re.search(r"^ ?dome +7 +0 +-7 *$", ended.output, re.M)
    assert "dome-1  dome  kept → class-too-small" in rest
    assert "{" not in ended.output
    latest = cairn("diff", 1, "--root", dataset, "--verbose").output
    assert re.search(r'dome-1  dome  kept → class-too-small\n    \{".*', latest)
    facts = json.loads(cairn("diff", 1, "--root", dataset, "--json", "--open").output)
    assert Path(facts["page"]).is_file()
    assert facts["counts"]["lost"] == 7
    assert {row["image_id"]: row["after"] for row in facts["images"]}["dome-1"] == "class-too-small"
    assert (
        cairn("diff", 1, 1, "--root", dataset).output.strip()
        == "no image entered, left, or changed its verdict or its box"
    )
    names = [line.split()[:2] for line in cairn("versions", "--root", dataset).output.splitlines()[1:]]
    assert names == [["landmarks", "1"], ["landmarks", "2"]]
