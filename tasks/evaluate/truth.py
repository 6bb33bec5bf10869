"""What a test set asks and what it takes for an answer: its queries, their boxes, and the grades of its photographs."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from storage.errors import InputError
from tasks.evaluate.lists import ANSWERS, QUERIES, Box, read_lists
from tasks.evaluate.protocol import CLASSIC, HOLIDAYS, OWN, REVISITED, Setup
from tasks.overlap.formats import read_sites, read_text, split_text_name
from tasks.overlap.groundtruth import ground_truth_files, stem_of
from tasks.overlap.revisited import SUFFIXES, read_revisited, revisited_reader

_HOLIDAYS = re.compile(r"(\d{4})(\d{2})")  # which group, and which photograph of it; the first asks


class Query(NamedTuple):
    """A question of a test set.

    Attributes:
        name: of the query.
        photograph: by its `stem_of`.
        box: x1, y1, x2, y2 in pixels of the photograph after EXIF orientation; None for all of it.
        grades: by grade, such as `good` or `junk`, photographs by their `stem_of`.
    """

    name: str
    photograph: str
    box: Box | None
    grades: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Truth:
    """All queries of a test set.

    Attributes:
        setups: what counts as an answer, by protocol.
        queries: sorted by name.
        apart: whether the photographs that ask are none that are searched.
    """

    setups: Mapping[str, Setup]
    queries: tuple[Query, ...]
    apart: bool = False


def read_truth(name: str, files: Sequence[Path]) -> Truth:
    """Returns the queries of a test set.

    Read are your own lists (`queries.csv` and `answers.csv`); `groundtruth.json`, the revisited sets' Matlab file or
    pickle and the text files of Oxford and Paris, as `tasks.overlap.groundtruth` chooses among them; of `holidays` the
    names of its photographs.

    Args:
        name: of the test set.
        files: all of its folder, at any depth.

    Raises:
        InputError: it has none of these, or one that says something else.
    """
    own = {file.name: file for file in files if file.name in (QUERIES, ANSWERS)}
    if own:
        return Truth(OWN, _sorted(_of_lists(own)))
    chosen = ground_truth_files(name, files)
    if chosen and chosen[0].suffix in SUFFIXES:
        return Truth(REVISITED, _sorted(_of_revisited(chosen[0])), apart=True)
    if chosen and chosen[0].suffix == ".json":
        return Truth(CLASSIC, _sorted(_of_sites(chosen[0])))
    if chosen:
        return Truth(CLASSIC, _sorted(_of_texts(chosen)))
    if found := _sorted(_of_holidays(files)):
        return Truth(HOLIDAYS, found)
    raise InputError(
        f"test set {name!r}: no ground truth in its folder; put the authors' files there (texts, gnd_*.mat or "
        f"gnd_*.pkl), or your own {QUERIES} and {ANSWERS}"
    )


def _sorted(queries: Iterator[Query]) -> tuple[Query, ...]:
    return tuple(sorted(queries, key=lambda query: query.name))


def _of_lists(own: Mapping[str, Path]) -> Iterator[Query]:
    if len(own) != 2:
        raise InputError(f"{next(iter(own.values()))}: {QUERIES} and {ANSWERS} belong together, and one is missing")
    asked, answers = read_lists(own[QUERIES], own[ANSWERS])
    for name, (image, box) in asked.items():
        grades = {grade: frozenset(images) for grade, images in answers[name].items()}
        yield Query(name, image, box, {"query": frozenset([image]), **grades})


def _of_revisited(file: Path) -> Iterator[Query]:
    with revisited_reader() as reader:
        found = read_revisited(file, reader)
    for entry in found:
        named = {"easy": entry.easy, "hard": entry.hard, "junk": entry.junk}
        grades = {grade: frozenset(map(stem_of, names)) for grade, names in named.items()}
        yield Query(stem_of(entry.query), stem_of(entry.query), entry.box, grades)


def _of_sites(file: Path) -> Iterator[Query]:
    """Each photograph that asks for a site is a query, in whole: this file knows no boxes."""
    for site, lists in read_sites(file).items():
        grades = {kind: frozenset(map(stem_of, names)) for kind, names in lists.items() if kind != "query"}
        for number, photograph in enumerate(sorted(map(stem_of, lists.get("query", []))), start=1):
            yield Query(f"{site}_{number}", photograph, None, grades)


def _of_texts(files: Sequence[Path]) -> Iterator[Query]:
    by_query: dict[str, dict[str, Path]] = defaultdict(dict)
    for file in files:
        query, kind = split_text_name(file)
        by_query[query][kind] = file
    for name, kinds in by_query.items():
        if "query" not in kinds:
            raise InputError(f"{next(iter(kinds.values()))}: {name}_query.txt is missing beside it")
        asked = read_text(kinds["query"])
        if len(asked) != 1:
            raise InputError(f"{kinds['query']}: {len(asked)} photographs; expected one")
        x1, y1, x2, y2 = asked[0].box
        graded = {kind: frozenset(stem_of(line.photograph) for line in read_text(kinds[kind])) for kind in kinds}
        yield Query(name, stem_of(asked[0].photograph), (x1, y1, x2, y2), {**graded, "query": frozenset()})


def _of_holidays(files: Sequence[Path]) -> Iterator[Query]:
    groups: dict[str, dict[str, str]] = defaultdict(dict)
    for stem in (stem_of(file.name) for file in files):
        if matched := _HOLIDAYS.fullmatch(stem):
            groups[matched[1]][matched[2]] = stem
    for group, numbers in groups.items():
        if asks := numbers.pop("00", None):
            grades = {"query": frozenset([asks]), "positive": frozenset(numbers.values())}
            yield Query(group, asks, None, grades)
