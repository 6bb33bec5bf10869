"""Classes that a person should look at first: where what is kept rests on little, or names and pairs raise a doubt."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from storage.manifest import Manifest
from tasks.publish.passed_over import tell_reasons
from tasks.publish.rows import cells

TABLES = {
    "verdicts": ["image_id", "landmark_id", "verdict", "stage"],
    "class_groups": ["landmark_id", "group", "photographs", "pinned", "margin"],
    "class_pairs": ["landmark_a", "landmark_b"],
    "namesakes": ["landmark_id", "spelling", "test_set"],
    "boxes": ["image_id", "supports"],
}
"""The tables of a version that tell, with the columns that do."""

_CLOSE = 1  # photographs that the largest group has more than the next: one more photograph might turn it
_FEW = 5  # kept images


@dataclass(frozen=True, slots=True)
class Doubt:
    """A class to look at: how many images it keeps, and why, in words, the gravest first."""

    landmark_id: str
    kept: int
    why: tuple[str, ...]


def classes_to_look_at(tables: Mapping[str, pa.Table]) -> list[Doubt]:
    """Returns the classes that raise a doubt: those with most reasons first, then those that keep most, then by name.

    Args:
        tables: at least those of `TABLES`, with those columns.
    """
    verdicts = zip(*cells(tables["verdicts"], TABLES["verdicts"]), strict=True)
    kept, compared, class_of = Counter[str](), Counter[str](), dict[str, str]()
    for image_id, landmark_id, verdict, stage in verdicts:
        if verdict == "kept":
            kept[landmark_id] += 1
            class_of[image_id] = landmark_id
        compared[landmark_id] += verdict == "kept" or stage in ("overlap", "cluster", "classes")
    doubts: dict[str, list[str]] = {}
    for name, why in _reasons(tables, kept, compared, class_of):
        doubts.setdefault(name, []).append(why)
    found = [Doubt(name, kept[name], tuple(why)) for name, why in doubts.items()]
    return sorted(found, key=lambda doubt: (-len(doubt.why), -doubt.kept, doubt.landmark_id))


def warnings_of(version: Manifest) -> list[str]:
    """Returns what is to be known of a version before it is used, a sentence each."""
    told = [sentence for missed, sentence in tell_reasons(version.passed_over) if missed]
    if not version.test_sets:
        told.insert(0, "no test set was given: nothing says that the images show none of its landmarks")
    if version.crashed_pictures:
        told.append(f"{version.crashed_pictures:,} pictures killed their detector and have no keypoints")
    return told


def _reasons(
    tables: Mapping[str, pa.Table], kept: Mapping[str, int], compared: Mapping[str, int], class_of: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Pairs of a class and a reason; the reasons of a class come in the order of gravity."""
    yield from _by_lead(tables["class_groups"])
    for name, count in compared.items():
        if count >= _FEW and not kept[name]:
            yield name, f"keeps none of {count:,} compared"
        elif 0 < kept[name] < _FEW:
            yield name, f"keeps {kept[name]}"
    pairs = {frozenset(pair) for pair in zip(*cells(tables["class_pairs"], TABLES["class_pairs"]), strict=True)}
    related = Counter(name for pair in pairs for name in pair)
    for name, count in related.items():
        yield name, "shows what another class shows" if count == 1 else f"shows what {count} other classes show"
    for name, spelling, test_set in zip(*cells(tables["namesakes"], TABLES["namesakes"]), strict=True):
        if kept[name]:
            yield name, f"named like {spelling} of {test_set}"
    supports: dict[str, list[Any]] = {}
    for image_id, count in zip(*cells(tables["boxes"], TABLES["boxes"]), strict=True):
        supports.setdefault(class_of[image_id], []).append(count)
    for name, counts in supports.items():
        if len(counts) >= _FEW and median(counts) <= 1:
            yield name, "most images match one other alone"


def _by_lead(class_groups: pa.Table) -> Iterator[tuple[str, str]]:
    groups = class_groups.filter(pc.is_in(class_groups["landmark_id"], _several(class_groups)))
    pinned = set(groups.filter(groups["pinned"])["landmark_id"].to_pylist())
    first = groups.filter(pc.and_(pc.equal(groups["group"], 0), pc.less_equal(groups["margin"], _CLOSE)))
    for name, margin in zip(*cells(first, ["landmark_id", "margin"]), strict=True):
        if name not in pinned:  # a person has looked
            yield name, "two groups are as large" if not margin else "its group leads by 1"


def _several(class_groups: pa.Table) -> pa.Array:
    """The classes that have more than one group."""
    return class_groups.filter(pc.greater(class_groups["group"], 0))["landmark_id"].unique()
