"""The photographs of a test set, described: the rows of a signature, and what it says of itself."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from storage.errors import InputError
from storage.reasons import PassedOver
from storage.tables.features import SIGNATURE
from tasks.acquire.folder import Skipped
from tasks.acquire.inspectors import Inspectors
from tasks.features.extract import Extractor
from tasks.features.packed import pack
from tasks.features.settings import FeatureSettings
from tasks.overlap.readable import photograph_inspectors, read_photograph
from tasks.overlap.signature import METHOD, About
from tasks.overlap.testsets import read_test_set


def describe_test_set(name: str, folder: Path, settings: FeatureSettings) -> tuple[About, pa.Table]:
    """Describes every photograph of a test set that can be read.

    Raises:
        InputError: none can; or the folder can't be used, see `read_test_set`.
    """
    test_set, rows = read_test_set(name, folder), list[dict[str, Any]]()
    skipped = list(test_set.skipped)
    with Extractor(settings) as extractor, photograph_inspectors() as inspectors:
        for path, site, role in test_set.photographs:
            signature = _sign(folder, path, extractor, inspectors)
            if isinstance(signature, Skipped):
                skipped.append(signature)
            else:
                rows.append({"test_set": name, "test_image": path, "site": site, "role": role, **signature})
    if not rows:
        files = len(test_set.photographs)
        raise InputError(f"test set {name!r}: none of the {files} files below {folder} is a readable photograph")
    about = About(
        test_set=name,
        method=METHOD,
        features=settings,
        ground_truth=test_set.ground_truth,
        skipped=tuple(sorted(skipped)),
    )
    return about, pa.Table.from_pylist(rows, SIGNATURE.schema)


def _sign(folder: Path, path: str, extractor: Extractor, inspectors: Inspectors) -> dict[str, Any] | Skipped:
    """Size and keypoints of a photograph; or why it has none."""
    found = read_photograph(folder, path, inspectors)
    if isinstance(found, Skipped):
        return found
    features = extractor.extract(found.content)
    if features is None:
        return Skipped(path, PassedOver.CRASHED_DETECTOR)
    if not len(features.keypoints):
        return Skipped(path, PassedOver.NO_KEYPOINTS)
    return {"width": found.picture.width, "height": found.picture.height, **pack(features)}
