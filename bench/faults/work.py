"""What the drills curate, and what they find of it afterwards."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.faults.worker import Worker
from bench.flows.overhead import shoot_landmarks, shoot_tests
from demo.server import HOST, ROUTES, choose_port, serve
from storage.errors import InputError
from storage.root import Root
from storage.verify import verify_version
from storage.versions import find_version, read_version_table

NAME = "drill"
_CLASSES = ("notre_dame", "kiosk", "sacre_coeur_terrace")  # the last shows a landmark of the test set
_ROWS, _MORE = 24, 27
_SETTINGS = """\
[acquire]
allowed_hosts = ["{host}:{port}"]
attempts = 1
[polite]
host_rate = 20.0
[features]
longest_side = 320
max_keypoints = 300
"""


@dataclass(frozen=True)
class Work:
    """What is curated: a list, another one with some rows more, their settings, and a test set.

    Attributes:
        folder: of all, and of the roots that drills make. digest: of the version in the root `pristine`, after a run
            that nothing disturbed.
    """

    folder: Path
    listed: Path
    longer: Path
    settings: Path
    tests: Path
    digest: str = ""

    @property
    def pristine(self) -> Path:
        """The root of a run that nothing disturbed."""
        return self.folder / "pristine"

    def curate(self, root: Path, listed: Path | None = None) -> list[str]:
        """The words of a command."""
        options = ["--settings", str(self.settings), "--test-set", f"demo_tests={self.tests}", "--anyway"]
        return ["curate", str(listed or self.listed), "--name", NAME, "--root", str(root), *options]


@contextmanager
def prepared(folder: Path) -> Iterator[Work]:
    """Takes views of the demo's photographs, and serves them from this machine while the context is open."""
    port = choose_port(0)
    images = shoot_landmarks(folder / "files", _MORE, _CLASSES)
    files = sorted(images.glob("*/*.jpg"), key=lambda file: file.stem)
    (folder / ROUTES).write_text(
        json.dumps({f"/photos/{file.stem}.jpg": ["fine", str(file.relative_to(images))] for file in files})
    )
    lines = [(file.stem, f"http://{HOST}:{port}/photos/{file.stem}.jpg", file.parent.name) for file in files]
    settings = folder / "settings.toml"
    settings.write_text(_SETTINGS.format(host=HOST, port=port))
    listed, longer = write_list(folder / "list.csv", lines[:_ROWS]), write_list(folder / "longer.csv", lines)
    with serve(folder, port):
        yield Work(folder, listed, longer, settings, shoot_tests(folder / "tests"))


def write_list(path: Path, lines: list[tuple[str, str, str]]) -> Path:
    """Writes lines of id, address and class, below their header."""
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("id", "url", "landmark_id"), *lines])
    return path


def undisturbed(work: Work, worker: Worker) -> Work:
    """Curates in peace; gives the work with the digest of that version.

    Raises:
        RuntimeError: that did not end as it should, so that there is nothing to drill.
    """
    ended = worker.run(work.curate(work.pristine))
    digest, lost = found_whole(work.pristine, work.listed)
    if ended.code or lost or digest is None:
        raise RuntimeError(f"the undisturbed run failed: {ended.said}")
    print(f"undisturbed: {ended.seconds:.1f} s, {ended.said}", flush=True)
    return replace(work, digest=digest)


def found_whole(root: Path, listed: Path) -> tuple[str | None, int]:
    """The digest of the latest version if all of it is as published, and how many rows of the list have no verdict."""
    store = Root(str(root))
    with listed.open(newline="") as file:
        rows = {row["id"] for row in csv.DictReader(file)}
    try:
        version = find_version(store, NAME, "latest")
        verdicts = read_version_table(store, version, "verdicts", ["image_id"])
        is_whole = not verify_version(store, NAME, "latest").wrong
    except (InputError, OSError):
        return None, len(rows)
    return (version.digest if is_whole else None), len(rows - {*verdicts["image_id"].to_pylist()})
