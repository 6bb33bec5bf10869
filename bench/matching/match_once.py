"""The stage `match` over given tables, in a process of its own; prints what it cost as a line of JSON.

`python -m bench.matching.match_once ROOT INPUTS`, where INPUTS is JSON of the stage's inputs.
"""

import json
import sys
from pathlib import Path
from time import process_time

from bench.harness.collection import one_native_thread
from storage.root import Root
from tasks.contracts import Run
from tasks.match.settings import MatchSettings
from tasks.match.task import MatchInputs, match_pairs


def main(root: str, inputs: str) -> dict[str, float]:
    """Runs the stage; seconds are CPU, `peak` bytes."""
    tables = MatchInputs.model_validate_json(inputs)
    begun = process_time()
    with one_native_thread():
        matched = match_pairs(Run(Root(root), "match-bench"), tables, MatchSettings())
    seconds = process_time() - begun
    peak = peak_memory()
    return {"seconds": seconds, "peak": peak, "compared": matched.compared, "verified": matched.verified}


def peak_memory() -> int:
    """The most bytes of memory that this process had. `getrusage` counts those of its parent too."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
