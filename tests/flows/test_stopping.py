"""A command that is told to stop: in a process of its own, whose main thread is at work, or deaf."""

import os
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

AGAIN = "interrupted; run the same command again to go on"
FRAME = """
import os, signal, sys, threading, time
from flows.runtime.stopping import give_up, stop, report, stoppable
signal.signal(signal.SIGINT, signal.default_int_handler)  # pytest behind a shell would hand on that it is ignored
me = os.getpid()
def deaf():
    signal.signal(signal.SIGTERM, lambda *_: None)  # as Prefect's own, which waits for tasks
    time.sleep(60)
with stoppable():
    {body}
"""


def end_of(body: str) -> tuple[int, list[str], float]:
    """Exit code, lines and seconds of a command that does this."""
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    begun = monotonic()
    done = subprocess.run(
        [sys.executable, "-c", FRAME.format(body=body)], capture_output=True, text=True, env=env, check=False
    )
    return done.returncode, done.stderr.split("\n"), monotonic() - begun


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("os.kill(me, signal.SIGINT); time.sleep(60)", 130, AGAIN),
        ("os.kill(me, signal.SIGTERM); time.sleep(60)", 143, AGAIN),
        ("threading.Timer(0.1, stop, ('error: gone', 2)).start(); time.sleep(60)", 2, "error: gone"),
        ("report('error: first'); report('error: second'); sys.exit(2)", 2, "error: first"),
        ("give_up('error: full'); report('error: other'); sys.exit(2)", 2, "error: full"),
    ],
    ids=["Ctrl-C", "SIGTERM", "stop", "report", "give up"],
)
def test_a_command_ends_with_one_line(body: str, code: int, said: str) -> None:
    ended, lines, seconds = end_of(body)
    assert (ended, lines) == (code, [said, ""])
    assert seconds < 30


def test_what_comes_of_unwinding_is_not_told() -> None:
    body = "\n    try: os.kill(me, signal.SIGINT); time.sleep(60)\n    finally: raise KeyError('of unwinding')"
    assert end_of(body)[:2] == (130, [AGAIN, ""])


def test_a_main_thread_that_is_deaf_is_not_waited_for() -> None:
    ended, lines, seconds = end_of("threading.Timer(0.1, os.kill, (me, signal.SIGTERM)).start(); deaf()")
    assert (ended, [line for line in lines if line]) == (143, [AGAIN])
    assert seconds < 30


def test_the_second_interruption_is_obeyed_at_once() -> None:
    body = (
        "\n    try: os.kill(me, signal.SIGINT); time.sleep(60)\n    finally: os.kill(me, signal.SIGINT); time.sleep(60)"
    )
    assert end_of(body)[0] == 130


def test_a_bug_keeps_its_traceback() -> None:
    ended, lines, _ = end_of("raise KeyError('a bug')")
    assert ended == 1
    assert "Traceback (most recent call last):" in lines
