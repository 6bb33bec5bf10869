"""The memo: Prefect's own cache, kept as plain JSON under the dataset root, and whether a record of it counts.

Prefect's INPUTS policy would hash paths, not contents, and TASK_SOURCE sees only the task's own lines; so the key is
made by the stage (`Stage.key`). Prefect's default, pickle, would run code from a dataset directory that someone else
prepared.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from prefect.filesystems import RemoteFileSystem
from prefect.serializers import JSONSerializer
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from storage.root import Root
from storage.stamps import are_intact, stamp
from tasks.contracts import O, Output

SERIALIZER: JSONSerializer[Any] = JSONSerializer(object_encoder=None, object_decoder=None)
_RECORDS = "stages/records"


class Record(BaseModel):
    """What the memo keeps of a stage: its output, and the stamp of the files that this names."""

    model_config = ConfigDict(frozen=True)

    output: dict[str, Any]
    stamp: str


def to_record(root: Root, output: Output) -> dict[str, Any]:
    """Returns what a task returns for Prefect to keep."""
    return Record(output=output.model_dump(mode="json"), stamp=stamp(root, output.refs())).model_dump()


def from_record(kind: type[O], result: Any) -> O:
    """Returns the output that a task returned."""
    return kind.model_validate(Record.model_validate(result).output)


def is_sound(root: Root, key: str, kind: type[Output]) -> bool:
    """Returns whether the record of a key is plain JSON and the files that it names are those that were written then.

    While their stamp is the same, no file is read. Else each is, and if all have the promised digests, as in a root
    that was copied, the record gets their new stamp. A stage without a sound record is computed again.

    The check reads the record before Prefect does: a record names its own serializer, and one that names pickle must
    not be opened.
    """
    path = f"{_RECORDS}/{key}"
    try:
        content = from_json(root.read(path), allow_inf_nan=False)  # as strict as Prefect's own reader
        if content["metadata"]["serializer"] != SERIALIZER.model_dump(mode="json"):
            return False
        record = Record.model_validate_json(content["result"])
        refs = list(kind.model_validate(record.output).refs())
        now = stamp(root, refs)
        if now == record.stamp:
            return True
        if not are_intact(root, refs):
            return False
    except (FileNotFoundError, ValueError, KeyError, TypeError, ValidationError):
        return False
    result = record.model_copy(update={"stamp": now}).model_dump_json()
    root.write(path, json.dumps({**content, "result": result}).encode(), flush=False)
    return True


def record_storage(root: Root) -> Any:
    """Returns where Prefect keeps the records, in the form that it takes."""
    if root.is_local:
        return Path(root.path(_RECORDS))
    name = f"cairn-{hashlib.sha256(root.url.encode()).hexdigest()[:16]}"
    block = RemoteFileSystem(basepath=f"{root.url}/{_RECORDS}")
    block.save(name, overwrite=True)
    return block
