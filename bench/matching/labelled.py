"""The claim: boxes are on the object, by 150 boxes drawn by hand on photographs that were found by search.

The photographs were drawn by chance from the kept groups of both collections that developers have beside the repository
(`SHARED_DATA`), before anybody looked. A box has all that is seen of what the class is named for, with what stands on
its platform, such as minarets, and nothing that stands around it; of a landscape, all of it. `labelled.csv` has the
boxes, in pixels, by the sha256 of the file. No photograph was held out when the last settings were chosen.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from bench.harness.collection import QUICK_CLASSES, Photograph, describe, one_native_thread, read_photographs
from bench.harness.result import Comparison, Figure, Result
from bench.matching.boxes import SETTINGS, box_classes, keep
from tasks.evaluate.boxes import intersection_over_union
from tasks.evaluate.reference import BOX

_LABELS = Path(__file__).with_name("labelled.csv")
_DRAWN = [f"drawn_{side}" for side in BOX]
_SHARES = {"above_half": 0.5, "above_70": 0.7}
_MIDDLE = np.array([0.1, 0.1, 0.9, 0.9])
_TARGETS: dict[str, tuple[Comparison, float]] = {"iou": (">=", 0.75), "above_half": (">=", 0.9)}


def measure(quick: bool) -> Result:
    """Curates each collection, and compares the boxes as published, as they are now, and around the middle."""
    labels = pd.read_csv(_LABELS).rename(columns=dict(zip(BOX, _DRAWN, strict=True)))
    figures: dict[str, Figure] = {}
    found = []
    with one_native_thread():
        for collection, own in labels.groupby("collection"):
            if not quick:
                found.append(_box_labelled(read_photographs(collection=str(collection)), own))
            elif collection == "landmarks":
                found.append(_box_labelled(read_photographs(QUICK_CLASSES), own))
    for part, boxed in ((str(one.collection.iloc[0]), one) for one in found):
        figures |= _score(f"{part}_", boxed)
    together = pd.concat(found)
    figures |= {"labelled": len(labels), "boxed": len(together), **_score("", together)}
    return Result(figures, {} if quick else _TARGETS)


def _box_labelled(photographs: list[Photograph], labels: pd.DataFrame) -> pd.DataFrame:
    described = describe(photographs)
    kept, pairs = keep(described)
    sizes = pd.DataFrame(described.members)[["image_id", "sha256", "width", "height"]]
    found = sizes.merge(labels, on="sha256")
    for name, settings in SETTINGS.items():
        boxes = box_classes(kept, pairs, settings)[["image_id", *BOX]]
        found = found.merge(boxes.rename(columns={side: f"{name} {side}" for side in BOX}), on="image_id")
    return found


def _score(prefix: str, boxed: pd.DataFrame) -> dict[str, Figure]:
    sizes = boxed[["width", "height", "width", "height"]].to_numpy(np.float64)
    boxes = {name: boxed[[f"{name} {side}" for side in BOX]].to_numpy(np.float64) for name in SETTINGS}
    figures: dict[str, Figure] = {}
    for boxed_by, own in {"middle": sizes * _MIDDLE, **boxes}.items():
        ious = intersection_over_union(own, boxed[_DRAWN].to_numpy(np.float64))
        called = prefix + ("" if boxed_by == "agreed" else f"{boxed_by.replace(' ', '_')}_")
        figures |= {f"{called}iou": float(ious.mean())}
        figures |= {f"{called}{name}": float(np.mean(ious >= least)) for name, least in _SHARES.items()}
    return figures
