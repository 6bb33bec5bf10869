"""What all shards that are acquired in a process share: one queue for each host, and the processes that decode."""

import gc
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from tasks.acquire.fetcher import Fetcher
from tasks.acquire.inspectors import Inspectors
from tasks.acquire.settings import AcquireSettings, FetchPolicy
from tasks.acquire.tally import Tally
from tasks.native import keep_freed_memory, let_others_finish, share_heap


class Shared(NamedTuple):
    """What all shards of a process fetch and inspect with, in use by all who have it open."""

    fetcher: Fetcher
    inspectors: Inspectors
    tally: Tally


_lock = threading.Lock()
_open: dict[str, tuple[Shared, ExitStack, int]] = {}


@contextmanager
def share(settings: AcquireSettings, policy: FetchPolicy) -> Iterator[Shared]:
    """Opens them, or joins those who have them open under the same settings; the last to leave closes them."""
    name = settings.model_dump_json() + policy.model_dump_json()
    with _lock:
        shared, stack, users = _open.get(name) or (*_start(settings, policy), 0)
        _open[name] = shared, stack, users + 1
    try:
        yield shared
    finally:
        with _lock:
            shared, stack, users = _open.pop(name)
            if users > 1:
                _open[name] = shared, stack, users - 1
        if users == 1:
            stack.close()


def _start(settings: AcquireSettings, policy: FetchPolicy) -> tuple[Shared, ExitStack]:
    share_heap()
    keep_freed_memory()
    let_others_finish()
    with ExitStack() as stack:
        gc.freeze()  # what is here by now stays, and need not be looked through again and again
        stack.callback(gc.unfreeze)
        fetcher = stack.enter_context(Fetcher(settings, policy.polite))
        inspectors = stack.enter_context(Inspectors(settings, policy.inspectors))
        return Shared(fetcher, inspectors, Tally()), stack.pop_all()
