"""`cairn compare`: a published version beside lists written from the truth of its list."""

import hashlib
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from demo.truth import intersection_over_union
from flows.commands.cli import main

CLASSES = {"abbey": 0, "bridge": 1, "dome": 2}
# What the authors kept of it: all that shows a landmark but dome-7, and two images that are not in the version.
WANTED = [f"{name}-{n}" for name in CLASSES for n in range(1, 8) if f"{name}-{n}" != "dome-7"]
UNREADABLE, OTHER_SUBJECT, OTHER_BYTES = "abbey-9", "abbey-8", "bridge-1"


@dataclass(frozen=True)
class Ended:
    """Exit code and output of a command."""

    code: int
    output: str
    errors: str

    def numbers(self, start: str) -> list[float]:
        """The numbers of the line that starts with these words."""
        (line,) = [line for line in self.output.splitlines() if line.startswith(start)]
        return [float(number) for number in re.findall(r"[0-9.]+", line.removeprefix(start))]


Compare = Callable[..., Ended]


@pytest.fixture
def compare(first_run: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Compare:
    """Runs `cairn compare 1 …` as the console script does, in this process, on the first run's root."""

    def run(*arguments: object, width: int = 80) -> Ended:
        command = ["cairn", "compare", "1", "--root", first_run[0], *arguments]
        monkeypatch.setattr(sys, "argv", [*map(str, command)])
        monkeypatch.setattr("flows.commands.terminal.console.width", width)
        capsys.readouterr()
        try:
            code = main()
        except SystemExit as end:
            code = end.code
        return Ended(code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def boxes(first_run: Any) -> pd.DataFrame:
    """The boxes of the version, by image."""
    root, run = first_run
    return pd.read_parquet(root / run.version.folder / "boxes.parquet").set_index("image_id")


@dataclass(frozen=True)
class Written:
    """A reference with the boxes that it was given."""

    path: Path
    md5: Path
    boxes: dict[str, tuple[int, int, int, int]]


@pytest.fixture
def reference(listed: Any, boxes: pd.DataFrame, tmp_path: Path) -> Written:
    """The list of the authors with its MD5s: boxes whole pixels beside ours; one image was another one then."""
    given, lines, md5s = {}, [], []
    for image in [*WANTED, OTHER_SUBJECT, UNREADABLE]:
        x1, y1, x2, y2 = boxes.loc[image, ["x1", "y1", "x2", "y2"]] if image in boxes.index else (10, 10, 90, 90)
        given[image] = (int(x1), int(y1), int(x2), int((y1 + y2) / 2) + 1)
        body = listed.site.answers[f"/{image}.jpg"][1] + (b"then" if image == OTHER_BYTES else b"")
        left, top, right, bottom = given[image]
        url = f"{listed.site.url}/{image}.jpg"
        lines.append(f"{url} {CLASSES[image.split('-')[0]]} {left} {right} {top} {bottom}\n")
        md5s.append(hashlib.md5(body).hexdigest() + "\n")
    (tmp_path / "clean.txt").write_text("".join(lines))
    (tmp_path / "clean.md5sum").write_text("".join(md5s))
    return Written(tmp_path / "clean.txt", tmp_path / "clean.md5sum", given)


def test_help(compare: Compare) -> None:
    ended = compare("--help", width=200)
    assert ended.code == 0
    assert all(option in ended.output for option in ("--reference", "--md5", "--root", "--name"))


def test_keep_and_discard(compare: Compare, reference: Written) -> None:
    ended = compare("--reference", reference.path)
    assert (ended.code, ended.errors) == (0, "")
    assert ended.numbers("all rows") == [25, 22, 21, 20, 0.952, 0.909, 0.93, 0.88, 0.84]
    assert ended.numbers("readable here") == [23, 21, 21, 20, 0.952, 0.952, 0.952, 0.913, 0.913]
    assert ended.numbers("left out: overlap with a test set") == [1, 0]
    assert ended.numbers("theirs, not in our list") == [0, 22]
    assert ended.numbers("in our list, not theirs") == [4, 26]


def test_the_worst_class_comes_first(compare: Compare, reference: Written) -> None:
    lines = compare("--reference", reference.path).output.splitlines()
    classes = [line.split() for line in lines if line.startswith(tuple(CLASSES))]
    assert classes == [
        ["dome", "8", "8", "6", "6", "7", "6", "0.857", "1.000", "1.000", "0.923", "0.923"],
        ["abbey", "9", "8", "9", "8", "7", "7", "1.000", "0.778", "0.875", "0.875", "0.933"],
        ["bridge", "8", "7", "7", "7", "7", "7", "1.000", "1.000", "1.000", "1.000", "1.000"],
    ]


def test_boxes_of_the_same_bytes(compare: Compare, reference: Written, boxes: pd.DataFrame) -> None:
    ended = compare("--reference", reference.path, "--md5", reference.md5)
    ious = [
        intersection_over_union(reference.boxes[image], tuple(boxes.loc[image, ["x1", "y1", "x2", "y2"]]))
        for image in WANTED
        if image != OTHER_BYTES
    ]
    count, mean, above = ended.numbers("boxes compared")[:3]
    assert count == len(ious) == 19
    assert mean == pytest.approx(sum(ious) / len(ious), abs=0.001)
    assert above == pytest.approx(100 * sum(iou > 0.5 for iou in ious) / len(ious), abs=0.1)
    for state in ("same bytes, not kept here", "other bytes (MD5 mismatch)", "not readable here"):
        assert ended.numbers(f"  {state}") == [1]


def test_lists_in_parts_are_one_reference(compare: Compare, reference: Written, tmp_path: Path) -> None:
    parts: list[object] = []
    for option, path in (("--reference", reference.path), ("--md5", reference.md5)):
        lines = path.read_text().splitlines(keepends=True)
        for name, part in (("train", lines[:15]), ("val", lines[15:])):
            (tmp_path / f"{name}{path.suffix}").write_text("".join(part))
            parts += [option, tmp_path / f"{name}{path.suffix}"]
    whole = compare("--reference", reference.path, "--md5", reference.md5).output.splitlines()
    apart = compare(*parts).output.splitlines()
    assert apart[0].endswith("against train.txt, val.txt")
    assert apart[1:] == whole[1:]


def test_the_clean_list_of_google_landmarks(compare: Compare, reference: Written, tmp_path: Path) -> None:
    by_class: dict[str, list[str]] = {}
    for image in reference.boxes:
        by_class.setdefault(image.split("-")[0], []).append(image)
    lines = [f"{name},{' '.join(images)}\n" for name, images in by_class.items()]
    (tmp_path / "train_clean.csv").write_text("".join(["landmark_id,images\n", *lines]))
    ids = compare("--reference", tmp_path / "train_clean.csv").output.splitlines()
    addresses = compare("--reference", reference.path).output.splitlines()
    assert ids[1:] == addresses[1:]


def test_many_classes_end_with_their_number(
    compare: Compare, reference: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.commands.compare._SHOWN_CLASSES", 1)
    lines = compare("--reference", reference.path).output.splitlines()
    assert [line.split()[0] for line in lines if line.startswith(tuple(CLASSES))] == ["dome"]
    assert lines[-1] == "and 2 classes whose F1 is no worse"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["http://elsewhere.example.org/1.jpg 1 1 2 1 2"], "none of its 1 images"),
        (["http://h/1.jpg 1 9 2 9 2", "http://h/2.jpg 1 9 2 9 2"], "line 1, columns 3–6"),
        (["http://h/1.jpg"], "line 1: 1 columns"),
        ([], "empty"),
    ],
    ids=["other list", "box order", "columns", "empty"],
)
def test_a_reference_that_does_not_do(compare: Compare, tmp_path: Path, lines: list[str], said: str) -> None:
    (tmp_path / "other.txt").write_text("".join(f"{line}\n" for line in lines))
    ended = compare("--reference", tmp_path / "other.txt")
    assert (ended.code, ended.output) == (2, "")
    assert ended.errors.startswith("error: ")
    assert len(ended.errors.strip().splitlines()) == 1
    assert "other.txt" in ended.errors
    assert said in ended.errors


def test_checksums_of_another_list(compare: Compare, reference: Written, tmp_path: Path) -> None:
    (tmp_path / "short.md5sum").write_text("0" * 32 + "\n")
    ended = compare("--reference", reference.path, "--md5", tmp_path / "short.md5sum")
    assert ended.code == 2
    assert "short.md5sum: 1 lines, expected 22" in ended.errors
