"""Image bytes as they came, stored once under their sha256."""

import hashlib
from pathlib import PurePosixPath

from storage.errors import DamagedTableError
from storage.root import Root


def put_image(root: Root, content: bytes, sha256: str, extension: str) -> str:
    """Stores the bytes unless they are there; returns their path below the root, `images/ab/SHA256.EXTENSION`.

    They are flushed with the next `root.flush()`, which comes before anything that says that they are there. A file of
    another length was left by a loss of power, and is written anew.

    Args:
        sha256: of the bytes, hexadecimal; who reads them back checks it.
    """
    path = f"images/{sha256[:2]}/{sha256}.{extension}"
    if root.size(path) != len(content):
        root.write(path, content, flush=False)
    return path


def get_image(root: Root, path: str) -> bytes:
    """The bytes stored under this path.

    Raises:
        DamagedTableError: they are gone, or no longer those that the name promises.
    """
    try:
        content = root.read(path)
    except FileNotFoundError as error:
        raise DamagedTableError(f"{root.url}/{path} is gone; fetch it anew with --refetch failed") from error
    if hashlib.sha256(content).hexdigest() != PurePosixPath(path).stem:
        raise DamagedTableError(f"{root.url}/{path} holds other bytes than its name promises; remove the file")
    return content
