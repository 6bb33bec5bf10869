"""What the objects of an image are, by their WordNet synsets."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache

from storage.errors import InputError

NO_SYNSET = ""
"""Stands for the synset of an object that has none."""

Named = tuple[str, str]
"""A synset and the name that an object of it goes by."""

Lookup = Callable[[str], str]
"""Name to synset, or `NO_SYNSET`."""


def count_synsets(objects: Iterable[tuple[Sequence[str], Sequence[str]]], lookup: Lookup) -> Counter[Named]:
    """Returns the synsets of objects, each with the object's name; an object of several counts once for each.

    Args:
        objects: names and synsets of each.
        lookup: finds the synset of a name, where an object has none.
    """
    counts: Counter[Named] = Counter()
    for names, synsets in objects:
        counts.update((synset, names[0]) for synset in synsets or [lookup(names[0])])
    return counts


def find_nothing(_: str) -> str:
    """Returns the lookup of those who have no WordNet."""
    return NO_SYNSET


def wordnet_version() -> str | None:
    """Returns the version of the WordNet that NLTK finds on this machine, or None.

    Raises:
        InputError: it finds one with files missing.
    """
    from nltk.corpus import wordnet  # reads the machine's folders of corpora

    try:
        return str(wordnet.get_version() or "of a version it does not tell")
    except LookupError:
        return None
    except OSError as error:
        raise InputError(f"NLTK's WordNet can't be read: {error}; mend it, or remove it to do without") from error


def find_in_wordnet() -> Lookup:
    """Opens a lookup of nouns in NLTK's WordNet: a name's most frequent sense as it stands, or of its base form."""
    from nltk.corpus import wordnet

    @cache
    def find(name: str) -> str:
        senses = wordnet.synsets("_".join(name.lower().split()), wordnet.NOUN)
        return str(senses[0].name()) if senses else NO_SYNSET

    return find
