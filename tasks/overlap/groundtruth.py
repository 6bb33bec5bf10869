"""What a test set's authors say of its photographs: queries, answers, junk. Readers of the formats in use."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy.io import loadmat

from storage.errors import InputError

Role = Literal["query", "positive", "junk", "distractor"]

_KINDS: dict[str, Role] = {"query": "query", "good": "positive", "ok": "positive", "junk": "junk"}
_STRENGTH: tuple[Role, ...] = ("query", "positive", "junk")
_QUERY_PREFIX = "oxc1_"  # of Oxford Buildings' query files alone
_NO_SITES = ("oxford", "paris_general")  # names of photographs that were found by the name of the town


class Part(NamedTuple):
    """The part that a photograph plays for a site."""

    role: Role
    site: str


def read_ground_truth(name: str, folder: Path) -> dict[str, Part] | None:
    """The parts of the photographs that a ground truth below the folder names, by file name without extension.

    Read are `groundtruth.json` (site to lists query, good, ok and junk), the Matlab file of the revisited sets
    (Radenović et al. 2018), and the text files of Oxford Buildings and Paris (Philbin et al. 2007, 2008), the first of
    them that is there. A photograph that several sites name is given to the one where it weighs most: as a query, then
    as an answer, then as junk.

    Returns:
        None where there is no ground truth.

    Raises:
        InputError: a file of it says something else than its format allows; or there is only a pickle, which is not
            opened, since it could run any code.
    """
    plain, matlab, pickled = folder / "groundtruth.json", folder / f"gnd_{name}.mat", folder / f"gnd_{name}.pkl"
    texts = sorted(file for kind in _KINDS for file in folder.rglob(f"*_[0-9]_{kind}.txt"))
    if plain.is_file():
        lists = list(_read_json(plain))
    elif matlab.is_file():
        lists = list(_read_matlab(matlab))
    elif pickled.is_file():
        raise InputError(
            f"test set {name!r}: {pickled.name} is a pickle, which could run any code and is not opened; put the "
            f"authors' {matlab.name} beside it"
        )
    elif texts:
        lists = [entry for file in texts for entry in _read_text(file)]
    else:
        return None
    parts: dict[str, Part] = {}
    for photograph, part in sorted(lists, key=lambda entry: (_STRENGTH.index(entry[1].role), entry[1].site)):
        parts.setdefault(photograph, part)
    return parts


def site_of(file_name: str) -> str:
    """The landmark in the name of a test photograph: without extension and trailing number.

    >>> site_of("paris_eiffel_000004.jpg")
    'paris_eiffel'
    """
    stem = Path(file_name).stem
    start, _, number = stem.replace("-", "_").rpartition("_")
    return stem[: len(start)] if start and number.isdecimal() else stem


def _read_json(file: Path) -> Iterator[tuple[str, Part]]:
    expected = '{"site": {"query": ["name.jpg"], "good": [], "ok": [], "junk": []}}'
    try:
        for site, lists in json.loads(file.read_bytes()).items():
            for kind, names in lists.items():
                part = Part(_KINDS[kind], site)
                yield from ((Path(photograph).stem, part) for photograph in names)
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise InputError(f"{file}: {type(error).__name__}: {error}; expected {expected}") from error


def _read_text(file: Path) -> Iterator[tuple[str, Part]]:
    """One file of Oxford Buildings or Paris, as `all_souls_1_good.txt`: a photograph a line, queries with a box."""
    site, _, kind = file.stem.rsplit("_", 2)
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not text: {error}; expected names of photographs, one a line") from error
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if len(words) not in (0, 5 if kind == "query" else 1):
            wanted = "a name and four numbers" if kind == "query" else "a name"
            raise InputError(f"{file}, line {number}: {line!r}; expected {wanted}")
        if words:
            yield words[0].removeprefix(_QUERY_PREFIX), Part(_KINDS[kind], site)


def _read_matlab(file: Path) -> Iterator[tuple[str, Part]]:
    """The revisited ground truth: `imlist`, `qimlist` and, per query, places in `imlist` that count from 1.

    It names no sites. A query's is the commonest name among its answers; photographs are named by landmark.
    """
    try:
        found: dict[str, Any] = loadmat(file, simplify_cells=True)
        images, queries = (np.atleast_1d(found[name]).tolist() for name in ("imlist", "qimlist"))
        truths: list[Mapping[str, Any]] = np.atleast_1d(found["gnd"]).tolist()
        for query, truth in zip(queries, truths, strict=True):
            lists = {kind: [images[place] for place in _places(truth[kind])] for kind in ("easy", "hard", "junk")}
            answers = [*lists["easy"], *lists["hard"]]
            names = Counter(site_of(photograph) for photograph in (query, *answers))
            site = min(names, key=lambda name: (name in _NO_SITES, -names[name], name))
            yield Path(query).stem, Part("query", site)
            yield from ((Path(photograph).stem, Part("positive", site)) for photograph in answers)
            yield from ((Path(photograph).stem, Part("junk", site)) for photograph in lists["junk"])
    except (ValueError, KeyError, IndexError, TypeError, NotImplementedError) as error:
        expected = "the lists imlist and qimlist and, per query, gnd with easy, hard and junk"
        raise InputError(f"{file}: {type(error).__name__}: {error}; expected {expected}") from error


def _places(value: Any) -> list[int]:
    """Matlab's places, which count from 1, as ours; scipy gives a lone one without its array."""
    places = np.atleast_1d(value).astype(np.int64) - 1
    if (places < 0).any():
        raise ValueError("a place below 1")
    found: list[int] = places.tolist()
    return found
