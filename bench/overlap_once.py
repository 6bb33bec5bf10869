"""The stage `overlap` over given tables, in a process of its own; prints what it cost as a line of JSON.

`python -m bench.overlap_once ROOT`: `request.json` there names the signature and the packets.
"""

import json
import sys
from time import process_time
from typing import Any

from bench.collection import one_native_thread
from bench.match_once import peak_memory
from storage.parquet import read_table
from storage.root import Root
from storage.tables import TableRef
from tasks.match.settings import MatchSettings
from tasks.overlap.settings import OverlapSettings
from tasks.overlap.task import OverlapStageSettings, find_overlaps, load_signatures


def main(url: str) -> dict[str, Any]:
    """Runs the stage over each packet; seconds are CPU, `peak` and `spooled` (in temporary files) bytes."""
    root, settings = Root(url), OverlapStageSettings(overlap=OverlapSettings(), match=MatchSettings())
    request = json.loads(root.read("request.json"))
    signature = TableRef.model_validate(request["signature"])
    compared, found = 0, set[str]()
    with one_native_thread():
        begun = process_time()
        tests = load_signatures(url, (signature,))
        _ = tests.index
        built = process_time()
        for number, packet in enumerate(request["packets"]):
            tables = {name: TableRef.model_validate(ref) for name, ref in packet.items()}
            output = find_overlaps.fn(url, f"overlap-{number}", {**tables, "signatures": [signature]}, settings)
            compared += output["counts"]["compared"]
            overlaps = read_table(root, TableRef.model_validate(output["tables"]["overlaps"]), ["image_id"])
            found |= set(overlaps["image_id"].to_pylist())
        done = process_time()
    spooled = sum(len(own.keypoints) * (6 * 4 + 128) for own in tests.features)
    costs = {"index": built - begun, "seconds": done - built, "peak": peak_memory(), "compared": compared}
    return {**costs, "spooled": spooled, "found": sorted(found)}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
