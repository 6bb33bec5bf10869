"""Processes that train, started by torchrun and listened to: apart from the flow, so that it outlives them."""

import os
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from storage.errors import InputError
from tasks.contracts import Run

_LAST = 20  # lines that are told where the processes end without a word


class Told(BaseModel):
    """A line of the first process: how many iterations are done and how it goes, or the error that ends it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    iterations: int = 0
    note: str = ""
    error: str = ""


def tell(told: Told) -> None:
    """Prints what happened for the parent to read, in the first process alone."""
    print(told.model_dump_json(), flush=True)


def carry_out(run: Run, module: str, job: BaseModel, processes: int, iterations: int) -> None:
    """Has torchrun start processes of a module, and tells how far they are until they end.

    Args:
        module: is run with the path of a file that has the job as JSON.
        iterations: in all.

    Raises:
        InputError: what they told of, or that they ended before their time.
    """
    errors, last = list[str](), deque[str](maxlen=_LAST)
    with _processes(module, job, processes) as started:
        for line in started.stdout or ():
            try:
                told = Told.model_validate_json(line)
            except ValidationError:  # what libraries print
                last.append(line.rstrip())
                continue
            if told.error:
                errors.append(told.error)
            else:
                run.report(told.iterations, iterations, told.note)
    if errors:
        raise InputError(errors[0])
    if started.returncode:
        said = "\n".join(last)
        raise InputError(
            f"the training's processes ended with exit code {started.returncode}; run the same command again to go on "
            f"from the last checkpoint. The last that they said:\n{said}"
        )


@contextmanager
def _processes(module: str, job: BaseModel, count: int) -> Iterator["subprocess.Popen[str]"]:
    """torchrun with its processes; they end with the context, and where this process is killed, too."""
    threads = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // count))}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "job.json"
        path.write_text(job.model_dump_json())
        started = subprocess.Popen(  # noqa: S603 – our own words
            [*command, "-m", module, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=threads | os.environ,
        )
        try:
            yield started
            started.wait()
        finally:
            started.terminate()
            started.wait()
