"""A published vocabulary of stems, put to use on other people's phrases."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray

from storage.tables.captions import ENCODED_IMAGES
from tasks.captions.forms import count_forms, count_words, make_stemmer
from tasks.captions.settings import EncodeSettings
from tasks.captions.tfidf import weigh


@dataclass(frozen=True)
class Vocabulary:
    """The terms of an encoding, and the variant of tf-idf that they were weighed by.

    Attributes:
        table: `caption_vocabulary` or `object_vocabulary`. settings: those of the version.
    """

    table: pa.Table
    settings: EncodeSettings

    @cached_property
    def terms(self) -> list[str]:
        """The term of each column."""
        terms: list[str] = self.table["term"].to_pylist()
        return terms

    def encode(self, phrases: Iterable[tuple[str, str]]) -> tuple[sp.csr_array, pa.Table]:
        """Encodes images by stems, as those of the version were.

        Args:
            phrases: image id and phrase, in any order.

        Returns:
            float32 (images, terms), rows of length 1 or 0, and a row of `encoded_images` for each; images are in the
            order of their first phrase.
        """
        rows: dict[str, int] = {}
        told = [(image_id, phrase) for image_id, phrase in phrases if rows.setdefault(image_id, len(rows)) >= 0]
        found = count_forms(told, rows, count_words)
        counts = (found.counts @ self._columns_of(found.forms)).tocsr()
        weights, counted = weigh(counts, self._idf, self.settings), found.counts.sum(axis=1)
        columns = {
            "row": range(len(rows)),
            "image_id": list(rows),
            "descriptions": found.descriptions,
            "counted": counted,
            "unknown": counted - counts.sum(axis=1),
            "distinct_terms": np.diff(weights.indptr),
        }
        return weights, pa.table(columns).cast(ENCODED_IMAGES.schema)

    def unknown_words(self, text: str) -> list[str]:
        """Returns the words of a text that are counted as no term, in their order, each once."""
        words = list(count_words([text]))
        known = np.flatnonzero(np.diff(self._columns_of(words).indptr))
        return [word for row, word in enumerate(words) if row not in known]

    def _columns_of(self, words: list[str]) -> sp.csr_array:
        """Words by terms: 1 where a word's stem is the term."""
        stem, column_of = make_stemmer(self.settings), {term: column for column, term in enumerate(self.terms)}
        known = [(row, column_of[term]) for row, word in enumerate(words) if (term := stem(word)) in column_of]
        rows, columns = np.array(known, np.int32).reshape(-1, 2).T
        return sp.csr_array((np.ones(len(known), np.int32), (rows, columns)), shape=(len(words), len(column_of)))

    @cached_property
    def _idf(self) -> NDArray[np.float64]:
        return np.asarray(self.table["idf"].to_numpy())
