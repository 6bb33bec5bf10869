"""What was found last in each class of a packet, so that a class that is what it was is not compared again."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tasks.features.packed import Features

Row = dict[str, Any]


class FoundInClass(NamedTuple):
    """Rows of the tables `pairs` and `near_misses` of one class, and its row of `matched_classes`."""

    pairs: list[Row]
    near_misses: list[Row]
    matched: Row


class ClassMemory:
    """What was found in the classes of a packet before.

    Args:
        pairs, near_misses, matched: rows of the tables `pairs`, `near_misses` and `matched_classes`.
    """

    def __init__(self, pairs: Iterable[Row] = (), near_misses: Iterable[Row] = (), matched: Iterable[Row] = ()) -> None:
        self._found = {row["landmark_id"]: FoundInClass([], [], row) for row in matched}
        for row in pairs:
            self._found[row["landmark_id"]].pairs.append(row)
        for row in near_misses:
            self._found[row["landmark_id"]].near_misses.append(row)

    def find(self, landmark: str, digest: bytes) -> FoundInClass | None:
        """Returns what was found in a class of that digest, or None if it was another."""
        found = self._found.get(landmark)
        return found if found and found.matched["digest"] == digest else None


def digest_class(members: Sequence[Mapping[str, Any]], features: Sequence[Features]) -> bytes:
    """Returns the digest, 16 bytes, of all that pairs of a class depend on beside settings.

    Args:
        members: rows of the table `images`, sorted by image_id. features: of each.
    """
    digest = hashlib.blake2b(digest_size=16)
    for image, own in zip(members, features, strict=True):
        digest.update(image["image_id"].encode() + b"\0" + mark(image, own))
    return digest.digest()


def mark(image: Mapping[str, Any], features: Features) -> bytes:
    """Returns a digest, 16 bytes, of all of a picture that its comparison with another depends on.

    Args:
        image: sha256, width, height. features: those that are trusted.
    """
    digest = hashlib.blake2b(f"{image['sha256']} {image['width']} {image['height']}".encode(), digest_size=16)
    digest.update(features.keypoints.tobytes())
    digest.update(features.descriptors.tobytes())
    return digest.digest()
