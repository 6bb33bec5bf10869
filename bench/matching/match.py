"""The claim: the shortlist finds what comparing all pairs finds, and hardly a pair of different landmarks verifies.

All pairs of the photographs are compared once. What the shortlist compares of each class, of all classes as one, and of
classes with foreign photographs among theirs is then looked up, for a pair's decision depends on its two photographs
alone. Needs the photographs that developers have beside the repository (`SHARED_DATA`).
"""

from dataclasses import dataclass
from pathlib import Path
from time import process_time

from bench.harness.collection import QUICK_CLASSES, Collection, describe, one_native_thread, read_photographs
from bench.harness.curve import draw_curve
from bench.harness.foreign import Planting, plant_all
from bench.harness.result import Comparison, Figure, Result
from bench.matching.allpairs import AllPairs, compare_all
from bench.matching.shortlisted import explore_part, inside, kept_group
from tasks.match.audit import missed_pairs
from tasks.match.pairwise import match_class
from tasks.match.settings import MatchSettings

_CURVE = Path(__file__).parents[2] / "docs/pictures/false_edges.svg"
_LARGE = 100  # photographs from which a kept group may differ in one of a hundred
_TARGETS: dict[str, tuple[Comparison, float]] = {
    "class_recall": (">=", 0.98),
    "classes_kept_otherwise": ("==", 0),
    "pooled_recall": (">=", 0.98),
    "pooled_jaccard": (">=", 0.99),
    "pooled_compared": ("<=", 0.10),
    "pooled_speedup": (">=", 5),
    "false_edges_in_50000": ("<=", 1),
    "foreign_kept": ("<=", 3),
    "plantings_disturbed": ("==", 0),
}
_QUICK_TARGETS = ("class_recall", "classes_kept_otherwise", "pooled_recall")  # the others are of large collections


@dataclass(frozen=True)
class Recall:
    """What the shortlist found of a class, beside all of its pairs.

    Attributes:
        pairs: of the class. compared: of them. edges: those of all pairs that verify. missed: of the edges, those
            neither compared nor skipped as redundant; skipped: those skipped. kept: size of the kept group by all
            pairs. jaccard: between that group and the one by the shortlist.
    """

    pairs: int
    compared: int
    edges: int
    skipped: int
    missed: int
    kept: int
    jaccard: float

    @property
    def same_group(self) -> bool:
        """Whether the kept group is the same, or in a large one nearly."""
        return self.jaccard >= (0.99 if self.kept > _LARGE else 1.0)

    def line(self, name: str) -> str:
        """For people."""
        return (
            f"{name:24} {self.pairs:8,} {self.compared:8,} {self.edges:7,} {self.skipped:7,} {self.missed:7,} "
            f"{self.kept:6,} {self.jaccard:8.3f}"
        )


def measure(quick: bool) -> Result:
    """Compares all pairs, then what the shortlist would have made of them."""
    with one_native_thread():
        collection = describe(read_photographs(QUICK_CLASSES if quick else None))
        found = compare_all(collection)
        print(f"{'class':24} {'pairs':>8} compared   edges skipped  missed   kept  jaccard")
        recalls = measure_classes(collection, found)
        figures = {
            "photographs": len(collection.members),
            "class_recall": _recall(recalls),
            "classes_kept_otherwise": sum(not recall.same_group for recall in recalls),
            **measure_pooled(collection, found),
            **measure_false_edges(collection, found),
            **measure_foreign(list(plant_all(collection, found))),
        }
    if not quick:
        draw_curve(found.found, _CURVE)
    return Result(figures, {name: _TARGETS[name] for name in (_QUICK_TARGETS if quick else _TARGETS)})


def measure_classes(collection: Collection, found: AllPairs) -> list[Recall]:
    """Each class by the shortlist against the same by all pairs."""
    recalls = []
    for landmark, indices in collection.classes.items():
        recalls.append(_measure_part(collection, indices, found))
        print(recalls[-1].line(landmark), flush=True)
    return recalls


def measure_pooled(collection: Collection, found: AllPairs) -> dict[str, Figure]:
    """All photographs as one class: the same, with the CPU of the stage as it runs, and what its audit says."""
    indices = list(range(len(collection.members)))
    recall = _measure_part(collection, indices, found)
    print(recall.line("all as one class"), flush=True)
    pooled, begun = collection.part(indices, "all"), process_time()
    _, counts = match_class(pooled.members, pooled.features, MatchSettings())
    seconds = process_time() - begun
    unseen = counts["possible"] - counts["compared"] - counts["skipped"]
    missed, low, high = missed_pairs(unseen, counts["audited"], counts["audit_found"])
    return {
        "pooled_recall": _recall([recall]),
        "pooled_jaccard": recall.jaccard,
        "pooled_compared": recall.compared / recall.pairs,
        "pooled_missed": recall.missed,
        "audited": counts["audited"],
        "audit_says_missed": missed,
        "audit_says_at_least": low,
        "audit_says_at_most": high,
        "pooled_cpu_seconds": seconds,
        "all_pairs_cpu_seconds": found.seconds,
        "pooled_speedup": found.seconds / seconds,
    }


def measure_false_edges(collection: Collection, found: AllPairs) -> dict[str, Figure]:
    """The pairs of different classes that the default accepts, each of which is printed."""
    members = collection.members
    false = [(a, b) for a, b in found.verified if members[a]["landmark_id"] != members[b]["landmark_id"]]
    for a, b in false:
        names = " ".join(f"{members[index]['landmark_id']}/{members[index]['image_id']}" for index in (a, b))
        pair = found.verified[a, b]
        print(f"false edge: {names} inliers {pair.inliers} log10 false alarms {pair.false_alarms:.1f}")
    sizes = [len(indices) for indices in collection.classes.values()]
    cross = found.compared - sum(size * (size - 1) // 2 for size in sizes)
    return {
        "true_edges": len(found.verified) - len(false),
        "cross_class_pairs": cross,
        "false_edges": len(false),
        "false_edges_in_50000": 50_000 * len(false) / cross,
    }


def measure_foreign(plantings: list[Planting]) -> dict[str, Figure]:
    """How many foreign photographs are kept, each of which is printed."""
    for planting in plantings:
        for image in planting.kept:
            print(f"foreign photograph kept: {image} in {planting.landmark}, seed {planting.seed}")
        if not planting.undisturbed:
            print(f"kept group changed by foreign photographs: {planting.landmark}, seed {planting.seed}")
    return {
        "plantings": len(plantings),
        "foreign_planted": sum(planting.planted for planting in plantings),
        "foreign_kept_by_size_alone": sum(planting.before for planting in plantings),
        "foreign_kept": sum(len(planting.kept) for planting in plantings),
        "plantings_disturbed": sum(not planting.undisturbed for planting in plantings),
    }


def _measure_part(collection: Collection, indices: list[int], found: AllPairs) -> Recall:
    progress, edges = explore_part(collection, indices, found.verified), inside(indices, found.verified)
    by_all = kept_group(collection, indices, found, edges)
    by_shortlist = kept_group(collection, indices, found, progress.verified)
    return Recall(
        pairs=len(indices) * (len(indices) - 1) // 2,
        compared=len(progress.compared),
        edges=len(edges),
        skipped=len(edges & progress.skipped),
        missed=len(edges - progress.compared - progress.skipped),
        kept=len(by_all),
        jaccard=len(by_all & by_shortlist) / len(by_all | by_shortlist) if by_all | by_shortlist else 1.0,
    )


def _recall(parts: list[Recall]) -> float:
    wanted = sum(part.edges - part.skipped for part in parts)
    return 1 - sum(part.missed for part in parts) / wanted if wanted else 1.0
