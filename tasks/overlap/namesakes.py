"""Classes that are named like a landmark of a test set. A name proves nothing: they are listed, to be looked at."""

import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from storage.errors import InputError
from storage.tables.overlap import NAMESAKES

Aliases = Mapping[str, tuple[str, ...]]
"""By site, further spellings of its name."""

_KNOWN = Path(__file__).with_name("aliases.toml")
_EXPECTED = 'expected a TOML file of lines such as eiffel = ["Tour Eiffel"]'
_FORM = TypeAdapter(dict[str, tuple[str, ...]])


def read_aliases(path: Path | None = None) -> Aliases:
    """Reads spellings of the official test sets' sites, and those of a TOML file of lines `site = ["spelling"]`.

    Raises:
        InputError: the file does not parse or says something else.
    """
    known = _read(_KNOWN)
    given = _read(path) if path else {}
    return {site: (*known.get(site, ()), *given.get(site, ())) for site in sorted({*known, *given})}


def namesakes(images: pd.DataFrame, overlaps: pd.DataFrame, sites: pd.DataFrame, aliases: Aliases) -> pd.DataFrame:
    """Makes the table `namesakes`: classes named as a site, or an alias of it, but for case and accents.

    Args:
        images: image_id, landmark_id of all that are readable. overlaps: image_id, test_set, site.
        sites: test_set, site.
        aliases: by site; names that no test set has say nothing.
    """
    members = images.groupby("landmark_id").image_id.agg(set)
    classes: dict[str, list[str]] = {}
    for landmark in members.index:
        classes.setdefault(plain(landmark), []).append(landmark)
    rows = []
    for test_set, site in sites.drop_duplicates().sort_values(["test_set", "site"]).itertuples(index=False):
        shown = set(overlaps.image_id[(overlaps.test_set == test_set) & (overlaps.site == site)])
        for landmark, spelling in _named(classes, (site, *aliases.get(site, ()))):
            own = members[landmark]
            rows.append((landmark, test_set, site, spelling, len(own), len(own & shown)))
    return pd.DataFrame(rows, columns=NAMESAKES.schema.names)


def plain(name: str) -> str:
    """Returns a name without case, accents, spaces and punctuation.

    >>> plain("Sacré-Cœur") == plain("SACRE COEUR")
    True
    """
    letters = unicodedata.normalize("NFKD", name.casefold().replace("œ", "oe").replace("æ", "ae"))
    return "".join(letter for letter in letters if letter.isalnum())


def _named(classes: Mapping[str, list[str]], spellings: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Classes with one of the spellings, each once, with the first that is its name."""
    found: dict[str, str] = {}
    for spelling in spellings:
        for landmark in classes.get(plain(spelling), ()) if plain(spelling) else ():
            found.setdefault(landmark, spelling)
    yield from found.items()


def _read(path: Path) -> dict[str, tuple[str, ...]]:
    try:
        return _FORM.validate_python(tomllib.loads(path.read_text("utf-8-sig")))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"aliases {path}: {error}; {_EXPECTED}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"aliases {path}: {first['loc'][0]}: {first['msg']}; {_EXPECTED}") from error
