"""Damage to each file of a version: it is seen, and the same command again heals it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from bench.faults.result import Drill
from bench.faults.work import NAME, Work, curate, found_whole, rows_of, start
from storage.errors import InputError
from storage.root import Root
from storage.verify import verify_version


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


_WAYS: dict[str, Callable[[Path], object]] = {
    "flip": _flip,
    "cut": _cut,
    "empty": lambda path: path.write_bytes(b""),
    "zero": _zero,
    "delete": Path.unlink,
}


def damage_versions(work: Work, folder: Path, pristine: Path, digest: str, *, quick: bool) -> Drill:
    """Damages a file of every kind in five ways, each in a copy of a root, and runs the same command again.

    Args:
        pristine: a root after a run that nothing disturbed; digest: of its version.
    """
    injected = survived = same = lost = 0
    slowest = 0.0
    for relative in _files(pristine, quick=quick):
        for way, damage in _WAYS.items():
            root = folder / "damaged"
            shutil.rmtree(root, ignore_errors=True)
            shutil.copytree(pristine, root)
            damage(root / relative)
            seen = _is_seen(root)
            command = start(curate(work, root), folder / "damaged.log")
            code = command.wait()
            slowest = max(slowest, monotonic() - command.begun)
            found, missing = found_whole(root, rows_of(work.images))
            injected, same, lost = injected + 1, same + (found == digest), lost + missing
            if seen and code == 0 and found:
                survived += 1
            else:
                last = command.said.strip().splitlines()[-1:]
                print(f"{relative}, {way}: seen {seen}, exit {code}, healed {found is not None}: {last}", flush=True)
    return Drill(
        "a file of a version damaged in 5 ways, then the same command", injected, survived, same, lost, slowest
    )


def _files(root: Path, *, quick: bool) -> list[Path]:
    """Every table of the version, its record, card and list of files, and one of each kind of report file."""
    version = next(path for path in (root / "versions" / NAME).iterdir() if path.is_dir())
    files = sorted(path for path in version.iterdir() if path.is_file())
    report = [path for path in sorted((version / "report").rglob("*")) if path.is_file()]
    kinds = {(path.parent.name, path.suffix): path for path in report}
    chosen = [*files, *kinds.values(), version.parent / "latest"]
    return [path.relative_to(root) for path in (chosen[::6] if quick else chosen)]


def _is_seen(root: Path) -> bool:
    """Whether `cairn verify` would say that something is wrong."""
    try:
        return bool(verify_version(Root(str(root)), NAME, "latest").wrong)
    except InputError:  # `latest` itself
        return True
