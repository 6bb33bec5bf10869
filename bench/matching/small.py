"""The claim: of photographs stored small, nearly the same stay as of the large ones, and copies are found.

All are shrunk to several sizes, described as they are and as the flow does it, and each class is matched and grouped.
Photographs of test sets are shrunk, too, and compared with themselves.
Needs the photographs that developers have beside the repository (`SHARED_DATA`).
"""

import io
import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from bench.harness.collection import (
    QUICK_CLASSES,
    Collection,
    Photograph,
    describe,
    one_native_thread,
    read_photographs,
)
from bench.harness.result import Comparison, Figure, Result
from bench.harness.surroundings import SHARED_DATA
from storage.tables.groups import PAIRS
from tasks.cluster.graph import group_images
from tasks.cluster.keep import keep_images
from tasks.cluster.settings import ClusterSettings
from tasks.features.packed import Features
from tasks.features.settings import FeatureSettings
from tasks.match.copies import is_copy
from tasks.match.pairwise import match_class
from tasks.match.settings import MatchSettings
from tasks.match.verify import verify

_SIDES = (480, 320, 240, 160)
_QUICK_SIDES = (320,)
_QUALITY = 90  # of the shrunk JPEG files
_TARGETS: dict[str, tuple[Comparison, float]] = {
    "in_common_320": (">=", 0.9),
    "classes_other_320": ("<=", 1),
    "false_edges_320": ("<=", 2),
    "copies_160": (">=", 0.9),
}


class Stored(NamedTuple):
    """How the photographs are stored and described.

    Attributes:
        side: the longest, in pixels; None: as they are. enlarged: as the flow does it, or not at all.
    """

    side: int | None
    enlarged: bool
    quick: bool


class Outcome(NamedTuple):
    """What stays of photographs stored at one size.

    Attributes:
        kept: the image_ids of each class that stay. false: verified pairs of different landmarks, when all are matched
            as one class. seconds: CPU of describing a photograph.
    """

    kept: dict[str, set[str]]
    false: int
    seconds: float


def measure(quick: bool) -> Result:
    """Keeps what is kept of large files, then of smaller ones: as the flow does it, and not enlarged."""
    sides = _QUICK_SIDES if quick else _SIDES
    sizes = [Stored(None, True, quick), *(Stored(side, way, quick) for side in sides for way in (True, False))]
    figures: dict[str, Figure] = {}
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        outcomes = pool.map(look, sizes)
        large = next(outcomes)
        figures |= _tell("as they are", large, large, "")
        for stored, own in zip(sizes[1:], outcomes, strict=True):
            suffix = f"_{stored.side}" + ("" if stored.enlarged else "_before")
            if stored.enlarged and stored.side:
                figures[f"copies_{stored.side}"] = _copies(stored.side)
            figures |= _tell(f"{stored.side} px{'' if stored.enlarged else ', not enlarged'}", own, large, suffix)
    return Result(figures, {} if quick else _TARGETS)  # few classes: most overlays are not known


def shrink(photograph: Photograph, side: int) -> Photograph:
    """The photograph as a JPEG file of at most so many pixels on its longest side."""
    picture = Image.open(io.BytesIO(photograph.content)).convert("RGB")
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    sink = io.BytesIO()
    picture.save(sink, "JPEG", quality=_QUALITY)
    return photograph._replace(content=sink.getvalue())


def look(stored: Stored) -> Outcome:
    """Describes, matches and groups the photographs."""
    photographs: Iterable[Photograph] = read_photographs(QUICK_CLASSES if stored.quick else None)
    settings = FeatureSettings()
    if stored.side:
        photographs = [shrink(photograph, stored.side) for photograph in photographs]
        settings = settings if stored.enlarged else FeatureSettings(longest_side=stored.side)
    with one_native_thread():
        collection = describe(photographs, settings=settings)
        everything = collection.part(list(range(len(collection.members))), "all")
        found, _ = match_class(everything.members, everything.features, MatchSettings())
        kept = keep(collection)
    landmark = {image["image_id"]: image["landmark_id"] for image in collection.members}
    false = sum(landmark[pair["image_a"]] != landmark[pair["image_b"]] for pair in found)
    return Outcome(kept, false, collection.detect_seconds / len(collection.members))


def _copies(side: int) -> float:
    """The share of shrunk test photographs that are taken for copies of themselves."""
    files = sorted(file for file in (SHARED_DATA / "testsets").glob("*/**/*.jpg"))
    with one_native_thread():
        return float(
            np.mean([_is_copy_of_itself(Photograph(file.stem, "", file.read_bytes()), side) for file in files])
        )


def _is_copy_of_itself(photograph: Photograph, side: int) -> bool:
    (small, large), (first, second) = _members(describe([shrink(photograph, side), photograph], masked=False))
    found = verify(first, second, large, MatchSettings(), seed=0)
    return found is not None and is_copy(found, (small, large), MatchSettings())


def _members(collection: Collection) -> tuple[list[tuple[int, int]], list[Features]]:
    return [(image["width"], image["height"]) for image in collection.members], collection.features


def keep(collection: Collection) -> dict[str, set[str]]:
    """The image_ids of each class that stay, by its own pairs alone."""
    rows = [
        row
        for landmark, indices in collection.classes.items()
        for part in [collection.part(indices, landmark)]
        for row in match_class(part.members, part.features, MatchSettings())[0]
    ]
    images = pd.DataFrame(collection.members)[["image_id", "landmark_id"]]
    groups, _ = group_images(images, pd.DataFrame(rows, columns=PAIRS.schema.names), ClusterSettings())
    decided = keep_images(groups, ClusterSettings(), {})
    stay = decided[decided.kept].groupby("landmark_id").image_id.agg(set)
    return {landmark: stay.get(landmark, set()) for landmark in collection.classes}


def _tell(name: str, own: Outcome, large: Outcome, suffix: str) -> dict[str, Figure]:
    """The figures of one size beside those of the files as they are stored, printed too."""
    common = {landmark: len(kept & large.kept[landmark]) for landmark, kept in own.kept.items()}
    other = [landmark for landmark, kept in own.kept.items() if 2 * common[landmark] < len(kept)]
    kept, sought = (sum(map(len, outcome.kept.values())) for outcome in (own, large))
    shared = sum(common.values())
    print(
        f"{name:24} kept {kept:4}  in common {shared:4}  other groups: {', '.join(other) or 'none'}  "
        f"false edges {own.false}  {1000 * own.seconds:.0f} ms a photograph",
        flush=True,
    )
    return {
        f"kept{suffix}": kept,
        f"in_common{suffix}": shared / max(sought, 1),
        f"classes_other{suffix}": len(other),
        f"false_edges{suffix}": own.false,
        f"ms{suffix}": 1000 * own.seconds,
    }
