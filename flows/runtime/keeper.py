"""`python -m flows.runtime.keeper PORT`: a Prefect server that ends with the process that asked for it.

It ends even by kill -9 of that process.

Imports nothing of Prefect: the server, which takes seconds to load it, should not wait for that twice.
"""

import os
import subprocess
import sys
import threading

from tasks.isolated import end_with_parent


def keep_server(port: str) -> None:
    """Runs a server until the standard input ends: when the process at its other end says so, or is no more."""
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
    server = subprocess.Popen(  # noqa: S603 – our own words
        command, stdin=subprocess.DEVNULL, preexec_fn=end_with_parent
    )

    def end_with_it() -> None:
        server.wait()
        os._exit(1)  # the main thread is deaf while it reads

    threading.Thread(target=end_with_it, daemon=True).start()
    sys.stdin.read()
    server.terminate()
    try:
        server.wait(timeout=20)
    except subprocess.TimeoutExpired:
        server.kill()


if __name__ == "__main__":
    keep_server(sys.argv[1])
