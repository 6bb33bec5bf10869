"""What the report shows of the images themselves: some with their neighbours, some triplets."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

IMAGES, NEIGHBOURS, TRIPLETS = 8, 5, 12
_TERMS, _SHARED = 12, 5


@dataclass(frozen=True)
class Near:
    """A neighbour: how similar it is, and the terms that make it so, the most important first."""

    image_id: str
    similarity: float
    shared: list[str]


@dataclass(frozen=True)
class Sample:
    """An image with its heaviest terms and its neighbours."""

    image_id: str
    split: str
    terms: list[tuple[str, float]]
    near: list[Near]


@dataclass(frozen=True)
class Samples:
    """Chosen images, and triplets from the smallest gap to the largest: rows of `caption_triplets`.

    A triplet also has `positive_shared` and `negative_shared`: the terms that make the query similar to either.
    """

    images: list[Sample]
    triplets: list[dict[str, Any]]

    def image_ids(self) -> set[str]:
        """Returns every image that is shown."""
        near = {near.image_id for sample in self.images for near in sample.near}
        ends = {triplet[name] for triplet in self.triplets for name in ("query", "positive", "negative")}
        return {sample.image_id for sample in self.images} | near | ends


def choose_samples(
    tables: Mapping[str, pa.Table], weights: sp.csr_array, terms: list[str], neighbours: pa.Table
) -> Samples:
    """Chooses by hashes of the ids, images that do not train before others.

    Args:
        tables: `caption_images` and `caption_triplets`. weights: of the encoding that neighbours come from. terms: of
            its columns. neighbours: `caption_neighbours`.
    """
    images = tables["caption_images"].select(["image_id", "split"]).to_pylist()
    described = np.flatnonzero(np.diff(weights.indptr)).tolist()
    described.sort(key=lambda row: (images[row]["split"] == "train", _draw(images[row]["image_id"])))
    chosen = []
    for row in described[:IMAGES]:
        found = neighbours.slice(row, 1).to_pylist()[0]
        pairs = list(zip(found["neighbour_rows"], found["similarities"], strict=True))[:NEIGHBOURS]
        near = [Near(images[j]["image_id"], s, shared_terms(weights, row, j, terms)) for j, s in pairs]
        chosen.append(Sample(**images[row], terms=heaviest_terms(weights, row, terms), near=near))
    triplets = _spread(tables["caption_triplets"])
    rows = {image["image_id"]: row for row, image in enumerate(images)}
    for triplet in triplets:
        for end in ("positive", "negative"):
            pair = (rows[triplet["query"]], rows[triplet[end]])
            triplet[f"{end}_shared"] = shared_terms(weights, *pair, terms)
    return Samples(chosen, triplets)


def heaviest_terms(weights: sp.csr_array, row: int, terms: list[str]) -> list[tuple[str, float]]:
    """Returns the terms of an image with their weights, the heaviest first."""
    own = weights[[row]]
    order = np.argsort(-own.data, kind="stable")[:_TERMS]
    return [(terms[own.indices[entry]], float(own.data[entry])) for entry in order]


def shared_terms(weights: sp.csr_array, first: int, second: int, terms: list[str]) -> list[str]:
    """Returns the terms that make two images similar, those that add most first."""
    products = sp.csr_array(weights[[first]].multiply(weights[[second]]))
    order = np.argsort(-products.data, kind="stable")[:_SHARED]
    return [terms[products.indices[entry]] for entry in order]


def phrases_of(
    regions: Iterable[pa.RecordBatch], image_ids: Collection[str], most: int | None = None
) -> dict[str, list[str]]:
    """Returns the phrases of some images in the order of the table, of each image at most so many.

    Args:
        regions: batches of `image_id` and `phrase`.
    """
    found: dict[str, list[str]] = {image_id: [] for image_id in image_ids}
    wanted = pa.array(sorted(image_ids), pa.string())
    for batch in regions:
        chosen = batch.filter(pc.is_in(batch["image_id"], wanted))
        for image_id, phrase in zip(chosen["image_id"].to_pylist(), chosen["phrase"].to_pylist(), strict=True):
            found[image_id].append(phrase)
    return {image_id: phrases[:most] for image_id, phrases in found.items()}


def _spread(triplets: pa.Table) -> list[dict[str, Any]]:
    ordered = triplets.take(np.lexsort((np.arange(triplets.num_rows), triplets["gap"].to_numpy())))
    chosen = np.unique(np.linspace(0, triplets.num_rows - 1, min(TRIPLETS, triplets.num_rows)).round().astype(int))
    rows: list[dict[str, Any]] = ordered.take(pa.array(chosen, pa.int64())).to_pylist()
    return rows


def _draw(image_id: str) -> bytes:
    return hashlib.sha256(f"sample {image_id}".encode()).digest()
