import subprocess
import sys

ENDING = """\
import threading, time
from demo.command import run
from flows.runtime.stopping import stop

def main() -> None:
    threading.Timer(0.1, stop, ("error: the server has ended", 2)).start()
    time.sleep(60)

run(main)
"""


def test_a_demo_whose_server_dies_ends_with_a_line() -> None:
    done = subprocess.run([sys.executable, "-c", ENDING], capture_output=True, text=True, timeout=50, check=False)
    assert (done.returncode, done.stderr.strip()) == (2, "error: the server has ended")
