"""Searching a published index for a photograph, for a text, or for both together."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.commands.texts import Text
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
from tasks.index.contributions import largest_contributions, parts_of
from tasks.index.expansion import rank_by_objects
from tasks.index.page import COLOURS, REGIONS, Found, Picture, Share
from tasks.index.published import open_database
from tasks.index.query import Box, Photograph
from tasks.index.regions import Regions, regions_of
from tasks.index.search import Database
from tasks.index.settings import IndexSettings
from tasks.settings import settings_of_manifest

Vector = NDArray[np.float32]


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
class Query:
    """What is searched for: a photograph, or what a box holds of it; a text; or a photograph that a text modifies."""

    photograph: Photograph | None = None
    box: Box | None = None
    text: Text | None = None


@dataclass(frozen=True)
class Asking:
    """How a query is asked.

    Attributes:
        expand: images nearest to it that it is averaged with first; 0: none.
        alpha: a neighbour weighs its similarity to this power.
        objects: first results that are ranked again by what they show of the query, a photograph alone; 0: none.
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


def search(opened: Opened, query: Query, count: int, asking: Asking = Asking()) -> list[Found]:
    """Returns what an index has that is most like a photograph, a text, or both: the best first.

    Raises:
        InputError: the box is too small.
        DamagedTableError: a stored image that was found is gone, or changed.
    """
    database, rerank = opened.database, opened.rerank
    shares = _shares(opened.network, query)
    vectors = np.stack([*shares.values()]).sum(axis=0, keepdims=True)
    if asking.expand:
        vectors = database.expand(vectors, asking.expand, asking.alpha, rerank)
        shares = {"query, expanded": vectors[0]}
    hits = database.search(vectors, min(max(count, asking.objects), len(opened.images)), rerank)
    rows = [row for row in hits.rows[0].tolist() if row >= 0]
    found = [_found(opened, *hit) for hit in zip(rows, hits.similarities[0].tolist(), strict=False)]
    if query.photograph is None or query.text:
        return [_explain(opened, one, row, shares) for one, row in zip(found[:count], rows, strict=False)]
    return _compare(opened, query.photograph, query.box, vectors[0], found, rows, asking)[:count]


def _shares(network: Network, query: Query) -> dict[str, Vector]:
    """What the vector of a query is the sum of, by name: float32 (dimensions,) each, together of unit length."""
    parts = dict[str, Vector]()
    if query.photograph:
        parts["photograph"] = describe_image(network, query.photograph.content, query.box)
    if query.text:
        parts["text"] = query.text.vector
    length = float(np.linalg.norm(np.stack([*parts.values()]).sum(axis=0)))
    return {name: vector / max(length, 1e-12) for name, vector in parts.items()}


def _found(opened: Opened, row: int, similarity: float) -> Found:
    image = opened.images[row]
    picture = Picture(image["sha256"], image["width"], image["height"])
    return Found(picture, image["image_id"], image["landmark_id"], similarity, image["reason"])


def _explain(opened: Opened, found: Found, row: int, shares: dict[str, Vector]) -> Found:
    """A result with the regions that add most to its similarity, to each part of the query."""
    picture = found.picture
    content = get_image(opened.root, opened.images[row]["path"])
    parts = parts_of(opened.network, content, (picture.width, picture.height))
    whole = parts.vectors.sum(axis=0)
    told = [Share(name, float(whole @ own), largest_contributions(own, parts, REGIONS)) for name, own in shares.items()]
    return replace(found, shares=told)


def _compare(
    opened: Opened,
    photograph: Photograph,
    box: Box | None,
    vector: Vector,
    found: list[Found],
    rows: list[int],
    asking: Asking,
) -> list[Found]:
    """Results with what they show of a photograph, and ranked again by that if it is asked."""
    seen = look_at(opened.network, photograph.content, box)
    regions = regions_of(opened.network, seen)
    looked = [_look_for(opened, seen, regions, one, row) for one, row in zip(found, rows, strict=True)]
    shown = [one for one, _ in looked]
    if not asking.objects or not shown:
        return shown
    windows, scores = np.stack([own.vector for _, own in looked]), np.array([own.score for _, own in looked])
    ranked = rank_by_objects(vector, opened.database.vectors[rows], windows, scores)
    again = zip(ranked.rows.tolist(), ranked.similarities.tolist(), strict=True)
    return [replace(shown[row], similarity=similarity) for row, similarity in again]


def _look_for(opened: Opened, query: View, regions: Regions, found: Found, row: int) -> tuple[Found, FoundObject]:
    """What an image shows of a photograph, for people and to be ranked by."""
    view = look_at(opened.network, get_image(opened.root, opened.images[row]["path"]))
    own, located = regions_of(opened.network, view), find_object(opened.network, view, query)
    agreements = agreeing_regions(regions.vectors, regions.boxes, own.vectors, own.boxes, len(COLOURS))
    return replace(found, box=located.box, agreements=agreements), located
