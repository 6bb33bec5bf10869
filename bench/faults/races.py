"""Two runs at one moment on one name: one of them gets the name, or both end in one whole version each."""

from pathlib import Path
from time import monotonic

from bench.faults.result import Drill
from bench.faults.work import NAME, Command, Work, curate, found_whole, rows_of, start
from storage.root import Root
from storage.verify import verify_version
from storage.versions import list_versions

_ROUNDS, _QUICK_ROUNDS = 8, 1


def race(work: Work, folder: Path, digest: str, *, quick: bool) -> list[Drill]:
    """Races two same runs, two runs of different lists, and a run beside a certification, some rounds each."""
    rounds = _QUICK_ROUNDS if quick else _ROUNDS
    return [
        _race_runs(work, folder, "two same runs at one moment", work.images, rounds, digest),
        _race_runs(work, folder, "two runs of one name with different lists", work.more, rounds, None),
        _race_certify(work, folder, rounds, digest),
    ]


def _race_runs(work: Work, folder: Path, kind: str, other: Path, rounds: int, digest: str | None) -> Drill:
    survived = same = lost = 0
    slowest = 0.0
    for number in range(rounds):
        root = folder / f"race-{other.name}-{number}"
        commands = [
            start(curate(work, root, images=images), root.with_suffix(f".{place}.log"))
            for place, images in enumerate((work.images, other))
        ]
        seconds = [_end(command) for command in commands]
        codes = [command.process.returncode for command in commands]
        slowest = max(slowest, *(spent for spent, code in zip(seconds, codes, strict=True) if code), 0.0)
        survived += 0 in codes and all(map(_ended_clearly, commands)) and _all_whole(root)
        found, missing = found_whole(root, rows_of(work.images if codes[0] == 0 else other))
        same, lost = same + (found == digest), lost + missing
    return Drill(kind, rounds, survived, same if digest else None, lost, slowest or None)


def _race_certify(work: Work, folder: Path, rounds: int, digest: str) -> Drill:
    survived = same = lost = 0
    for number in range(rounds):
        root = folder / f"race-certify-{number}"
        first = start(curate(work, root), root.with_suffix(".first.log"))
        assert first.wait() == 0, first.said
        checked = ["certify", "1", "--name", NAME, "--root", str(root), "--test-set", f"demo_tests={work.tests}"]
        commands = [
            start(curate(work, root, images=work.more), root.with_suffix(".curate.log")),
            start(checked, root.with_suffix(".certify.log")),
        ]
        codes = [command.wait() for command in commands]
        survived += codes[0] == 0 and codes[1] in (0, 1) and _all_whole(root)
        versions = list_versions(Root(str(root)), NAME)
        same += versions[0].digest == digest
        lost += found_whole(root, rows_of(work.more))[1]
    return Drill("a run of a longer list while a version is certified", rounds, survived, same, lost)


def _end(command: Command) -> float:
    command.wait()
    return monotonic() - command.begun


def _ended_clearly(command: Command) -> bool:
    """Whether the command did its work, or said in one line why not."""
    return command.process.returncode == 0 or (command.process.returncode == 2 and "Traceback" not in command.said)


def _all_whole(root: Path) -> bool:
    """Whether every version is as published, and no number is given twice."""
    store = Root(str(root))
    versions = list_versions(store, NAME)
    numbers = [version.number for version in versions]
    return len({*numbers}) == len(numbers) and not any(verify_version(store, NAME, str(n)).wrong for n in numbers)
