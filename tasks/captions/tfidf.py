"""tf-idf: t = tf · idf / ‖tf · idf‖₂ with idf = ln(N / df), df and N of the training images alone.

scikit-learn's idf adds 1, so that what all documents have still counts; ours, the textbook's, gives it no weight.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfTransformer

from storage.errors import InputError
from storage.tables.captions import CAPTION_VOCABULARY
from tasks.captions.settings import EncodeSettings

_BLOCK = 1 << 14

NOT_A_TERM, NOT_IN_TRAIN, TOO_RARE = "not a term", "in no training image", "in fewer training images than min_df"
"""Why an occurrence has no weight."""


@dataclass(frozen=True)
class Encoded:
    """Images by terms: the matrix of one encoding, and its vocabulary.

    Attributes:
        weights: float32 (images, terms), rows of length 1 or 0, no zeros stored, columns ascending.
        vocabulary: a row per column; the schema is that of `caption_vocabulary` and `object_vocabulary` alike.
        unknown: int32 (images,): occurrences in each that have no term. left_out: reason to their number in all.
        train_images: N.
    """

    weights: sp.csr_array
    vocabulary: pa.Table
    unknown: NDArray[np.int32]
    left_out: dict[str, int]
    train_images: int


def encode(
    counts: sp.csr_array,
    forms: Sequence[str],
    terms: Sequence[str | None],
    train: NDArray[np.bool_],
    settings: EncodeSettings,
) -> Encoded:
    """Encodes images, and learns the vocabulary from those that train.

    Args:
        counts: int32 (images, forms): occurrences. forms: the form of each column. terms: what it counts as; None: as
            nothing. train: bool (images,).

    Raises:
        InputError: no image trains.
    """
    if not train.any():
        raise InputError("no image falls into the training split, which idf is computed from; give more images")
    names, by_term = group(counts, terms)
    df = np.diff(by_term[train].tocsc().indptr)
    kept = df >= settings.min_df
    idf = _transformer(settings).fit(by_term[train][:, kept]).idf_ - 1 if kept.any() else np.empty(0)
    occurrences = by_term.sum(axis=0)
    left_out = {
        NOT_A_TERM: int(counts.sum() - by_term.sum()),
        NOT_IN_TRAIN: int(occurrences[df == 0].sum()),
        TOO_RARE: int(occurrences[~kept & (df > 0)].sum()),
    }
    statistics = {"df": df[kept], "idf": idf, "occurrences": occurrences[kept]}
    vocabulary = _vocabulary(counts, forms, terms, [name for name, keep in zip(names, kept, strict=True) if keep])
    table = pa.table({**vocabulary, **statistics}).select(CAPTION_VOCABULARY.schema.names)
    by_term, seen = by_term[:, kept], counts.sum(axis=1)
    return Encoded(
        weights=weigh(by_term, idf, settings),
        vocabulary=table.cast(CAPTION_VOCABULARY.schema),
        unknown=np.asarray(seen - by_term.sum(axis=1), np.int32),
        left_out={reason: count for reason, count in left_out.items() if count},
        train_images=int(train.sum()),
    )


def group(counts: sp.csr_array, terms: Sequence[str | None]) -> tuple[list[str], sp.csr_array]:
    """Adds up the columns that count as the same term.

    Returns:
        The terms in alphabetical order, and int32 (images, terms).
    """
    names = sorted({term for term in terms if term is not None})
    columns = {name: column for column, name in enumerate(names)}
    known = np.array([column for column, term in enumerate(terms) if term is not None], np.int32)
    target = np.array([columns[term] for term in terms if term is not None], np.int32)
    mapping = sp.csr_array((np.ones(len(known), np.int32), (known, target)), shape=(len(terms), len(names)))
    by_term = (counts @ mapping).tocsr()
    by_term.sort_indices()
    return names, by_term


def weigh(counts: sp.csr_array, idf: NDArray[np.float64], settings: EncodeSettings) -> sp.csr_array:
    """Weighs counts of terms, int32 (images, terms), by an idf; see `Encoded.weights`."""
    if not counts.shape[1]:
        return sp.csr_array(counts.shape, dtype=np.float32)
    transformer = _transformer(settings)
    transformer.idf_ = idf
    blocks = [sp.csr_array((0, counts.shape[1]), dtype=np.float32)]
    for start in range(0, counts.shape[0], _BLOCK):  # in float64, which the whole of it need not be at once
        block = sp.csr_array(transformer.transform(counts[start : start + _BLOCK].astype(np.float64), copy=False))
        block = block.astype(np.float32)
        block.eliminate_zeros()
        blocks.append(block)
    weights = sp.csr_array(sp.vstack(blocks, format="csr"))
    weights.sort_indices()
    return weights


def _transformer(settings: EncodeSettings) -> TfidfTransformer:
    return TfidfTransformer(norm="l2", smooth_idf=False, sublinear_tf=settings.sublinear)


def _vocabulary(
    counts: sp.csr_array, forms: Sequence[str], terms: Sequence[str | None], names: list[str]
) -> dict[str, Any]:
    """Each term with the forms that counted as it, the most frequent first, equally frequent ones by the alphabet."""
    found: dict[str, list[tuple[int, str]]] = {name: [] for name in names}
    for form, term, count in zip(forms, terms, counts.sum(axis=0).tolist(), strict=True):
        if term in found:
            found[term].append((-count, form))
    ordered = [sorted(members) for members in found.values()]
    return {
        "column": range(len(names)),
        "term": names,
        "forms": pa.array([[form for _, form in members] for members in ordered], pa.list_(pa.string())),
        "form_counts": pa.array([[-count for count, _ in members] for members in ordered], pa.list_(pa.int64())),
    }
