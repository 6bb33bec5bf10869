"""Photographs in parts that are stored as a file each."""

import hashlib
from collections.abc import Iterable, Iterator

from tasks.export.layout import Photograph

_BYTES = 100_000_000
"""Most bytes of stored pictures in a part: large enough to read fast, small enough for memory, and soon made anew."""


def shards(photographs: Iterable[Photograph]) -> Iterator[list[Photograph]]:
    """Yields parts in an order that mixes the classes, always the same: loaders read shards from end to end."""
    part, size = list[Photograph](), 0
    for photograph in sorted(photographs, key=_draw):
        if part and size + photograph.bytes > _BYTES:
            yield part
            part, size = [], 0
        part.append(photograph)
        size += photograph.bytes
    if part:
        yield part


def _draw(photograph: Photograph) -> bytes:
    return hashlib.sha256(photograph.name.encode()).digest()
