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

Landmarks of one style have windows, wheels and bays in common, and then several photographs of each match, in different
places. So a group without such a hinge is put together anew, link by link from the strongest: a link that is as weak
joins no two sides that are both sizeable by then. What is left apart is cut, by the rule **weak**.

A pair whose matched part repeats in one of its pictures (see `tasks.match.repeats`) is weak, whatever its false alarms.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import log10

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.cluster.photographs import link_photographs
from tasks.cluster.settings import ClusterSettings
from tasks.match.repeats import counted_alarms

COLUMNS = ["landmark_id", "image_a", "image_b", "inliers", "false_alarms", "size_a", "size_b", "repeats", "rule"]


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

    def cut(self, rule: str) -> "Cut":
        """Returns its links as what is cut."""
        links = tuple((self.photograph, neighbour) for neighbour in self.neighbours)
        return Cut(links, {self.photograph: self.rest} | dict.fromkeys(self.neighbours, self.size), rule)


@dataclass(frozen=True, slots=True)
class Cut:
    """Links that are cut, pairs of photographs; how many are on the side of each of these; and the rule."""

    links: tuple[tuple[str, str], ...]
    sizes: Mapping[str, int]
    rule: str


def find_cuts(pairs: pd.DataFrame, photographs: pd.Series, settings: ClusterSettings) -> pd.DataFrame:
    """Returns the table `cuts`, by the rules above; every pair between the images of a cut link is in it.

    Args:
        pairs: landmark_id, image_a, image_b, inliers, false_alarms, repeats, points (k·4 floats: x, y in the first and
            x, y in the second image), both images of one class.
        photographs: photograph by image_id.
    """
    ends = pairs.assign(
        first=photographs.loc[pairs.image_a].to_numpy(), second=photographs.loc[pairs.image_b].to_numpy()
    )
    links = link_photographs(pairs.assign(false_alarms=counted_alarms(pairs)), photographs)
    graph = nx.from_pandas_edgelist(links, "first", "second", ["inliers", "false_alarms"])
    found: list[pd.DataFrame] = []
    waiting = _split(graph, 2 * settings.sizeable)
    while waiting:
        group = waiting.pop()
        if (cut := _weakest(group, ends, settings) or _look_alikes(group, settings)) is None:
            continue
        found.append(_evidence(cut, ends))
        group.remove_edges_from(cut.links)
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


def _weakest(group: nx.Graph, ends: pd.DataFrame, settings: ClusterSettings) -> Cut | None:
    """The hinge of a connected graph to cut first."""
    sizeable = [hinge for hinge in _hinges(group) if min(hinge.size, hinge.rest) >= settings.sizeable]
    for hinge in sorted(sizeable, key=lambda hinge: (hinge.inliers, hinge.photograph, hinge.neighbours)):
        if _is_weak(hinge.false_alarms, hinge.size, hinge.rest, settings):
            return hinge.cut("bridge" if len(hinge.neighbours) == 1 else "articulation")
        if _is_collage(hinge, group, ends, settings.panel_overlap):
            return hinge.cut("collage")
    return None


def _is_weak(false_alarms: float, size: int, rest: int, settings: ClusterSettings) -> bool:
    """Whether chance could have given one such link among all pairs that would join sides of so many photographs."""
    return false_alarms + log10(size * rest) > settings.strong_link


def _look_alikes(group: nx.Graph, settings: ClusterSettings) -> Cut | None:
    """The links of a connected graph that are left between its sides when it is put together from the strongest on."""
    sides, sizes = nx.utils.UnionFind(group), dict.fromkeys(group, 1)
    for first, second, alarms in sorted(group.edges(data="false_alarms"), key=lambda e: (e[2], sorted(e[:2]))):
        one, other = sides[first], sides[second]
        size, rest = sizes[one], sizes[other]
        if one != other and (min(size, rest) < settings.sizeable or not _is_weak(alarms, size, rest, settings)):
            sides.union(one, other)
            sizes[sides[one]] = size + rest
    links = tuple((first, second) for first, second in group.edges if sides[first] != sides[second])
    ends = {photograph for link in links for photograph in link}
    return Cut(links, {one: sizes[sides[one]] for one in ends}, "weak") if links else None


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


def _evidence(cut: Cut, ends: pd.DataFrame) -> pd.DataFrame:
    """The rows of `cuts` of what is cut."""
    links = {*cut.links, *((second, first) for first, second in cut.links)}
    rows = ends[pd.MultiIndex.from_frame(ends[["first", "second"]]).isin(links)]
    sizes = {f"size_{side}": rows[end].map(cut.sizes) for side, end in (("a", "first"), ("b", "second"))}
    return rows.assign(**sizes, rule=cut.rule)[COLUMNS]
