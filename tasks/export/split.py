"""Which classes validate where they are held out whole."""

import hashlib
from collections.abc import Iterable

import networkx as nx
import pandas as pd


def held_out_classes(landmarks: Iterable[str], related: pd.DataFrame, share: float) -> set[str]:
    """Returns the classes that go to val whole; those that show the same thing go together, or to train together.

    A hash of the ids draws them, and each goes to val while it fits: few change sides as a list grows.

    Args:
        landmarks: the ids of all kept classes. related: landmark_a, landmark_b, ids of classes that have photographs
            of the same thing, or the same photograph.
        share: of the classes that val may have, rounded, and one at least; never all.
    """
    graph = nx.Graph()
    graph.add_nodes_from(landmarks)
    pairs = zip(related.landmark_a, related.landmark_b, strict=True)
    graph.add_edges_from((a, b) for a, b in pairs if a in graph and b in graph)
    room = min(max(1, round(share * len(graph))), len(graph) - 1) if share else 0
    chosen = set[str]()
    for together in sorted(
        nx.connected_components(graph), key=lambda some: hashlib.sha256(min(some).encode()).digest()
    ):
        if len(together) <= room:
            chosen |= together
            room -= len(together)
    return chosen


def _draw(together: set[str]) -> bytes:
    return hashlib.sha256(min(together).encode()).digest()


def same_photographs(images: pd.DataFrame) -> pd.DataFrame:
    """Returns pairs landmark_a, landmark_b of classes that have an image of the same pixels.

    Args:
        images: landmark_id, pixel_hash of the kept images.
    """
    first = images.groupby("pixel_hash").landmark_id.transform("first")
    other = images.landmark_id != first
    return pd.DataFrame({"landmark_a": first[other], "landmark_b": images.landmark_id[other]})
