"""What a test set's authors say of its photographs: queries, answers, junk. Readers of the formats in use."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from storage.errors import InputError
from tasks.overlap.formats import read_sites, read_text, split_text_name
from tasks.overlap.revisited import SUFFIXES, read_revisited, revisited_reader

Role = Literal["query", "positive", "junk", "distractor"]

_KINDS: dict[str, Role] = {"query": "query", "good": "positive", "ok": "positive", "junk": "junk"}
_STRENGTH: tuple[Role, ...] = ("query", "positive", "junk")
_PLAIN = "groundtruth.json"
_BINARY = re.compile(r"gnd_.+\.(mat|pkl)")
_TEXT = re.compile(rf"(.+)_[0-9]+_({'|'.join(_KINDS)})\.txt")
_NO_SITES = ("oxford", "paris_general")  # names of photographs that were found by the name of the town


class Part(NamedTuple):
    """The part that a photograph plays for a site."""

    role: Role
    site: str


def read_ground_truth(name: str, files: Sequence[Path]) -> dict[str, Part] | None:
    """Returns the parts of the photographs that a ground truth names, by their `stem_of`.

    Read are `groundtruth.json` (site to lists query, good, ok and junk), the Matlab file of the revisited sets
    (Radenović et al. 2018) or a pickle of the same, and the text files of Oxford Buildings and Paris (Philbin et al.
    2007, 2008), the first of them that is there; last a revisited file under another name than that of the set. A
    photograph that several sites name is given to the one where it weighs most: as a query, then as an answer, then as
    junk.

    Args:
        name: of the test set.
        files: all of its folder, at any depth.

    Returns:
        None where there is no ground truth.

    Raises:
        InputError: a file of it says something else than its format allows.
    """
    chosen = ground_truth_files(name, files)
    if not chosen:
        return None
    if chosen[0].name == _PLAIN:
        lists = list(_parts_of_sites(read_sites(chosen[0])))
    elif chosen[0].suffix in SUFFIXES:
        lists = list(_parts_of_revisited(chosen[0]))
    else:
        lists = [entry for file in chosen for entry in _parts_of_text(file)]
    parts: dict[str, Part] = {}
    for photograph, part in sorted(lists, key=lambda entry: (_STRENGTH.index(entry[1].role), entry[1].site)):
        parts.setdefault(photograph, part)
    return parts


def ground_truth_files(name: str, files: Sequence[Path]) -> list[Path]:
    """Returns the files of the ground truth that `read_ground_truth` reads: one, or all texts.

    None where there is none.

    Raises:
        InputError: there are several of a kind of which there must be one.
    """
    revisited = [file for file in files if file.stem.startswith("gnd_") and file.suffix in SUFFIXES]
    if plain := _only(name, [file for file in files if file.name == _PLAIN]):
        return [plain]
    if own := _only(name, [file for file in revisited if file.stem == f"gnd_{name}"]):
        return [own]
    if texts := [file for file in files if _TEXT.fullmatch(file.name)]:
        return texts
    other = _only(name, revisited)
    return [other] if other else []


def is_ground_truth(name: str) -> bool:
    """Returns whether a file of this name is one of a ground truth, and so no photograph."""
    return name == _PLAIN or bool(_TEXT.fullmatch(name) or _BINARY.fullmatch(name))


def stem_of(photograph: str) -> str:
    """Returns how ground truths name a photograph: its file's name without extension, accents composed.

    Disks of some makes keep a letter and its accent apart, and editors do not.
    """
    return unicodedata.normalize("NFC", Path(photograph).stem)


def site_of(file_name: str) -> str:
    """Returns the landmark in the name of a test photograph: without extension and trailing number.

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


def _parts_of_sites(sites: Mapping[str, Mapping[str, list[str]]]) -> Iterator[tuple[str, Part]]:
    for site, lists in sites.items():
        for kind, names in lists.items():
            yield from ((stem_of(photograph), Part(_KINDS[kind], site)) for photograph in names)


def _parts_of_text(file: Path) -> Iterator[tuple[str, Part]]:
    query, kind = split_text_name(file)
    part = Part(_KINDS[kind], query.rpartition("_")[0])
    return ((stem_of(line.photograph), part) for line in read_text(file))


def _parts_of_revisited(file: Path) -> Iterator[tuple[str, Part]]:
    """The revisited ground truth names no sites: a query's is the commonest name among its answers."""
    with revisited_reader() as reader:
        found = read_revisited(file, reader)
    for entry in found:
        answers = [*entry.easy, *entry.hard]
        names = Counter(site_of(photograph) for photograph in (entry.query, *answers))
        site = min(names, key=lambda name: (name in _NO_SITES, -names[name], name))
        yield stem_of(entry.query), Part("query", site)
        yield from ((stem_of(photograph), Part("positive", site)) for photograph in answers)
        yield from ((stem_of(photograph), Part("junk", site)) for photograph in entry.junk)
