"""How native libraries and threads behave once they are told to."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks.native import let_others_finish


def policies() -> tuple[int, int]:
    """Of this thread, and of one that it starts."""
    with ThreadPoolExecutor(1) as pool:
        return os.sched_getscheduler(0), pool.submit(os.sched_getscheduler, 0).result()


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has a policy for batches")
def test_what_lets_others_finish_does_so_with_all_that_it_starts_and_nobody_else():
    before = policies()
    with ThreadPoolExecutor(1, initializer=let_others_finish) as pool:
        assert pool.submit(policies).result() == (os.SCHED_BATCH, os.SCHED_BATCH)
    assert policies() == before
