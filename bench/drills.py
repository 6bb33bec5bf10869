"""Drills: what is published at one moment by several, and what is damaged, for tests and the bench of faults."""

import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from storage.root import Root

T = TypeVar("T")

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


def race_commands(commands: Sequence[Sequence[str]]) -> list[tuple[int, str]]:
    """Starts all commands at one moment; gives the exit code and the output of each, errors included."""
    started = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for command in commands
    ]
    return [(process.wait(), output) for process in started for output, _ in [process.communicate()]]
