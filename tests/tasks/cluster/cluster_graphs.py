"""Classes, pairs and cliques in short. The class of an image is the first letter of its id."""

from itertools import combinations

import numpy as np
import pandas as pd

Edge = tuple[str, str, int]

REGIONS = {"left": (0, 0), "right": (500, 0)}
COLUMNS = ["landmark_id", "image_a", "image_b", "inliers", "false_alarms", "points", "copy", "repeats"]


def images(*names: str) -> pd.DataFrame:
    return pd.DataFrame({"image_id": list(names), "landmark_id": [name[0] for name in names]}, dtype=object)


def points(inliers: int, region_a: str, region_b: str) -> np.ndarray:
    """Inliers in squares of 100 pixels in either image, flat."""
    spread = np.random.default_rng(inliers).uniform(0, 100, (inliers, 4))
    return np.float32(spread + np.array([*REGIONS[region_a], *REGIONS[region_b]])).ravel()


def pairs(
    *edges: Edge,
    copies: tuple[tuple[str, str], ...] = (),
    right: tuple[str, ...] = (),
    repeating: tuple[tuple[str, str], ...] = (),
) -> pd.DataFrame:
    """Verified pairs: `edges`, and `copies` with 500 inliers; images match those of `right` in their right half.

    What matches in those that are `repeating` stands elsewhere in one of the two as well.

    A pair's log10 of false alarms is minus its inliers.
    """
    rows = []
    for a, b, inliers in [*edges, *((a, b, 500) for a, b in copies)]:
        first, second = sorted((a, b))
        shown = points(inliers, *("right" if other in right else "left" for other in (second, first)))
        told = (a, b) in copies, (a, b) in repeating
        rows.append((a[0], first, second, inliers, -float(inliers), shown, *told))
    return pd.DataFrame(rows, columns=COLUMNS).astype({"inliers": "int32", "copy": bool, "repeats": bool})


def clique(*names: str, inliers: int = 40) -> list[Edge]:
    return [(a, b, inliers) for a, b in combinations(names, 2)]


def named(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]
