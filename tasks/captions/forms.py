"""Counting what images are described by: the words of phrases, and the named synsets of objects.

Words are counted as they stand and stemmed afterwards, each of them once: millions of phrases have few different words.
"""

import re
from array import array
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any, Generic, TypeVar

import numpy as np
import scipy.sparse as sp
from nltk.stem.porter import PorterStemmer
from nltk.stem.snowball import SnowballStemmer
from numpy.typing import NDArray

from tasks.captions.settings import EncodeSettings

_TOKEN = re.compile("[a-z]+")

Form = TypeVar("Form", bound=Hashable)


class FormCounts(Generic[Form]):
    """How often each form occurs in each image, gathered bit by bit. 8 bytes a pair of image and form."""

    def __init__(self) -> None:
        self.forms: dict[Form, int] = {}
        self._rows, self._columns, self._counts = array("i"), array("i"), array("i")

    def add(self, row: int, counts: Mapping[Form, int]) -> None:
        """Counts these forms in an image; several times for one image is allowed."""
        known = self.forms
        self._columns.extend([known.setdefault(form, len(known)) for form in counts])
        self._counts.extend(counts.values())
        self._rows.extend([row] * len(counts))

    def matrix(self, images: int) -> sp.csr_array:
        """Returns the counts, int32 (images, forms)."""
        rows, columns, counts = (np.frombuffer(part, np.int32) for part in (self._rows, self._columns, self._counts))
        return sp.coo_array((counts, (rows, columns)), shape=(images, len(self.forms))).tocsr()


def count_words(phrases: Iterable[str]) -> Counter[str]:
    """Returns the words of phrases: lower case, runs of a to z."""
    return Counter(_TOKEN.findall("\n".join(phrases).lower()))


def make_stemmer(settings: EncodeSettings) -> Callable[[str], str | None]:
    """Makes the function from a word to its stem, None for a stop word, which stems each word once."""
    stemmer = SnowballStemmer("english") if settings.stemmer == "snowball" else PorterStemmer()
    stopped = frozenset(settings.stop_words)

    @cache
    def stem(word: str) -> str | None:
        return None if word in stopped else str(stemmer.stem(word))

    return stem


@dataclass(frozen=True)
class CountedForms:
    """How often each form occurs in each image, and how much was said of it.

    Attributes:
        forms: of each column. counts: int32 (images, forms). descriptions: int32 (images,): phrases, or objects.
    """

    forms: list[Any]
    counts: sp.csr_array
    descriptions: NDArray[np.int32]


def count_forms(
    descriptions: Iterable[tuple[str, Any]], rows: Mapping[str, int], count: Callable[[Iterable[Any]], Counter[Any]]
) -> CountedForms:
    """Counts the forms of images, whose descriptions may come in any order.

    Args:
        descriptions: image id, and a phrase or an object of it. rows: image id to row. count: `count_words`, or
            `count_synsets` with its lookup.
    """
    gathered: FormCounts[Any] = FormCounts()
    numbers = np.zeros(len(rows), np.int32)
    for image_id, members in groupby(descriptions, key=itemgetter(0)):
        part = [what for _, what in members]
        numbers[rows[image_id]] += len(part)
        gathered.add(rows[image_id], count(part))
    return CountedForms(list(gathered.forms), gathered.matrix(len(rows)), numbers)
