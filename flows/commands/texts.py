"""Texts to search with: in the words that a network learned, and in the space of the images that it describes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from storage.errors import InputError
from storage.manifest import IndexManifest, NetworkManifest
from storage.parquet import read_bytes
from storage.root import Root
from storage.tables.captions import CAPTION_VOCABULARY
from storage.tables.training import TEXT_FILES
from storage.versions import read_source, read_version_table, version_table
from tasks.captions.samples import heaviest_terms
from tasks.captions.settings import EncodeSettings
from tasks.captions.vocabulary import Vocabulary
from tasks.describe.text import TextEmbedding, read_text
from tasks.settings import settings_of_manifest

(_TEXT,) = TEXT_FILES


class Text(NamedTuple):
    """A text to search with.

    Attributes:
        vector: float32 (dimensions,), θ, of unit length.
        stems: those of its words that count most, with their weights in it.
        unknown: its words that the vocabulary lacks.
    """

    words: str
    vector: NDArray[np.float32]
    stems: list[tuple[str, float]]
    unknown: list[str]


@dataclass(frozen=True)
class Texts:
    """What a network learned of texts: a vocabulary, and a vector for each of its stems."""

    network: str
    vocabulary: Vocabulary
    layer: TextEmbedding

    def embed(self, text: str) -> Text:
        """Returns a text in the space of images.

        Raises:
            InputError: none of its words has a weight.
        """
        weights, _ = self.vocabulary.encode([("", text)])
        if not weights.nnz:
            raise InputError(f"no word of {text!r} has a weight in the vocabulary of {self.network}; use other words")
        with torch.inference_mode():
            vector = self.layer(weights)[0].numpy()
        stems = heaviest_terms(weights, 0, self.vocabulary.terms)
        return Text(text, vector, stems, self.vocabulary.unknown_words(text))

    def embed_all(self, texts: Iterable[tuple[str, str]], image_ids: Sequence[str]) -> NDArray[np.float32]:
        """Returns what was said of images, in their space: float32 (images, dimensions); zeros where it has no weight.

        Args:
            texts: image id and phrase, in any order. image_ids: of the images, in the order of the result.
        """
        weights, told = self.vocabulary.encode(texts)
        with torch.inference_mode():
            vectors = dict(zip(told["image_id"].to_pylist(), self.layer(weights).numpy(), strict=True))
        nothing = np.zeros(self.layer.dimensions, np.float32)
        return np.stack([vectors.get(image_id, nothing) for image_id in image_ids])


def open_texts(root: Root, index: IndexManifest) -> Texts:
    """Returns what the network of an index learned of texts.

    Raises:
        InputError: it was trained without any, or not at all.
        DamagedTableError: a file is gone, or changed.
    """
    trained = read_source(root, index.trained, NetworkManifest) if index.trained else None
    if trained is None or _TEXT not in trained.tables:
        network = trained.folder if trained else f"network {index.network[:12]}"
        how = "train one with `cairn train --kind semantic`, and index with --network"
        raise InputError(f"{index.folder} can't be searched by text: {network} learned of none; {how}")
    return texts_of(root, trained)


def texts_of(root: Root, network: NetworkManifest) -> Texts:
    """Returns what a network that has `TEXT_FILES` learned of texts.

    Raises:
        DamagedTableError: a file is gone, or changed.
    """
    table = read_version_table(root, network, CAPTION_VOCABULARY.name)
    settings = settings_of_manifest(network.settings.get("encode", {}), EncodeSettings)
    layer = read_text(read_bytes(root, version_table(network, _TEXT)), table.num_rows, network.dimensions)
    return Texts(network.folder, Vocabulary(table, settings), layer)
