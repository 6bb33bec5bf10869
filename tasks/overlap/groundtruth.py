"""What a test set's authors say of its photographs: queries, answers, junk. Readers of the formats in use."""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from storage.errors import InputError
from tasks.overlap.matlab import matlab_reader, read_revisited

Role = Literal["query", "positive", "junk", "distractor"]

_KINDS: dict[str, Role] = {"query": "query", "good": "positive", "ok": "positive", "junk": "junk"}
_STRENGTH: tuple[Role, ...] = ("query", "positive", "junk")
_PLAIN, _REVISITED = "groundtruth.json", (".mat", ".pkl")
_BINARY = re.compile(r"gnd_.+\.(mat|pkl)")
_TEXT = re.compile(rf"(.+)_[0-9]+_({'|'.join(_KINDS)})\.txt")
_QUERY_PREFIX = "oxc1_"  # of Oxford Buildings' query files alone
_NO_SITES = ("oxford", "paris_general")  # names of photographs that were found by the name of the town


class Part(NamedTuple):
    """The part that a photograph plays for a site."""

    role: Role
    site: str


def read_ground_truth(name: str, files: Sequence[Path]) -> dict[str, Part] | None:
    """The parts of the photographs that a ground truth names, by their `stem_of`.

    Read are `groundtruth.json` (site to lists query, good, ok and junk), the Matlab file of the revisited sets
    (Radenović et al. 2018), and the text files of Oxford Buildings and Paris (Philbin et al. 2007, 2008), the first of
    them that is there; last a Matlab file under another name than that of the set. A photograph that several sites
    name is given to the one where it weighs most: as a query, then as an answer, then as junk.

    Args:
        name: of the test set.
        files: all of its folder, at any depth.

    Returns:
        None where there is no ground truth.

    Raises:
        InputError: a file of it says something else than its format allows; or there is only a pickle, which is not
            opened, since it could run any code.
    """
    texts = [file for file in files if _TEXT.fullmatch(file.name)]
    if plain := _only(name, [file for file in files if file.name == _PLAIN]):
        lists = list(_read_json(plain))
    elif own := _only(name, [file for file in files if file.stem == f"gnd_{name}" and file.suffix in _REVISITED]):
        lists = list(_read_matlab(name, own))
    elif texts:
        lists = [entry for file in texts for entry in _read_text(file)]
    elif other := _only(name, [file for file in files if file.stem.startswith("gnd_") and file.suffix in _REVISITED]):
        lists = list(_read_matlab(name, other))
    else:
        return None
    parts: dict[str, Part] = {}
    for photograph, part in sorted(lists, key=lambda entry: (_STRENGTH.index(entry[1].role), entry[1].site)):
        parts.setdefault(photograph, part)
    return parts


def is_ground_truth(name: str) -> bool:
    """Whether a file of this name is one of a ground truth, and so no photograph."""
    return name == _PLAIN or bool(_TEXT.fullmatch(name) or _BINARY.fullmatch(name))


def stem_of(photograph: str) -> str:
    """By what a photograph is named in ground truths: its file's name without extension, accents composed.

    Disks of some makes keep a letter and its accent apart, and editors do not.
    """
    return unicodedata.normalize("NFC", Path(photograph).stem)


def site_of(file_name: str) -> str:
    """The landmark in the name of a test photograph: without extension and trailing number.

    >>> site_of("paris_eiffel_000004.jpg")
    'paris_eiffel'
    """
    stem = Path(file_name).stem
    start, _, number = stem.replace("-", "_").rpartition("_")
    return stem[: len(start)] if start and number.isdecimal() else stem


def _only(name: str, files: list[Path]) -> Path | None:
    """The file, or none where there is none; of a Matlab file and a pickle of it, the former.

    Raises:
        InputError: there are several.
    """
    chosen = sorted(file for file in files if file.suffix != ".pkl") or files
    if len(chosen) > 1:
        found = " and ".join(map(str, chosen[:3]))
        raise InputError(f"test set {name!r}: which is its ground truth, {found}? Leave only one there")
    return chosen[0] if chosen else None


def _read_json(file: Path) -> Iterator[tuple[str, Part]]:
    expected = '{"site": {"query": ["name.jpg"], "good": [], "ok": [], "junk": []}}'
    try:
        for site, lists in json.loads(file.read_bytes()).items():
            site.encode()
            for kind, names in lists.items():
                if not isinstance(names, list):
                    raise TypeError(f"{kind!r} of {site!r} is not a list")
                part = Part(_KINDS[kind], site)
                yield from ((stem_of(photograph), part) for photograph in names)
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError, OSError) as error:
        raise InputError(f"{file}: {type(error).__name__}: {error}; expected {expected}") from error


def _read_text(file: Path) -> Iterator[tuple[str, Part]]:
    """One file of Oxford Buildings or Paris, as `all_souls_1_good.txt`: a photograph a line, queries with a box."""
    site, _, kind = file.stem.rsplit("_", 2)
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(f"{file}: not UTF-8 text: {error}; expected names of photographs, one a line") from error
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if len(words) not in (0, 5 if kind == "query" else 1):
            wanted = "a name and four numbers" if kind == "query" else "a name"
            raise InputError(f"{file}, line {number}: {line!r}; expected {wanted}")
        if words:
            yield stem_of(words[0].removeprefix(_QUERY_PREFIX)), Part(_KINDS[kind], site)


def _read_matlab(name: str, file: Path) -> Iterator[tuple[str, Part]]:
    """The revisited ground truth names no sites: a query's is the commonest name among its answers."""
    if file.suffix == ".pkl":
        raise InputError(
            f"test set {name!r}: {file.name} is a pickle, which could run any code and is not opened; put the authors' "
            f"{file.stem}.mat beside it"
        )
    with matlab_reader() as reader:
        found = read_revisited(file, reader)
    for query, answers, junk in found:
        names = Counter(site_of(photograph) for photograph in (query, *answers))
        site = min(names, key=lambda name: (name in _NO_SITES, -names[name], name))
        yield stem_of(query), Part("query", site)
        yield from ((stem_of(photograph), Part("positive", site)) for photograph in answers)
        yield from ((stem_of(photograph), Part("junk", site)) for photograph in junk)
