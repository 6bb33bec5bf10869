"""What a curation writes below its root, and whether the disk there has room for it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from flows.planning.prior_outcomes import read_prior_outcomes, without_outcome
from storage.errors import UnwritableRootError
from storage.root import Root
from tasks.acquire.estimate import different_images
from tasks.features.settings import FeatureSettings

ASSUMED_BYTES = 300_000.0
"""Of an image, where none can be measured."""

_KEYPOINT_BYTES = 110  # of 152, as compressed: what the photographs of 13 landmarks take
_PICTURE_BYTES = 65_000  # of an image, thumbnails and drawn matches, in the memo and in the version: likewise


@dataclass(frozen=True)
class Written:
    """Bytes below the root: of images, of their keypoints, and of the report's pictures. Tables are little beside."""

    images: float
    keypoints: float
    pictures: float

    @property
    def total(self) -> float:
        """The bytes of all."""
        return self.images + self.keypoints + self.pictures


def bytes_written(new: int, described: int, image_bytes: float, keypoints: float) -> Written:
    """Estimates what new images take, in bytes of the mean one, and described ones with so many keypoints."""
    return Written(new * image_bytes, described * keypoints * _KEYPOINT_BYTES, float(described * _PICTURE_BYTES))


def lack_of_room(root: Root, written: Written) -> str | None:
    """Returns a clause that says what is missing; None where there is room, or the root is on a store."""
    if not root.is_local:
        return None
    base = Path(root.base)
    free = shutil.disk_usage(next(folder for folder in (base, *base.parents) if folder.exists())).free
    return (
        f"{_size(written.total)} are written, and {root.url} has {_size(free)} free" if written.total > free else None
    )


def new_addresses(listed: pa.Table, root: Root, name: str) -> pa.ChunkedArray:
    """Returns the addresses of a table `sources` that have no outcome in the root yet, each once."""
    addresses = pa.chunked_array([different_images(listed)["url"].unique()])
    return without_outcome(addresses, read_prior_outcomes(root, name))[0]


def check_room(new: pa.ChunkedArray, folder: Path | None, root: Root, features: FeatureSettings) -> None:
    """Refuses a list whose new images clearly have no room, by the estimate of `plan` but without timing anything.

    Args:
        new: of `new_addresses`. folder: of the images, where the list is one.

    Raises:
        UnwritableRootError: says what is missing, and that it is an estimate.
    """
    each = _mean_size(folder, new.to_pylist()) if folder else ASSUMED_BYTES
    lack = lack_of_room(root, bytes_written(len(new), len(new), each, features.max_keypoints))
    if lack:
        told = (
            f"about {lack}: {len(new):,} new images of {each / 1000:,.0f} KB each, keypoints and pictures of the report"
        )
        raise UnwritableRootError(f"{told}; make room, or give --anyway where they will be smaller or fewer")


def _mean_size(folder: Path, paths: list[str]) -> float:
    sizes = [file.stat().st_size for path in paths if (file := folder / path).is_file()]
    return sum(sizes) / len(sizes) if sizes else 0.0


def _size(count: float) -> str:
    return f"{count / 1e9:,.0f} GB" if count >= 10e9 else f"{count / 1e6:,.0f} MB"
