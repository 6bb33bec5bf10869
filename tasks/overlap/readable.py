"""Reading the photographs of a test set: within limits, and looked at in a child before anything else decodes them."""

from pathlib import Path
from typing import NamedTuple

from storage.reasons import Reason
from tasks.acquire.folder import Skipped
from tasks.acquire.inspect import Picture, Rejected
from tasks.acquire.inspectors import Inspectors
from tasks.acquire.settings import AcquireSettings

_ACCEPTED = AcquireSettings(min_side=1)


class Readable(NamedTuple):
    """A photograph: its file's bytes, and its facts."""

    content: bytes
    picture: Picture


def photograph_inspectors() -> Inspectors:
    """Returns the child in which `read_photograph` looks at photographs; one serves for many."""
    return Inspectors(_ACCEPTED, 1)


def read_photograph(folder: Path, path: str, inspectors: Inspectors) -> Readable | Skipped:
    """Reads a photograph by its path below the folder of its set, or tells why it can't be read."""
    length = (folder / path).stat().st_size
    if length > _ACCEPTED.max_bytes:
        return Skipped(path, Reason.TOO_LARGE, f"{length} bytes, more than {_ACCEPTED.max_bytes}")
    found = inspectors.inspect(content := (folder / path).read_bytes())
    return Skipped(path, found.reason, found.detail) if isinstance(found, Rejected) else Readable(content, found)
