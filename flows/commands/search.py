"""Searching a published index for a photograph."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from flows.describing import network_of
from storage.errors import DamagedTableError, InputError
from storage.images import get_image
from storage.manifest import IndexManifest
from storage.parquet import is_intact
from storage.root import Root
from storage.versions import read_version_table, version_table
from tasks.describe.contracts import load_stored
from tasks.describe.descriptors import describe_image
from tasks.describe.network import Network
from tasks.describe.objects import FoundObject, View, find_object, look_at
from tasks.describe.settings import settings_of_index
from tasks.index.agreeing import agreeing_regions
from tasks.index.expansion import rank_by_objects
from tasks.index.page import COLOURS, Found, Picture
from tasks.index.published import open_database
from tasks.index.query import Box, Photograph
from tasks.index.regions import Regions, regions_of
from tasks.index.search import Database
from tasks.index.settings import IndexSettings
from tasks.settings import settings_of_manifest


@dataclass(frozen=True)
class Opened:
    """A published index, opened to be asked; `rerank` is as of `Database.search`."""

    root: Root
    version: IndexManifest
    network: Network
    database: Database
    images: list[dict[str, Any]]
    rerank: int


@dataclass(frozen=True)
class Asking:
    """How a query is asked.

    Attributes:
        expand: images nearest to it that it is averaged with first; 0: none.
        alpha: a neighbour weighs its similarity to this power.
        objects: first results that are ranked again by what they show of the query; 0: none.
    """

    expand: int = 0
    alpha: float = 0.0
    objects: int = 0


def open_index(root: Root, version: IndexManifest, backbone: str | None) -> Opened:
    """Opens an index with its network, which describes queries on the CPU.

    Raises:
        InputError: the root is not on this machine's disk, the network is not the one that described the images, or
            its backbone is somebody's own and not the one that is trusted (see `settings_of_index`).
        DamagedTableError: a file is gone or was changed.
    """
    index, vectors = version_table(version, "index"), version_table(version, "vectors")
    paths = root.local_path(index.path), root.local_path(vectors.path)
    if not is_intact(root, index):
        raise DamagedTableError(f"{paths[0]} was changed or damaged; run cairn index again")
    settings = settings_of_index({**version.settings.get("describe", {}), "device": "cpu"}, backbone)
    network, digest = load_stored(root, settings, network_of(root, version).stored)
    if digest != version.network:
        raise InputError(
            f"{version.folder} was made by network {version.network[:12]}, and {settings.backbone!r} is "
            f"{digest[:12]} here; have the same weights and packages, or run cairn index again"
        )
    indexed = read_version_table(root, version, "indexed")
    database = open_database(*paths, indexed["faiss_id"].to_numpy())
    rerank = settings_of_manifest(version.settings.get("index", {}), IndexSettings).rerank
    return Opened(root, version, network, database, indexed.to_pylist(), rerank)


def search(opened: Opened, query: Photograph, box: Box | None, count: int, asking: Asking = Asking()) -> list[Found]:
    """What an index has that looks most like a photograph, or what a box holds of it: the best first.

    Raises:
        InputError: the box is too small.
        DamagedTableError: a stored image that was found is gone, or changed.
    """
    database, rerank = opened.database, opened.rerank
    vectors = describe_image(opened.network, query.content, box)[None]
    if asking.expand:
        vectors = database.expand(vectors, asking.expand, asking.alpha, rerank)
    hits = database.search(vectors, min(max(count, asking.objects), len(opened.images)), rerank)
    seen = look_at(opened.network, query.content, box)
    regions = regions_of(opened.network, seen)
    places = [place for place in hits.places[0].tolist() if place >= 0]
    similarities = hits.similarities[0].tolist()
    shown = [_look_for(opened, seen, regions, *hit) for hit in zip(places, similarities, strict=False)]
    found = [one for one, _ in shown]
    if asking.objects and shown:
        windows, scores = np.stack([own.vector for _, own in shown]), np.array([own.score for _, own in shown])
        ranked = rank_by_objects(vectors[0], database.vectors[places], windows, scores)
        again = zip(ranked.places.tolist(), ranked.similarities.tolist(), strict=True)
        found = [replace(found[place], similarity=similarity) for place, similarity in again]
    return found[:count]


def _look_for(
    opened: Opened, query: View, regions: Regions, place: int, similarity: float
) -> tuple[Found, FoundObject]:
    """What an image shows of the query, for people and to be ranked by."""
    image = opened.images[place]
    view = look_at(opened.network, get_image(opened.root, image["path"]))
    own, located = regions_of(opened.network, view), find_object(opened.network, view, query)
    agreements = agreeing_regions(regions.vectors, regions.boxes, own.vectors, own.boxes, len(COLOURS))
    picture = Picture(image["sha256"], image["width"], image["height"])
    facts = image["image_id"], image["landmark_id"], similarity, image["reason"]
    return Found(picture, *facts, located.box, agreements), located
