"""What a stage has so far, in files of its partial results; after a kill, its next run goes on from there."""

import hashlib
from collections.abc import Iterator

from storage.root import Root


def keep_part(root: Root, folder: str, name: str, content: bytes) -> None:
    """Keeps a part of a result, beside those that are there."""
    root.write(f"{folder}/{name}.{hashlib.sha256(content).hexdigest()}", content)


def read_parts(root: Root, folder: str) -> Iterator[tuple[str, bytes]]:
    """Yields the names and contents of the parts that are whole, by name."""
    for file in root.names(folder):
        name, _, digest = file.rpartition(".")
        content = root.read(f"{folder}/{file}")
        if hashlib.sha256(content).hexdigest() == digest:
            yield name, content


def drop_parts(root: Root, folder: str, but: str) -> None:
    """Removes all parts but those of one name."""
    for file in root.names(folder):
        if file.rpartition(".")[0] != but:
            root.remove(f"{folder}/{file}")
