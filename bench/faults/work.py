"""What the drills curate, how they start the command, and what they find of it afterwards."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import pyarrow.parquet as pq

from bench.overhead import shoot_landmarks, shoot_tests
from storage.errors import DamagedTableError, InputError
from storage.root import Root
from storage.verify import verify_version
from storage.versions import latest_version

NAME = "drill"
_ROWS, _LARGER = 32, 40


@dataclass(frozen=True)
class Work:
    """Two lists, folders of class folders, of which one has the images of the other and some more; and a test set."""

    images: Path
    more: Path
    tests: Path


def prepare(folder: Path) -> Work:
    """Takes views of the demo's photographs."""
    images = shoot_landmarks(folder / "images", _ROWS)
    return Work(images, shoot_landmarks(folder / "more", _LARGER), shoot_tests(folder / "tests"))


@dataclass
class Command:
    """`cairn curate` in a process group of its own."""

    process: subprocess.Popen[bytes]
    log: Path
    begun: float

    def wait(self, seconds: float = 300.0) -> int:
        """The exit code, negative where a signal ended it."""
        return self.process.wait(seconds)

    @property
    def said(self) -> str:
        """What it printed so far."""
        return self.log.read_text(errors="replace")


def start(arguments: list[str], log: Path, environment: Mapping[str, str] | None = None) -> Command:
    """Starts `cairn` with these arguments."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    return Command(process, log, monotonic())


def curate(work: Work, root: Path, *, images: Path | None = None) -> list[str]:
    """The arguments of a curation."""
    options = ["--name", NAME, "--root", str(root), "--test-set", f"demo_tests={work.tests}"]
    return ["curate", str(images or work.images), *options]


def found_whole(root: Path, rows: int) -> tuple[str | None, int]:
    """The digest of the latest version if all of it is as published, and how many of the list's rows it lacks."""
    store = Root(str(root))
    try:
        version = latest_version(store, NAME)
        if version is None or verify_version(store, NAME, str(version.number)).wrong:
            return None, rows
        verdicts = pq.read_metadata(root / version.folder / "verdicts.parquet").num_rows
    except (DamagedTableError, InputError, OSError):
        return None, rows
    return version.digest, abs(rows - verdicts)


def rows_of(images: Path) -> int:
    """How many rows the list has."""
    return sum(1 for _ in images.glob("*/*.jpg"))
