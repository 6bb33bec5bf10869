"""Where a group hangs together by too little: the verified pairs that must not join two sizeable groups.

One false pair, or one collage, makes one group of two. Both show as an articulation point of the graph of photographs
(Tarjan 1972; Hopcroft and Tarjan 1973): a photograph without which its group falls apart. A *hinge* is an articulation
point with one of the parts that it alone holds. The hinge is cut, and the part becomes a group of its own, where the
part and the rest both have `sizeable` photographs and

- **bridge**: one link holds the part, and it is weak: times the number of pairs between the two sides, any of which
  could have joined them, its false alarms are more than 10 to the `strong_link`; or
- **articulation**: several links hold it, each of them as weak; or
- **collage**: two links or more hold the part, two or more hold the articulation photograph in the rest, and it shows
  the two in different regions: of the inliers of either at most the share `panel_overlap` lies in the rectangle around
  those of the other. A photograph between two views shows both in the same place; two pictures in one do not.

Of several hinges the one with the fewest inliers in all is cut first, so a collage stays with the side that supports it
best. The parts are then looked at anew, until nothing is left to cut. A stronger or smaller part stays.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import log10

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.cluster.photographs import link_photographs
from tasks.cluster.settings import ClusterSettings

COLUMNS = ["landmark_id", "image_a", "image_b", "inliers", "false_alarms", "size_a", "size_b", "rule"]


@dataclass(frozen=True, slots=True)
class Hinge:
    """An articulation point, its neighbours in one of the parts that it alone holds, and the photographs there.

    `size` is that of the part, `rest` that of all else with the articulation point; `inliers` are those of its links in
    all, `false_alarms` those of the strongest.
    """

    photograph: str
    neighbours: tuple[str, ...]
    size: int
    rest: int
    inliers: int
    false_alarms: float

    def is_weak(self, strong_link: float) -> bool:
        """Returns whether chance could have given one such link among all pairs that would join the two sides."""
        return self.false_alarms + log10(self.size * self.rest) > strong_link


def find_cuts(pairs: pd.DataFrame, photographs: pd.Series, settings: ClusterSettings) -> pd.DataFrame:
    """Returns the table `cuts`, by the rules above; every pair between the images of a cut link is in it.

    Args:
        pairs: landmark_id, image_a, image_b, inliers, false_alarms, points (k·4 floats: x, y in the first and x, y in
            the second image), both images of one class.
        photographs: photograph by image_id.
    """
    ends = pairs.assign(
        first=photographs.loc[pairs.image_a].to_numpy(), second=photographs.loc[pairs.image_b].to_numpy()
    )
    links = link_photographs(pairs, photographs)
    graph = nx.from_pandas_edgelist(links, "first", "second", ["inliers", "false_alarms"])
    found: list[pd.DataFrame] = []
    waiting = _split(graph, 2 * settings.sizeable)
    while waiting:
        group = waiting.pop()
        if (cut := _weakest(group, ends, settings)) is None:
            continue
        hinge, rule = cut
        found.append(_evidence(hinge, rule, ends))
        group.remove_edges_from((hinge.photograph, neighbour) for neighbour in hinge.neighbours)
        waiting += _split(group, 2 * settings.sizeable)
    if not found:
        return pd.DataFrame(columns=COLUMNS)
    return pd.concat(found).sort_values(COLUMNS[:3], ignore_index=True)


def _split(graph: nx.Graph, at_least: int) -> list[nx.Graph]:
    """The connected components that have at least so many photographs. The largest stays in `graph` itself."""
    *smaller, largest = sorted([set(), *nx.connected_components(graph)], key=len)
    parts = [graph.subgraph(part).copy() for part in smaller if len(part) >= at_least]
    graph.remove_nodes_from(set().union(*smaller))  # copying the largest too would take longer than the search
    return [graph, *parts] if len(largest) >= at_least else parts


def _weakest(group: nx.Graph, ends: pd.DataFrame, settings: ClusterSettings) -> tuple[Hinge, str] | None:
    """The hinge of a connected graph to cut first, and by which rule."""
    sizeable = [hinge for hinge in _hinges(group) if min(hinge.size, hinge.rest) >= settings.sizeable]
    for hinge in sorted(sizeable, key=lambda hinge: (hinge.inliers, hinge.photograph, hinge.neighbours)):
        if hinge.is_weak(settings.strong_link):
            return hinge, "bridge" if len(hinge.neighbours) == 1 else "articulation"
        if _is_collage(hinge, group, ends, settings.panel_overlap):
            return hinge, "collage"
    return None


def _hinges(group: nx.Graph) -> Iterator[Hinge]:
    """Every hinge of a connected graph, in linear time: from the sizes of the subtrees of its block-cut tree."""
    blocks = list(nx.biconnected_components(group))
    homes: dict[str, list[int]] = {}
    for number, block in enumerate(blocks):
        for photograph in block:
            homes.setdefault(photograph, []).append(number)
    articulations = {photograph: found for photograph, found in homes.items() if len(found) > 1}
    tree = nx.Graph((photograph, number) for photograph, found in articulations.items() for number in found)
    if not articulations:
        return
    below: dict[str | int, int] = {number: len(block - articulations.keys()) for number, block in enumerate(blocks)}
    below.update((photograph, 1) for photograph in articulations)
    edges = list(nx.dfs_edges(tree, 0))
    for upper, lower in reversed(edges):
        below[upper] += below[lower]
    for upper, lower in edges:
        photograph, number = (upper, lower) if upper in articulations else (lower, upper)
        size = below[lower] if photograph == upper else len(group) - below[lower]
        neighbours = tuple(sorted(blocks[number] & group[photograph].keys()))
        links = [group[photograph][neighbour] for neighbour in neighbours]
        inliers, alarms = sum(link["inliers"] for link in links), min(link["false_alarms"] for link in links)
        yield Hinge(photograph, neighbours, size, len(group) - size, inliers, alarms)


def _is_collage(hinge: Hinge, group: nx.Graph, ends: pd.DataFrame, overlap: float) -> bool:
    others = group[hinge.photograph].keys() - set(hinge.neighbours)
    if min(len(hinge.neighbours), len(others)) < 2:
        return False
    here, there = _regions(hinge.photograph, hinge.neighbours, ends), _regions(hinge.photograph, others, ends)
    shared = here.keys() & there.keys()
    apart = [max(_share(here[image], there[image]), _share(there[image], here[image])) <= overlap for image in shared]
    return bool(apart) and all(apart)


def _regions(photograph: str, neighbours: Iterable[str], ends: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Where the images of a photograph match the neighbours: (n, 2) inliers x, y in pixels by image_id."""
    found: dict[str, list[NDArray[np.float64]]] = {}
    for own, other, image, column in (("first", "second", "image_a", 0), ("second", "first", "image_b", 2)):
        rows = ends[(ends[own] == photograph) & ends[other].isin(neighbours)]
        for image_id, points in zip(rows[image], rows.points, strict=True):
            found.setdefault(image_id, []).append(np.asarray(points, np.float64).reshape(-1, 4)[:, column : column + 2])
    return {image_id: np.concatenate(parts) for image_id, parts in found.items()}


def _share(points: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """The share of the points (n, 2) inside the rectangle around the others (m, 2)."""
    inside = (points >= others.min(axis=0)) & (points <= others.max(axis=0))
    return float(inside.all(axis=1).mean())


def _evidence(hinge: Hinge, rule: str, ends: pd.DataFrame) -> pd.DataFrame:
    """The rows of `cuts` of one hinge."""
    forth = (ends["first"] == hinge.photograph) & ends["second"].isin(hinge.neighbours)
    back = (ends["second"] == hinge.photograph) & ends["first"].isin(hinge.neighbours)
    rows = ends[forth | back].assign(size_a=hinge.size, size_b=hinge.rest, rule=rule)
    rows.loc[forth, ["size_a", "size_b"]] = hinge.rest, hinge.size
    return rows[COLUMNS]
