"""The photograph that a search begins with: read, looked at with suspicion, refused with a reason."""

from pathlib import Path
from typing import NamedTuple

from storage.errors import InputError
from tasks.acquire.inspect import Limits, Rejected, inspect
from tasks.acquire.settings import AcquireSettings
from tasks.isolated import ChildDiedError, Isolated

Box = tuple[float, float, float, float]


class Photograph(NamedTuple):
    """A photograph to search with: its file's bytes, and its size in pixels after EXIF orientation."""

    content: bytes
    width: int
    height: int


def read_query(path: Path, box: Box | None, limits: AcquireSettings = AcquireSettings()) -> Photograph:
    """Reads a photograph, whose decoder runs in a process of its own.

    Args:
        box: what of it to search for, x1, y1, x2, y2 in pixels after EXIF orientation, half-open.
        limits: as of images that are downloaded.

    Raises:
        InputError: it is no whole image of an accepted format, too large or too small, or the box lies outside of it.
    """
    try:
        with path.open("rb") as file:
            content = file.read(limits.max_bytes + 1)
    except OSError as error:
        raise InputError(f"query {path}: {error.strerror}; give the path of a photograph") from error
    if len(content) > limits.max_bytes:
        raise InputError(f"query {path}: more than {limits.max_bytes:,} bytes; give a smaller file")
    with Isolated(limits.inspect_timeout, 2 * limits.max_bytes + 4 * limits.max_pixels) as child:
        try:
            found = child.call(inspect, content, Limits(limits.max_pixels, limits.min_side))
        except ChildDiedError as error:
            raise InputError(f"query {path}: its decoder did not survive it ({error}); save it anew as JPEG") from error
    if isinstance(found, Rejected):
        wanted = f"a whole photograph of {limits.min_side} pixels a side or more, such as a JPEG"
        raise InputError(f"query {path}: {found.reason.value}: {found.detail}; expected {wanted}")
    if box is not None and not (0 <= box[0] < box[2] <= found.width and 0 <= box[1] < box[3] <= found.height):
        told = " ".join(f"{edge:g}" for edge in box)
        raise InputError(
            f"query {path}: box {told} does not lie in its {found.width}×{found.height} pixels; expected x1 y1 x2 y2"
        )
    return Photograph(content, found.width, found.height)
