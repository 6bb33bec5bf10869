"""Classes of the list that show the same landmark: a tower, and the gate that it was photographed from."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache, partial
from itertools import combinations
from math import inf
from operator import itemgetter
from typing import Any

import networkx as nx
import pandas as pd

from storage.reasons import Reason
from storage.tables.groups import CLASS_PAIRS
from tasks.features.packed import Features
from tasks.match.layers import verify_beneath
from tasks.match.memory import mark
from tasks.match.repeats import counted_alarms, repeats
from tasks.match.settings import MatchSettings
from tasks.match.shortlist import shortlist
from tasks.match.verify import pair_seed
from tasks.overlap.pair_memory import Cells, PairMemory
from tasks.overlap.settings import ClassSettings

Pair = tuple[int, int]


def contenders(groups: pd.DataFrame, share: float) -> pd.DataFrame:
    """Selects images of groups that their class keeps, or would if another class took images of those nearly as large.

    Args:
        groups: the table of this name. share: of the images of the largest group kept, what another must have.
    """
    largest = groups.landmark_id.map(groups[groups.kept].groupby("landmark_id").group_size.max()).astype(float)
    return groups[groups.kept | ((groups.group_size > 1) & (groups.group_size >= share * largest))]


def representatives(images: pd.DataFrame, count: int) -> pd.DataFrame:
    """Chooses at most `count` photographs of each group, those with most neighbours.

    They are compared with all classes.

    Args:
        images: image_id, landmark_id, group, photograph, neighbours; and what else is to be known of an image.

    Returns:
        Rows of `images`, sorted by landmark_id and image_id; one image for each photograph.
    """
    ranked = images.sort_values(["landmark_id", "neighbours", "image_id"], ascending=[True, False, True])
    chosen = ranked.drop_duplicates(["landmark_id", "photograph"]).groupby(["landmark_id", "group"]).head(count)
    return chosen.sort_values(["landmark_id", "image_id"], ignore_index=True)


def class_pair_candidates(
    images: pd.DataFrame, largest: Sequence[Features], classes: ClassSettings, match: MatchSettings
) -> list[Pair]:
    """Finds pairs of photographs of different classes, one of the other's few with most votes, the likeliest first.

    Args:
        images: landmark_id, sorted by it. largest: the largest keypoints of each.

    Returns:
        Pairs of row numbers, lower first.
    """
    few = match.model_copy(update={"candidates": classes.candidates, "proposal_alarms": inf})
    return shortlist(largest, few, classes=images.landmark_id.to_list())


def verify_pairs(
    images: pd.DataFrame,
    features: Sequence[Features],
    pairs: Iterable[Pair],
    settings: MatchSettings,
    memory: PairMemory,
) -> dict[Pair, Cells]:
    """Verifies pairs of rows, and keeps those that show the same thing, by the verification of `match`.

    Args:
        images: sha256, width, height, in the order of the features.
        memory: what was found of pairs by the same settings.
    """
    facts, verified = images[["sha256", "width", "height"]].to_dict("records"), dict[Pair, Cells]()

    @cache
    def marked(row: int) -> bytes:
        return mark(facts[row], features[row])

    def compare(a: int, b: int) -> Cells | None:
        first, second = facts[a], facts[b]
        seed = pair_seed(first["sha256"], second["sha256"])
        sizes = (first["width"], first["height"]), (second["width"], second["height"])
        found = verify_beneath(features[a], features[b], sizes, settings, seed)
        if found is None:
            return None
        return {"repeats": repeats(features[a], features[b], sizes, found, settings), **found.cells()}

    for a, b in sorted(set(pairs)):
        if cells := memory.find(marked(a) + marked(b), partial(compare, a, b)):
            verified[a, b] = cells
    return verified


def class_pairs(images: pd.DataFrame, verified: Mapping[Pair, Cells]) -> pd.DataFrame:
    """Returns the verified pairs of images of different classes as rows of the table `class_pairs`.

    Args:
        images: image_id, landmark_id, sorted by landmark_id: so the first class sorts before the second.
    """
    ends = list(zip(images.landmark_id, images.image_id, strict=True))
    rows = [(*ends[a], *ends[b], *cells.values()) for (a, b), cells in sorted(verified.items(), key=itemgetter(0))]
    table = pd.DataFrame(rows, columns=CLASS_PAIRS.schema.names)
    return table[table.landmark_a != table.landmark_b].reset_index(drop=True)


def strongly_related(pairs: pd.DataFrame, settings: ClassSettings) -> pd.DataFrame:
    """Selects the rows of `class_pairs` of classes of which one pair at least is strong, and does not repeat.

    Landmarks of one style have windows, wheels and bays in common, and several photographs of each then match weakly.
    """
    told = pairs.assign(false_alarms=counted_alarms(pairs))
    strongest = told.groupby(["landmark_a", "landmark_b"]).false_alarms.transform("min")
    return pairs[strongest <= settings.strong_pair].reset_index(drop=True)


def related_sets(pairs: pd.DataFrame) -> list[list[str]]:
    """Returns the classes that rows of `class_pairs` join, each set and their list sorted."""
    graph = nx.Graph(zip(pairs.landmark_a, pairs.landmark_b, strict=True))
    return sorted(sorted(classes) for classes in nx.connected_components(graph))


def compare_related(
    images: pd.DataFrame,
    features: Sequence[Features],
    seen: pd.DataFrame,
    classes: ClassSettings,
    match: MatchSettings,
    memory: PairMemory,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compares the images of a set of related classes as `match` does those of one class.

    Two of them that others alone join, with weak pairs between themselves, stay unrelated: their pairs are left out.

    Args:
        images: image_id, landmark_id, sha256, width, height, sorted by landmark_id and image_id. features: of each.
        seen: the rows of `class_pairs` that relate them. memory: see `verify_pairs`.

    Returns:
        The rows of `class_pairs`, and image_a, image_b, points of all pairs that show the same thing.
    """
    row_of = dict(zip(images.image_id, range(len(images)), strict=True))
    pairs = {(row_of[a], row_of[b]) for a, b in zip(seen.image_a, seen.image_b, strict=True)}
    pairs |= set(combinations(range(len(images)), 2) if len(images) <= match.exhaustive else shortlist(features, match))
    found = verify_pairs(images, features, pairs, match, memory)
    across, landmarks = strongly_related(class_pairs(images, found), classes), images.landmark_id
    joined = {*zip(landmarks, landmarks, strict=True), *zip(across.landmark_a, across.landmark_b, strict=True)}
    ends = [
        (images.image_id[a], images.image_id[b], cells["points"])
        for (a, b), cells in found.items()
        if (landmarks[a], landmarks[b]) in joined
    ]
    return across, pd.DataFrame(ends, columns=["image_a", "image_b", "points"], dtype=object)


def reassigned_photographs(members: pd.DataFrame, links: pd.DataFrame, pinned: Collection[str] = ()) -> pd.DataFrame:
    """Returns the photographs that another class shows more than their own.

    That is where more photographs of the other match one, and no smaller share of them: by counts alone a large class
    would take what it sees in passing from a small one, and by shares alone a small one from a large one. A photograph
    of the other that matches one beside what its own class is about does not count: it shows its neighbour.

    They leave one by one, the clearest case first, and no longer count as neighbours then. So of two classes that show
    one landmark each keeps a part of what they share; where all match all, the larger keeps it. In the end none that
    may leave is shown more by another class. Of cases that are equally clear, one of the class with fewer photographs
    left goes first.

    Args:
        members: image_id, landmark_id, photograph. links: image_a, image_b, on_a, on_b, as
            `tasks.overlap.subjects.links_on_subjects` gives them.
        pinned: classes that no photograph leaves, since a person decided which group of them to keep.

    Returns:
        photograph, other_class, matches_there, matches_here (photographs, when it left), sorted by photograph.
    """
    home = dict(zip(members.photograph, members.landmark_id, strict=True))
    photograph = members.set_index("image_id").photograph
    ends = zip(photograph.loc[links.image_a], photograph.loc[links.image_b], links.on_a, links.on_b, strict=True)
    graph = nx.DiGraph()  # from a photograph to those that show it
    for a, b, on_a, on_b in ends:
        graph.add_edges_from(((a, b),) * (on_b and a != b) + ((b, a),) * (on_a and a != b))
    counts = {one: Counter(home[other] for other in graph[one]) for one in graph}
    sizes, reassigned = Counter(home.values()), []
    free = {one for one in counts if home[one] not in pinned}
    while free:
        cases = [case for one in free if (case := _case(one, counts[one], home[one], sizes))]
        if not cases:
            break
        _, moving, other = min(cases)
        free.remove(moving)
        own = home[moving]
        found = counts.pop(moving)
        reassigned.append((moving, other, found[other], found[own]))
        sizes[own] -= 1
        for neighbour in graph.predecessors(moving):
            if neighbour in counts:
                counts[neighbour][own] -= 1
    columns = ["photograph", "other_class", "matches_there", "matches_here"]
    return pd.DataFrame(sorted(reassigned), columns=columns)


def _case(
    photograph: str, counts: Mapping[str, int], own: str, sizes: Mapping[str, int]
) -> tuple[tuple[float, int], str, str] | None:
    """How clear it is that a photograph leaves, the clearest first, with it and the class that shows it most."""
    here = counts.get(own, 0)
    share = here / max(1, sizes[own] - 1)  # of the others of its class
    others = [(share - count / sizes[name], name) for name, count in counts.items() if name != own and count > here]
    least, other = min(others, default=(1.0, ""))
    return ((least, sizes[own]), photograph, other) if least <= 0 else None


def reassigned_images(members: pd.DataFrame, reassigned: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Returns the images that leave their class: those of photographs that another shows more often.

    Args:
        members: image_id, landmark_id, photograph. reassigned: as `reassigned_photographs` gives them. pairs: the
            table `class_pairs`.

    Returns:
        image_id, reason, evidence (JSON), sorted by image_id.
    """
    strongest, rows = _strongest(pairs), []
    for image in members.merge(reassigned, on="photograph").itertuples():
        evidence = {name: getattr(image, name) for name in reassigned.columns[1:]}
        pair = strongest.get((image.image_id, image.other_class), {})
        rows.append((image.image_id, str(Reason.OTHER_CLASS), json.dumps({**evidence, **pair})))
    return pd.DataFrame(sorted(rows), columns=["image_id", "reason", "evidence"], dtype=object)


def _strongest(pairs: pd.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    """The strongest pair of an image with another class, as evidence."""
    best: dict[tuple[str, str], dict[str, Any]] = {}
    for pair in pairs.sort_values(["inliers", "image_a", "image_b"], ascending=[False, True, True]).itertuples():
        shown = {"inliers": pair.inliers, "false_alarms": round(pair.false_alarms, 1)}
        best.setdefault((pair.image_a, pair.landmark_b), {"other_image": pair.image_b, **shown})
        best.setdefault((pair.image_b, pair.landmark_a), {"other_image": pair.image_a, **shown})
    return best
