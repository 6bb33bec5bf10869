"""Damage to each file of a version: it is seen, and the same command again heals it."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic

from bench.faults.result import Drill, total
from bench.faults.work import NAME, Work, found_whole
from bench.faults.worker import Worker
from storage.errors import InputError
from storage.root import Root
from storage.verify import verify_version
from storage.versions import find_version, read_version_table

DAMAGES: Mapping[str, Callable[[bytes], bytes | None]] = {
    "flip": lambda content: content[: len(content) // 2] + flip(content[len(content) // 2 :]),
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda _: b"",
    "zeros": lambda content: bytes(len(content)),
    "delete": lambda _: None,
}
"""What may happen to a file: its bytes afterwards, or None where it is gone."""


def flip(content: bytes) -> bytes:
    """The bytes with one bit of the first changed."""
    return bytes([content[0] ^ 1]) + content[1:]


def damage(root: Root, path: str, kind: str) -> None:
    """Damages a file of a root, as `DAMAGES` has it."""
    content = DAMAGES[kind](root.read(path))
    if content is None:
        root.remove(path)
    else:
        root.write(path, content)


def damage_versions(work: Work, worker: Worker, *, quick: bool) -> list[Drill]:
    """Damages a file of every kind in five ways, each in a copy of a root, and runs the same command again."""
    files, image = _files(work.pristine), _kept_image(work.pristine)
    drills = [_damage(work, worker, path, kind) for path in (files[::9] if quick else files) for kind in DAMAGES]
    images = [_damage(work, worker, image, kind, "--refetch", "failed") for kind in DAMAGES]
    return [
        total(f"a table or file of a version damaged in 5 ways ({len(drills) // len(DAMAGES)} files)", drills),
        total("a kept image damaged in 5 ways, then `--refetch failed`", images),
    ]


def _damage(work: Work, worker: Worker, path: str, kind: str, *options: str) -> Drill:
    folder = work.folder / "damaged"
    shutil.copytree(work.pristine, folder)
    damage(Root(str(folder)), path, kind)
    begun = monotonic()
    is_seen = _is_seen(Root(str(folder)))
    seconds = monotonic() - begun
    ended = worker.run([*work.curate(folder), *options])
    digest, lost = found_whole(folder, work.listed)
    shutil.rmtree(folder)
    survived = is_seen and ended.code == 0 and digest is not None
    print(f"{path}, {kind}: seen {is_seen}, exit {ended.code}, same {digest == work.digest}", flush=True)
    if not survived:
        print(ended.said, flush=True)
    return Drill(path, 1, survived, digest == work.digest, lost, seconds)


def _files(root: Path) -> list[str]:
    """Every table of the version, its record, card and list of files, one of each kind of report file, and `latest`."""
    version = root / find_version(Root(str(root)), NAME, "latest").folder
    files = sorted(path for path in version.iterdir() if path.is_file())
    report = [path for path in sorted((version / "report").rglob("*")) if path.is_file()]
    kinds = {(path.parent.name, path.suffix): path for path in report}
    return [path.relative_to(root).as_posix() for path in (*files, *kinds.values(), version.parent / "latest")]


def _kept_image(root: Path) -> str:
    store = Root(str(root))
    version = find_version(store, NAME, "latest")
    verdicts = read_version_table(store, version, "verdicts", ["image_id", "verdict"]).to_pylist()
    kept = {row["image_id"] for row in verdicts if row["verdict"] == "kept"}
    images = read_version_table(store, version, "images", ["image_id", "path"]).to_pylist()
    return next(str(row["path"]) for row in images if row["image_id"] in kept)


def _is_seen(root: Root) -> bool:
    """Whether `cairn verify` would say that something is wrong."""
    try:
        return bool(verify_version(root, NAME, "latest").wrong)
    except InputError:  # `latest` itself
        return True
