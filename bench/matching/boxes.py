"""The claim: the kept group is the true one, and its boxes are where the landmark is.

On classes whose truth is known (`bench.matching.reshot`), through the stages' own functions. Boxes are compared before
and after refinement, from both first boxes. Views with their own surroundings are the hard case, and miss the targets
of boxes: they share all of one flat photograph, so that nothing in them says where the landmark ends, and the box drawn
by hand is one of many that agree with them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.harness.collection import Collection, describe, one_native_thread
from bench.harness.result import Comparison, Figure, Result
from bench.matching.reshot import KINDS, Kind, Shot, shoot_classes
from demo.views import Box
from storage.tables.groups import PAIRS
from tasks.boxes.group import box_group
from tasks.boxes.settings import BoxSettings
from tasks.cluster.graph import group_images
from tasks.cluster.keep import keep_images
from tasks.cluster.settings import ClusterSettings
from tasks.evaluate.boxes import intersection_over_union
from tasks.evaluate.reference import BOX
from tasks.match.pairwise import match_class
from tasks.match.settings import MatchSettings

_VIEWS = 16
_QUICK_VIEWS = 4
SETTINGS = {"as published": BoxSettings(first_box="geometric_median", max_sweeps=100), "agreed": BoxSettings()}
_SHOWN: dict[Kind, str] = {"own-background": "own", "other-backgrounds": "other"}
_PROMISED = {"f1": 0.97, "iou": 0.80, "above_half": 0.95}
_TARGETS: dict[str, tuple[Comparison, float]] = {
    f"{kind}_{name}": (">=", least) for kind in _SHOWN.values() for name, least in _PROMISED.items()
}


@dataclass(frozen=True)
class Boxed:
    """Boxes of kept views: rows of the table `boxes` with the truth as true_x1 … true_y2 and the landmark_id."""

    rows: pd.DataFrame

    def ious(self, prefix: str) -> pd.Series:
        """Per image, by landmark, how the boxes of these columns agree with the truth."""
        columns, true = ([f"{start}{side}" for side in BOX] for start in (prefix, "true_"))
        agreed = intersection_over_union(self.rows[columns].to_numpy(float), self.rows[true].to_numpy(float))
        return pd.Series(agreed, index=self.rows.landmark_id)


def measure(quick: bool) -> Result:
    """Curates the classes of both kinds."""
    figures: dict[str, Figure] = {}
    for kind in KINDS:
        shots = shoot_classes(kind, _QUICK_VIEWS if quick else _VIEWS)
        with one_native_thread():
            collection = describe(shot.photograph for shot in shots)
            kept, pairs = keep(collection)
        figures |= {f"{_SHOWN[kind]}_{name}": figure for name, figure in judge(shots, kept, pairs).items()}
    return Result(figures, {} if quick else _TARGETS)


def keep(collection: Collection) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The kept images with their sizes, and the table `pairs`."""
    found = []
    for landmark, indices in collection.classes.items():
        part = collection.part(indices, landmark)
        found += match_class(part.members, part.features, MatchSettings())[0]
    pairs = pd.DataFrame(found, columns=PAIRS.schema.names)
    images = pd.DataFrame(collection.members)
    members, _ = group_images(images, pairs, ClusterSettings())
    decided = keep_images(members, ClusterSettings(), {})
    return decided[decided.kept].merge(images[["image_id", "width", "height"]], on="image_id"), pairs


def judge(shots: list[Shot], kept: pd.DataFrame, pairs: pd.DataFrame) -> dict[str, Figure]:
    """Agreement of what is kept and of its boxes with the truth; prints the boxes class by class."""
    truth = {shot.photograph.image_id: shot.box for shot in shots}
    right = kept[kept.image_id.map(truth).notna()]
    wanted = sum(box is not None for box in truth.values())
    figures: dict[str, Figure] = {"f1": 2 * len(right) / (len(kept) + wanted)}
    for name, settings in SETTINGS.items():
        boxed = _box(kept, pairs, truth, settings)
        for step, prefix in (("first", "first_"), ("refined", "")):
            ious = boxed.ious(prefix)
            each = ", ".join(f"{landmark} {iou:.3f}" for landmark, iou in ious.groupby(level=0).mean().items())
            print(f"{name:12} {step:8} mean {ious.mean():.3f}, {(ious > 0.5).mean():.1%} above 0.5; {each}")
            figures |= {f"{name.replace(' ', '_')}_{step}_iou": float(ious.mean())}
    # The last is the default, refined
    return {**figures, "iou": float(ious.mean()), "above_half": float(np.mean(ious > 0.5))}


def box_classes(kept: pd.DataFrame, pairs: pd.DataFrame, settings: BoxSettings) -> pd.DataFrame:
    """The table `boxes` of what is kept, with the class of each, by the table `pairs`; as `keep` gives them."""
    parts = []
    for landmark, members in kept.groupby("landmark_id"):
        inside = pairs[pairs.image_a.isin(members.image_id) & pairs.image_b.isin(members.image_id)]
        parts.append(box_group(members, inside, settings).assign(landmark_id=landmark))
    return pd.concat(parts)


def _box(kept: pd.DataFrame, pairs: pd.DataFrame, truth: Mapping[str, Box | None], settings: BoxSettings) -> Boxed:
    rows = box_classes(kept, pairs, settings)
    rows = rows[rows.image_id.map(truth).notna()]
    true = pd.DataFrame([truth[image] for image in rows.image_id], columns=[f"true_{side}" for side in BOX])
    return Boxed(pd.concat([rows.reset_index(drop=True), true], axis=1))
