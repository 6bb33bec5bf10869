"""Several at one moment on one name: one of them gets the name, or all end in a whole version with its own number."""

import shutil
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from bench.faults.result import Drill, total
from bench.faults.work import NAME, Work, found_whole
from bench.faults.worker import Ended, Worker
from storage.root import Root
from storage.verify import verify_version
from storage.versions import list_versions

T = TypeVar("T")
_ROUNDS, _QUICK_ROUNDS = 8, 1
_CERTIFIED = (0, 1, 3)


def race(works: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """Does all at one moment, a thread each; gives what came of each."""
    ready = threading.Barrier(len(works))

    def run(work: Callable[[], T]) -> T | Exception:
        ready.wait()
        try:
            return work()
        except Exception as error:  # what came of it is what is asked
            return error

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))


def race_commands(work: Work, workers: tuple[Worker, Worker], *, quick: bool) -> list[Drill]:
    """Races two same runs, two runs of different lists, and a run beside a certification, some rounds each."""
    rounds = range(_QUICK_ROUNDS if quick else _ROUNDS)
    same = [_race_runs(work, workers, work.folder / f"race-same-{n}", work.listed) for n in rounds]
    other = [_race_runs(work, workers, work.folder / f"race-other-{n}", work.longer) for n in rounds]
    certified = [_race_certify(work, workers, work.folder / f"race-certify-{n}") for n in rounds]
    return [
        total("two same runs of one name at one moment", same),
        total("two runs of one name with different lists", other),
        total("a run of a longer list while a version is certified", certified),
    ]


def _race_runs(work: Work, workers: tuple[Worker, Worker], root: Path, other: Path) -> Drill:
    lists = (work.listed, other)
    ended = _both(workers, [work.curate(root, listed) for listed in lists])
    numbers = {version.digest for version in list_versions(Root(str(root)), NAME)}
    survived = any(end.code == 0 for end in ended) and all(end.is_clear for end in ended) and _all_whole(root)
    # Who came second may have waited for nobody, and then it is the latest
    lost = min(found_whole(root, listed)[1] for listed, end in zip(lists, ended, strict=True) if end.code == 0)
    refused = [end.seconds for end in ended if end.code]
    return _told(
        Drill(
            root.name,
            1,
            survived,
            (work.digest in numbers) if other == work.listed else None,  # of two lists the other may have been first
            lost,
            max(refused, default=None),
        ),
        ended,
    )


def _race_certify(work: Work, workers: tuple[Worker, Worker], root: Path) -> Drill:
    shutil.copytree(work.pristine, root)
    certify = ["certify", "1", "--name", NAME, "--root", str(root), "--test-set", f"demo_tests={work.tests}"]
    ended = _both(workers, [work.curate(root, work.longer), certify])
    survived = ended[0].code == 0 and ended[1].code in _CERTIFIED and _all_whole(root)
    same = list_versions(Root(str(root)), NAME)[0].digest == work.digest
    return _told(Drill(root.name, 1, survived, same, found_whole(root, work.longer)[1]), ended)


def _both(workers: tuple[Worker, Worker], commands: Sequence[Sequence[str]]) -> list[Ended]:
    for worker, command in zip(workers, commands, strict=True):
        worker.begin(command)
    return [worker.end() for worker in workers]


def _told(drill: Drill, ended: Sequence[Ended]) -> Drill:
    print(f"{drill.kind}: exits {[end.code for end in ended]}, survived {bool(drill.survived)}", flush=True)
    if not drill.survived:
        print(*(end.said for end in ended), sep="\n", flush=True)
    return drill


def _all_whole(root: Path) -> bool:
    """Whether every version is as published, and no number is given twice."""
    store = Root(str(root))
    numbers = [version.number for version in list_versions(store, NAME)]
    return len({*numbers}) == len(numbers) and not any(verify_version(store, NAME, str(n)).wrong for n in numbers)
