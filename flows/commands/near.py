"""The images most like another, or like a text, for the terminal."""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import scipy.sparse as sp
from rich.console import Group, RenderableType
from rich.table import Table

from flows.commands.why import plain_text
from storage.errors import InputError
from storage.manifest import CaptionManifest
from storage.parquet import read_batches, read_bytes
from storage.root import Root
from storage.versions import read_version_table, version_table
from tasks.captions.neighbours import most_similar
from tasks.captions.npz import from_npz
from tasks.captions.samples import heaviest_terms, phrases_of, shared_terms
from tasks.captions.settings import EncodeSettings, Encoding
from tasks.captions.vocabulary import Vocabulary

_PREFIX = {"captions": "caption", "objects": "object"}
_SHOWN_PHRASES = 3
_ROWS = 1 << 16


@dataclass(frozen=True)
class Encodings:
    """A published version of captions, opened to be asked; one of its encodings at a time."""

    root: Root
    version: CaptionManifest
    encoding: Encoding = "captions"

    @cached_property
    def weights(self) -> sp.csr_array:
        """The matrix of the encoding."""
        ref = version_table(self.version, f"{_PREFIX[self.encoding]}_weights")
        return from_npz(read_bytes(self.root, ref), ref.path, len(self.image_ids), len(self.vocabulary.terms))

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Its terms."""
        table = read_version_table(self.root, self.version, f"{_PREFIX[self.encoding]}_vocabulary")
        return Vocabulary(table, EncodeSettings.model_validate(self.version.settings["encode"]))

    @cached_property
    def image_ids(self) -> list[str]:
        """The image of each row."""
        ids: list[str] = self._images["image_id"].to_pylist()
        return ids

    @cached_property
    def splits(self) -> list[str]:
        """The split of each row."""
        splits: list[str] = self._images["split"].to_pylist()
        return splits

    @cached_property
    def _images(self) -> Any:
        return read_version_table(self.root, self.version, "caption_images", ["image_id", "split"])


@dataclass(frozen=True)
class Near:
    """An image that is like what was asked: the terms that both have, and the first of its phrases."""

    image_id: str
    split: str
    similarity: float
    in_common: list[str]
    phrases: list[str]


@dataclass(frozen=True)
class Answer:
    """What was asked, with its heaviest terms and their weights, and the images nearest to it, the nearest first."""

    title: str
    terms: dict[str, float]
    near: list[Near]


def near_image(encodings: Encodings, image_id: str, k: int) -> Answer:
    """Returns the k images most like one of the version.

    Raises:
        InputError: there is no such image, or nothing is known of it.
    """
    if image_id not in encodings.image_ids:
        raise InputError(f"no image {image_id!r} in {encodings.version.folder}; caption_images.parquet lists them")
    row = encodings.image_ids.index(image_id)
    query = encodings.weights[[row]]
    if not query.nnz:
        raise InputError(f"image {image_id!r} has an empty vector in {encodings.encoding}: nothing is like it")
    return _answer(encodings, query, k, excluded=row, title=f"image {image_id}")


def near_text(encodings: Encodings, text: str, k: int) -> Answer:
    """Returns the k images whose captions are most like a text.

    Raises:
        InputError: none of its words is in the vocabulary.
    """
    if encodings.encoding != "captions":
        raise InputError("a text is made of words, and objects are told by synsets; ask the encoding captions")
    query, _ = encodings.vocabulary.encode([("", text)])
    if not query.nnz:
        raise InputError(f"no word of {text!r} has a weight in the vocabulary of {encodings.version.folder}")
    return _answer(encodings, query, k, excluded=None, title=f"{text!r}")


def describe_near(answer: Answer) -> RenderableType:
    """The answer for the terminal: its terms, and a line for each image."""
    table = Table("image", "split", "similarity", "in common", "phrases", box=None)
    table.columns[2].justify = "right"
    for one in answer.near:
        said = plain_text("; ".join(one.phrases))
        common = plain_text(" ".join(one.in_common))
        table.add_row(plain_text(one.image_id), one.split, f"{one.similarity:.4f}", common, said)
    own = ", ".join(f"{term} {weight:.2f}" for term, weight in answer.terms.items())
    return Group(
        plain_text(f"{answer.title}: {own}"), "", table if answer.near else "no image has a term in common with it"
    )


def facts_of_near(answer: Answer) -> dict[str, Any]:
    """The same for programs."""
    return {"asked": answer.title, "terms": answer.terms, "near": [asdict(one) for one in answer.near]}


def _answer(encodings: Encodings, query: sp.csr_array, k: int, excluded: int | None, title: str) -> Answer:
    rows, similarities = most_similar(encodings.weights, query, k + 1)
    chosen = [(row, s) for row, s in zip(rows.tolist(), similarities.tolist(), strict=True) if row != excluded][:k]
    ids, terms = encodings.image_ids, encodings.vocabulary.terms
    both = sp.csr_array(sp.vstack([query, encodings.weights[[row for row, _ in chosen]]]))
    regions = read_batches(encodings.root, version_table(encodings.version, "regions"), _ROWS, ["image_id", "phrase"])
    phrases = phrases_of(regions, {ids[row] for row, _ in chosen}, _SHOWN_PHRASES)
    near = [
        Near(ids[row], encodings.splits[row], similarity, shared_terms(both, 0, n, terms), list(phrases[ids[row]]))
        for n, (row, similarity) in enumerate(chosen, start=1)
    ]
    return Answer(title, dict(heaviest_terms(query, 0, terms)), near)
