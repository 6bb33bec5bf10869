"""Calls in a child process that crashes, hangs, or is left alone."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tasks.isolated import ChildDiedError, ChildHungError, Isolated, by_memory, memory_left

ORPHANING = """
import os, sys, time
from tasks.isolated import Isolated

isolated = Isolated()
print(isolated.call(os.getpid), flush=True)
isolated.call({function}, {argument})
time.sleep(600)
"""


class Unreadable:
    """Becomes a division by zero on its way."""

    def __reduce__(self):
        return divmod, (1, 0)


def take(count):
    return len(bytes(count))


def measure(contents):
    return [(type(content), len(content), content[:1], content[-1:]) for content in contents]


@pytest.fixture
def isolated():
    with Isolated() as isolated:
        yield isolated


def wait_until(what: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.02)
    return what()


def has_ended(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_returns_what_the_function_returns(isolated):
    assert isolated.call(divmod, 17, 5) == (3, 2)
    assert isolated.call(sorted, [1, 3, 2], reverse=True) == [3, 2, 1]


@pytest.mark.parametrize("lengths", [[], [0], [1], [100_000], [60_000, 0, 40_000], [60_000, 60_000, 40_000], [300_000]])
def test_what_goes_by_memory_arrives_whether_there_is_room_or_not(lengths):
    contents = [bytes([n]) * length for n, length in enumerate(lengths)]
    with Isolated(room=100_000) as isolated:
        for _ in range(2):  # what the call before left there is no part of it
            found = isolated.call(measure, [by_memory(content) for content in contents])
            assert found == measure(contents)


def test_a_child_that_is_started_anew_has_the_memory_too():
    with Isolated(room=100_000) as isolated:
        with pytest.raises(ChildDiedError):
            isolated.call(os.abort)
        assert isolated.call(measure, [by_memory(b"again")]) == measure([b"again"])


def test_one_child_answers_all_calls(isolated):
    child = isolated.call(os.getpid)
    assert child != os.getpid()
    assert isolated.call(os.getpid) == child


def test_raises_what_the_function_raises(isolated):
    child = isolated.call(os.getpid)
    with pytest.raises(ZeroDivisionError, match="by zero") as caught:
        isolated.call(divmod, 1, 0)
    assert "Traceback" in caught.value.__notes__[0]
    assert isolated.call(os.getpid) == child


@pytest.mark.parametrize(
    ("function", "arguments", "how"),
    [(os.abort, (), "SIGABRT"), (signal.raise_signal, (signal.SIGSEGV,), "SIGSEGV"), (os._exit, (3,), "exit status 3")],
)
def test_a_crash_costs_one_call(isolated, function, arguments, how):
    child = isolated.call(os.getpid)
    with pytest.raises(ChildDiedError, match=how):
        isolated.call(function, *arguments)
    assert isolated.call(os.getpid) not in (child, os.getpid())


def test_a_child_killed_between_calls_costs_one_call(isolated):
    child = isolated.call(os.getpid)
    os.kill(child, signal.SIGKILL)
    assert wait_until(lambda: has_ended(child))
    with pytest.raises(ChildDiedError, match="SIGKILL"):
        isolated.call(divmod, 17, 5)
    assert isolated.call(divmod, 17, 5) == (3, 2)


def test_a_call_that_hangs_is_ended():
    with Isolated(time_limit=1.0) as isolated:
        child = isolated.call(os.getpid)
        with pytest.raises(ChildHungError, match="no answer in 1 s"):
            isolated.call(time.sleep, 600)
        assert has_ended(child)
        assert isolated.call(divmod, 17, 5) == (3, 2)


def test_a_call_that_takes_too_much_memory_is_refused_it():
    with Isolated(memory_limit=100_000_000) as isolated:
        child = isolated.call(os.getpid)
        assert isolated.call(take, 60_000_000) == 60_000_000
        with pytest.raises(MemoryError):
            isolated.call(take, 120_000_000)
        assert isolated.call(os.getpid) == child


def test_the_limit_of_memory_leaves_out_what_the_child_begins_with():
    with Isolated(memory_limit=100_000_000) as isolated:
        assert 0.9 < isolated.call(memory_left) / 100_000_000 <= 1
    assert memory_left() is None


def test_an_argument_that_memory_is_not_enough_for_costs_one_call():
    with Isolated(memory_limit=50_000_000) as isolated:
        assert isolated.call(len, b"1") == 1
        with pytest.raises((MemoryError, ChildDiedError)):
            isolated.call(len, bytes(80_000_000))
        assert isolated.call(len, b"1") == 1


def test_an_argument_that_cannot_be_read_there_costs_one_call(isolated):
    child = isolated.call(os.getpid)
    with pytest.raises(ZeroDivisionError):
        isolated.call(len, Unreadable())
    assert isolated.call(os.getpid) == child


def test_what_cannot_travel_is_the_callers_error(isolated):
    with pytest.raises(Exception, match=r"pickle|local object"):  # Python 3.13 says it in other words
        isolated.call(lambda: None)
    assert isolated.call(divmod, 17, 5) == (3, 2)


def test_a_child_outlives_the_thread_that_called_it_first(isolated):
    first = []
    thread = threading.Thread(target=lambda: first.append(isolated.call(os.getpid)))
    thread.start()
    thread.join()
    assert not wait_until(lambda: has_ended(first[0]), seconds=0.5)
    assert isolated.call(os.getpid) == first[0]


def test_leaving_ends_the_child_and_its_thread():
    before = threading.active_count()
    with Isolated() as isolated:
        isolated.call(os.getpid)
    assert threading.active_count() == before


def test_leaving_ends_the_child():
    with Isolated() as isolated:
        child = isolated.call(os.getpid)
    assert has_ended(child)


def test_no_call_starts_no_child():
    before = psutil.Process().children()
    with Isolated():
        assert psutil.Process().children() == before


def test_a_child_that_cannot_start_is_no_crash_of_a_call(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with Isolated() as isolated, pytest.raises(RuntimeError, match="no child process"):
        isolated.call(divmod, 17, 5)


def test_the_child_has_one_native_thread(monkeypatch):
    for name in (names := ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")):
        monkeypatch.setenv(name, "2")
    with Isolated() as isolated:
        assert [isolated.call(os.getenv, name) for name in names] == ["1", "1"]


def test_what_native_code_complains_of_is_not_printed(isolated, capfd):
    isolated.call(os.write, 2, b"Fax4Decode: Bad code word at line 28")
    assert capfd.readouterr() == ("", "")


def test_the_child_leaves_the_callers_script_alone(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("from tasks.isolated import Isolated\nprint(Isolated().call(divmod, 17, 5))\n")
    assert subprocess.run([sys.executable, script], capture_output=True, check=True).stdout == b"(3, 2)\n"


@pytest.mark.parametrize(("function", "argument"), [("divmod", "1, 2"), ("time.sleep", "600")], ids=["idle", "hanging"])
def test_a_killed_parent_leaves_no_child_behind(function, argument):
    script = ORPHANING.format(function=function, argument=argument)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=Path.cwd()) as parent:
        child = int(parent.stdout.readline())
        time.sleep(0.3)  # until it is idle, or hangs
        assert not has_ended(child)
        parent.kill()
    assert wait_until(lambda: has_ended(child))


def daemon(answers):
    with Isolated() as isolated:
        answers.put(isolated.call(divmod, 17, 5))


def test_a_daemonic_worker_may_isolate_too():
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    worker = context.Process(target=daemon, args=(answers,), daemon=True)
    worker.start()
    assert answers.get(timeout=60) == (3, 2)
    worker.join()


def test_what_the_terminal_interrupts_is_not_the_child():
    with Isolated() as isolated:
        assert isolated.call(os.getpgrp) != os.getpgrp()
