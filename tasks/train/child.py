"""What processes that torchrun has started have in common: they end with the flow, and tell an error in a line."""

import os
import threading
from collections.abc import Callable

from storage.errors import InputError
from tasks.train.children import Told, tell


def as_child(work: Callable[[], None]) -> None:
    """Does the work. An error of the user's is told, by the first process alone.

    The process ends when the flow does, which it sees by the end of its standard input.
    """
    threading.Thread(target=_end_with_the_flow, daemon=True).start()
    try:
        work()
    except InputError as error:
        if os.environ["RANK"] == "0":
            tell(Told(error=str(error)))
        raise SystemExit(2) from error


def _end_with_the_flow() -> None:
    while os.read(0, 1):  # and not sys.stdin: its lock would be held for ever in workers that are forked
        pass
    os._exit(1)
