import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tasks.overlap.landmarks import dropped_images
from tasks.overlap.settings import OverlapSettings
from tasks.publish.rows import strongest_pairs


@pytest.mark.parametrize("seed", range(20))
def test_the_strongest_pair_is_the_one_that_the_verdict_names(seed):
    """Small numbers, so that kinds, inliers and names tie often."""
    random = np.random.default_rng(seed)
    overlaps = pd.DataFrame(
        {
            "image_id": random.choice(["a", "b", "c", "d"], 40),
            "landmark_id": "one class",
            "test_set": random.choice(["oxford5k", "paris6k"], 40),
            "test_image": random.choice(["1.jpg", "2.jpg", "3.jpg"], 40),
            "site": "a site",
            "role": "positive",
            "mirrored": random.choice([False, True], 40),
            "kind": random.choice(["copy", "landmark"], 40),
            "through": None,
            "inliers": random.integers(20, 23, 40),
            "putative": 30,
        }
    ).drop_duplicates(["image_id", "test_set", "test_image"])
    images = overlaps[["image_id", "landmark_id"]].drop_duplicates()
    verdicts = dropped_images(images, overlaps, OverlapSettings()).set_index("image_id").evidence.map(json.loads)
    strongest = strongest_pairs(pa.Table.from_pandas(overlaps, preserve_index=False)).to_pylist()
    assert sorted(pair["image_id"] for pair in strongest) == sorted(images.image_id)
    for pair in strongest:
        named = verdicts[pair["image_id"]]
        assert {name: named[name] for name in ("kind", "test_set", "test_image", "mirrored", "inliers")} == {
            name: pair[name] for name in ("kind", "test_set", "test_image", "mirrored", "inliers")
        }
