"""Two of the forms that ground truths come in: a JSON file of our own, and the text files of Oxford and Paris."""

import json
from pathlib import Path
from typing import NamedTuple

from storage.errors import InputError

KINDS = ("query", "good", "ok", "junk")
"""What photographs are to a site, in both."""
_QUERY_PREFIX = "oxc1_"  # of Oxford Buildings' query files alone


def read_sites(file: Path) -> dict[str, dict[str, list[str]]]:
    """Returns a `groundtruth.json`: by site and kind, file names of photographs.

    Raises:
        InputError: it says something else.
    """
    expected = '{"site": {"query": ["name.jpg"], "good": [], "ok": [], "junk": []}}'
    found: dict[str, dict[str, list[str]]] = {}
    try:
        for site, lists in json.loads(file.read_bytes()).items():
            site.encode()
            for kind, names in lists.items():
                if not isinstance(names, list):
                    raise TypeError(f"{kind!r} of {site!r} is not a list")
                if kind not in KINDS:
                    raise KeyError(kind)
                if not all(isinstance(photograph, str) for photograph in names):
                    raise TypeError(f"{kind!r} of {site!r} holds what is no name")
                found.setdefault(site, {})[kind] = names
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError, OSError) as error:
        raise InputError(f"{file}: {type(error).__name__}: {error}; expected {expected}") from error
    return found


class Line(NamedTuple):
    """A line of a text file of Oxford Buildings or Paris: a photograph, and the box of a query."""

    photograph: str
    box: tuple[float, ...]


def split_text_name(file: Path) -> tuple[str, str]:
    """Returns query and kind of such a file: of `all_souls_1_good.txt` `all_souls_1` and `good`."""
    query, _, kind = file.stem.rpartition("_")
    return query, kind


def read_text(file: Path) -> list[Line]:
    """Reads a ground truth of text: a photograph a line, queries with a box x1 y1 x2 y2 in pixels.

    Raises:
        InputError: a line says something else.
    """
    kind = split_text_name(file)[1]
    wanted = "a name and four numbers" if kind == "query" else "a name"
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(f"{file}: not UTF-8 text: {error}; expected names of photographs, one a line") from error
    found = []
    for number, line in enumerate(lines, start=1):
        words = line.split()
        try:
            if len(words) not in (0, 5 if kind == "query" else 1):
                raise ValueError("too many or too few words")
            if words:
                box = tuple(float(word) for word in words[1:])
                found.append(Line(words[0].removeprefix(_QUERY_PREFIX), box))
        except ValueError as error:
            raise InputError(f"{file}, line {number}: {line!r}; expected {wanted}") from error
    return found
