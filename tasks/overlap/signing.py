"""The photographs of a test set, described: the rows of a signature, and what it says of itself."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from storage.errors import InputError
from storage.tables import SIGNATURE
from tasks.acquire.inspect import Rejected, inspect
from tasks.acquire.settings import AcquireSettings
from tasks.features.describe import Describer
from tasks.features.packed import pack
from tasks.features.settings import FeatureSettings
from tasks.overlap.signature import METHOD, About
from tasks.overlap.testsets import read_test_set


def describe_test_set(name: str, folder: Path, settings: FeatureSettings) -> tuple[About, pa.Table]:
    """Describes every photograph of a test set that can be read.

    Raises:
        InputError: none can; or the folder can't be used, see `read_test_set`.
    """
    test_set, rows = read_test_set(name, folder), list[dict[str, Any]]()
    with Describer(settings) as describer:
        for path, site, role in test_set.photographs:
            signature = _sign((folder / path).read_bytes(), describer)
            if signature:
                rows.append({"test_set": name, "test_image": path, "site": site, "role": role, **signature})
    files = len(test_set.photographs)
    if not rows:
        raise InputError(f"test set {name!r}: none of the {files} files below {folder} is a readable photograph")
    about = About(
        test_set=name,
        method=METHOD,
        features=settings,
        ground_truth=test_set.ground_truth,
        absent=test_set.absent,
        ignored=len(test_set.ignored),
        unreadable=files - len(rows),
    )
    return about, pa.Table.from_pylist(rows, SIGNATURE.schema)


def _sign(content: bytes, describer: Describer) -> dict[str, Any] | None:
    """Size and keypoints of a photograph; None where it can't be read, or its detector dies of it."""
    picture = inspect(content, AcquireSettings(min_side=1))
    features = None if isinstance(picture, Rejected) else describer.describe(content)
    if features is None or isinstance(picture, Rejected):
        return None
    return {"width": picture.width, "height": picture.height, **pack(features)}
