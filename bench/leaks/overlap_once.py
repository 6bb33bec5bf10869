"""The stage `overlap` over given tables, in a process of its own; prints what it cost as a line of JSON.

`python -m bench.leaks.overlap_once ROOT`: `request.json` there is a list of the inputs of each packet.
"""

import json
import sys
from time import process_time
from typing import Any

from bench.harness.collection import one_native_thread
from bench.matching.match_once import peak_memory
from storage.parquet import read_table
from storage.root import Root
from tasks.contracts import Run
from tasks.match.settings import MatchSettings
from tasks.overlap.settings import OverlapSettings
from tasks.overlap.task import OverlapInputs, OverlapStageSettings, find_overlaps, load_signatures


def main(url: str) -> dict[str, Any]:
    """Runs the stage over each packet; seconds are CPU, `peak` and `spooled` (in temporary files) bytes."""
    root, settings = Root(url), OverlapStageSettings(overlap=OverlapSettings(), match=MatchSettings())
    packets = [OverlapInputs.model_validate(packet) for packet in json.loads(root.read("request.json"))]
    compared, found = 0, set[str]()
    with one_native_thread():
        begun = process_time()
        tests = load_signatures(url, tuple(packets[0].signatures))
        _ = tests.index
        built = process_time()
        for number, packet in enumerate(packets):
            output = find_overlaps(Run(root, f"overlap-{number}"), packet, settings)
            compared += output.compared
            overlaps = read_table(root, output.overlaps, ["image_id"])
            found |= set(overlaps["image_id"].to_pylist())
        done = process_time()
    spooled = sum(len(own.keypoints) * (6 * 4 + 128) for own in tests.features)
    costs = {"index": built - begun, "seconds": done - built, "peak": peak_memory(), "compared": compared}
    return {**costs, "spooled": spooled, "found": sorted(found)}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
