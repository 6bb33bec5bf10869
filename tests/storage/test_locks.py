import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import psutil
import pytest

from storage.errors import InputError
from storage.locks import Holder, check_free, lock

PATH = "locks/versions/set.json"


def leave(root, **changes):
    """A lock as a process leaves it that is killed."""
    holder = Holder.here().model_copy(update={"token": "left", **changes})
    root.write(PATH, holder.model_dump_json().encode())


def dead_process() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def test_a_lock_is_held_by_one_and_let_go(root):
    said = (
        rf"another run is at work on versions/set in .*: process {os.getpid()} on .*, since .* UTC; wait for its end$"
    )
    with lock(root, "versions/set"):
        with pytest.raises(InputError, match=said), lock(root, "versions/set"):
            pass
        with pytest.raises(InputError, match=said):
            check_free(root, "versions/set")
        with lock(root, "versions/other"):
            pass
    assert root.find("locks") == {}
    check_free(root, "versions/set")


def test_it_is_let_go_after_an_error_too(local_root):
    with pytest.raises(RuntimeError), lock(local_root, "versions/set"):
        raise RuntimeError
    assert local_root.find("locks") == {}


@pytest.mark.parametrize("kind", ["gone", "reused"])
def test_the_lock_of_a_dead_process_is_taken(root, kind):
    leave(root, **({"pid": dead_process()} if kind == "gone" else {"began": psutil.Process().create_time() - 60}))
    check_free(root, "versions/set")
    with lock(root, "versions/set"):
        assert Holder.model_validate_json(root.read(PATH)).token != "left"
    assert root.find("locks") == {}


def test_the_lock_of_a_killed_process_is_taken_though_its_parent_has_not_asked_for_its_end(local_root):
    killed = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    leave(local_root, pid=killed.pid, began=psutil.Process(killed.pid).create_time())
    with pytest.raises(InputError, match="another run is at work"):
        check_free(local_root, "versions/set")
    killed.kill()
    os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)
    check_free(local_root, "versions/set")
    killed.communicate()


def test_of_many_who_find_a_dead_holder_one_gets_the_lock(local_root):
    leave(local_root, pid=dead_process())
    inside, most, refused = [], [], []
    ready = threading.Barrier(8)

    def try_it(number: int) -> None:
        ready.wait()
        try:
            with lock(local_root, "versions/set"):
                inside.append(number)
                most.append(len(inside))
                ready.wait(timeout=60)  # until all others were refused
                inside.remove(number)
        except InputError:
            refused.append(number)
            ready.wait(timeout=60)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(try_it, range(8)))
    assert most == [1]
    assert len(refused) == 7


def test_who_waits_comes_one_after_the_other(root):
    inside, most = [], []

    def work(number: int) -> None:
        with lock(root, "versions/set", wait=True):
            inside.append(number)
            most.append(len(inside))
            inside.remove(number)

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(work, range(3)))
    assert most == [1, 1, 1]


def test_of_another_host_nobody_knows_and_the_way_out_is_told(local_root):
    leave(local_root, host="elsewhere", pid=1, since=datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
    said = r"process 1 on elsewhere, since 2026-01-02 03:04 UTC; .*if that one has ended, remove /.*/versions/set\.json"
    for wait in (False, True):
        with pytest.raises(InputError, match=said), lock(local_root, "versions/set", wait=wait):
            pass
    local_root.remove(PATH)
    with lock(local_root, "versions/set"):
        pass


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]"])
def test_a_damaged_lock_is_told(local_root, content):
    local_root.write(PATH, content)
    with pytest.raises(InputError, match=r"set\.json, a lock, is damaged; .* remove the file"):
        check_free(local_root, "versions/set")
