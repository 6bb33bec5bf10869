"""The newest output of a stage for each shard, so that what it says of single pictures is not computed twice.

The memo knows whole outputs: of a shard in which one picture changed, it knows nothing. What such an output says of a
picture by itself stays true; a stage may take it from here, under an identity that has all else it depends on.
"""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from storage.root import Root

M = TypeVar("M", bound=BaseModel)


def read_newest(root: Root, stage: str, identity: str, shard: str, kind: type[M]) -> M | None:
    """Returns what was kept last, or None before the first, or where the record is damaged.

    The files that it names may be gone by now.
    """
    try:
        return kind.model_validate_json(root.read(_record(stage, identity, shard)))
    except (FileNotFoundError, ValidationError):
        return None


def keep_newest(root: Root, stage: str, identity: str, shard: str, output: BaseModel) -> None:
    """Keeps an output as the newest one, in place of the one before; what it tells of is flushed first."""
    root.flush()
    root.write(_record(stage, identity, shard), output.model_dump_json().encode())


def _record(stage: str, identity: str, shard: str) -> str:
    return f"stages/{stage}/newest/{identity}/{shard}.json"
