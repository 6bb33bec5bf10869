"""The claim: a rerun with nothing to do reads none of what the root holds.

Measured on a made-up root of sparse files, 20 GB of outputs in 2,000 records of the memo: to look whether each record
counts takes milliseconds, where reading every byte, as was done before, takes as long as the disk and SHA-256 do.
"""

import hashlib
import json
import tempfile
from time import monotonic
from typing import Any

from bench.harness.result import Result
from flows.runtime.memo import SERIALIZER, is_sound, to_record
from storage.root import Root
from storage.stamps import are_intact
from storage.tables.spec import FileRef
from tasks.contracts import Output

_BYTES = 10_000_000  # of each file: zeros that take no room on the disk
_RECORDS, _QUICK = 2000, 200


class Written(Output):
    """What a made-up stage wrote."""

    file: FileRef


def measure(quick: bool) -> Result:
    """Makes the root, and looks at all records both ways."""
    with tempfile.TemporaryDirectory() as folder:
        root = Root(folder)
        outputs = _make(root, _QUICK if quick else _RECORDS)
        begun = monotonic()
        sound = sum(is_sound(root, key, Written) for key in outputs)
        checked = monotonic()
        whole = sum(are_intact(root, list(output.refs())) for output in outputs.values())
        read = monotonic()
    figures = {
        "records": len(outputs),
        "gigabytes": len(outputs) * _BYTES / 1e9,
        "sound": sound,
        "whole": whole,
        "check_seconds": checked - begun,
        "check_ms_per_record": 1e3 * (checked - begun) / len(outputs),
        "read_seconds": read - checked,
    }
    return Result(figures, {"sound": ("==", len(outputs)), "check_ms_per_record": ("<=", 5.0)})


def _make(root: Root, records: int) -> dict[str, Written]:
    """Records of the memo by key, as Prefect writes them, and the files that they name."""
    digest = hashlib.sha256(bytes(_BYTES)).hexdigest()
    outputs = {}
    for number in range(records):
        key = f"made-{number:032x}"
        output = Written(file=FileRef(path=f"stages/made/{number:032x}/file.bin", digest=digest))
        path = root.local_path(output.file.path)
        path.parent.mkdir(parents=True)
        with path.open("wb") as file:
            file.truncate(_BYTES)
        root.write(f"stages/records/{key}", _record(to_record(root, output)), flush=False)
        outputs[key] = output
    return outputs


def _record(result: dict[str, Any]) -> bytes:
    metadata = {"serializer": SERIALIZER.model_dump(mode="json")}
    return json.dumps({"metadata": metadata, "result": json.dumps(result)}).encode()
