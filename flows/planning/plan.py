"""What a curation will take, said before it runs: hours of fetching, core-hours of computing, disk and memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from flows.planning.prior_outcomes import NOTHING, PriorOutcomes, read_prior_outcomes, without_image, without_outcome
from flows.planning.room import ASSUMED_BYTES, Written, bytes_written
from flows.planning.sample import DRAWN_SIZE, Costs, choose_sample, draw_sample, measure_costs
from flows.planning.stage_costs import Photographs, Work, list_works
from flows.settings import CurateSettings
from storage.images import get_image
from storage.root import Root
from storage.versions import check_name
from tasks.acquire.estimate import Host, blocked_hosts, class_sizes, different_images, fetch_seconds, hosts_of
from tasks.acquire.guard import Guard
from tasks.acquire.remarks import odd_rows
from tasks.acquire.sources import SourceList, read_list
from tasks.match.estimate import Pairs
from tasks.match.shortlist import BLOCK
from tasks.overlap.signature import is_signature, read_signature
from tasks.overlap.testsets import read_test_set

# Bytes of the process, of a photograph whose class is matched, and of a row of the list: docs/evidence/benchmarks.md
_BASE_MEMORY, _PHOTOGRAPH_MEMORY, _ROW_MEMORY = 350_000_000, 300_000, 850


@dataclass(frozen=True)
class ListStats:
    """What is known of a list before anything of it is fetched.

    Attributes:
        rows: of the list. images: different ones. sizes: int64 (classes,), images of each class, ascending. fetched,
            failed: addresses with either outcome in the root. new: those with neither. hosts: of these, most first.
        blocked: hosts of all without an image that won't be asked, as HOST:PORT, most first.
        odd: sentences on rows that are not taken as they stand.
    """

    rows: int
    images: int
    sizes: NDArray[np.int64]
    new: int
    fetched: int
    failed: int
    hosts: list[Host]
    blocked: list[Host]
    is_folder: bool
    odd: list[str]


@dataclass(frozen=True)
class Sample:
    """What costs were measured on.

    Attributes:
        origin: of the pictures, in words. seconds: that it took. image_bytes: of an image, the mean; assumed where the
            pictures are drawn.
    """

    costs: Costs
    origin: str
    seconds: float
    image_bytes: float
    is_drawn: bool


@dataclass(frozen=True)
class Plan:
    """What a curation will take. `fetch_seconds` are the fewest that the slowest host allows."""

    asked: ListStats
    sample: Sample
    settings: CurateSettings
    workers: int
    works: list[Work]
    pairs: Pairs
    fetch_seconds: float

    @property
    def compared_sizes(self) -> NDArray[np.int64]:
        """Sizes of the classes that are large enough, ascending."""
        return self.asked.sizes[self.asked.sizes >= self.settings.select.min_class_size]

    @property
    def cpu_seconds(self) -> float:
        """The seconds of CPU of all stages."""
        return sum(work.seconds for work in self.works)

    @property
    def written(self) -> Written:
        """Bytes below the root, but for tables."""
        described, sample = int(self.compared_sizes.sum()), self.sample
        return bytes_written(self.asked.new, described, sample.image_bytes, sample.costs.keypoints)

    @property
    def memory_bytes(self) -> float:
        """The memory while the list is read or while workers match the largest classes, whichever is larger."""
        largest = np.minimum(self.compared_sizes[-self.workers :], BLOCK)
        return float(_BASE_MEMORY + max(self.asked.rows * _ROW_MEMORY, largest.sum() * _PHOTOGRAPH_MEMORY))


def plan_curation(
    source: Path,
    settings: CurateSettings,
    root: str,
    name: str | None,
    test_sets: Mapping[str, Path],
    workers: int,
    md5: Path | None = None,
    clean: Path | None = None,
) -> Plan:
    """Reads the list, looks at what the root has of it, and times the stages on a few pictures. Writes nothing.

    Args:
        name: of the dataset; None: nothing of the list is known. workers: tasks at once.

    Raises:
        InputError: the list, the name or a test set can't be used; the text says why.
    """
    tests = _count_tests(test_sets, settings)
    store = Root(root)
    known = read_prior_outcomes(store, name) if name else NOTHING
    read = read_list(source, md5, clean, longest=0)
    images = different_images(read.table)
    named, images = images.num_rows, images.filter(pc.not_equal(images["landmark_id"], ""))  # others are not fetched
    asked = _count(read, named, images, known, settings, is_folder=source.is_dir())
    sample = _measure(source, images, store, known, settings)
    large = asked.sizes[asked.sizes >= settings.select.min_class_size]
    works, pairs = list_works(asked.new, large, tests, sample.costs, settings)
    return Plan(asked, sample, settings, workers, works, pairs, fetch_seconds(asked.hosts, settings.polite))


def _count(
    read: SourceList, named: int, images: pa.Table, known: PriorOutcomes, settings: CurateSettings, *, is_folder: bool
) -> ListStats:
    """What is known of a list: it has `named` different images, of which `images` have a class."""
    addresses = pa.chunked_array([images["url"].unique()])
    new, fetched, failed = without_outcome(addresses, known)
    guard = Guard(settings.acquire.ports, settings.acquire.allowed_hosts)
    return ListStats(
        rows=read.table.num_rows,
        images=named,
        sizes=class_sizes(images),
        new=len(new),
        fetched=fetched,
        failed=failed,
        hosts=[] if is_folder else hosts_of(new),
        blocked=[] if is_folder else blocked_hosts(without_image(addresses, known), guard),
        is_folder=is_folder,
        odd=list(odd_rows(read)),
    )


def _count_tests(test_sets: Mapping[str, Path], settings: CurateSettings) -> Photographs:
    photographs = unsigned = 0
    for name, path in test_sets.items():
        check_name(name)
        if is_signature(path):
            photographs += read_signature(name, path, settings.features).table.num_rows
        else:
            unsigned += len(read_test_set(name, path).photographs)
    return Photographs(photographs + unsigned, unsigned)


def _measure(source: Path, images: pa.Table, store: Root, known: PriorOutcomes, settings: CurateSettings) -> Sample:
    """Times the stages on files of the list where it is a folder, on images of the root, or on drawn pictures."""
    begun = perf_counter()
    if source.is_dir():
        contents = _files(source, images["landmark_id"], images["url"], settings.acquire.max_bytes)
    else:
        contents = _stored(store, known)
    costs = measure_costs(contents, settings)
    if costs:
        each = float(np.mean([len(content) for content in contents]))
        return Sample(costs, "images of the list", perf_counter() - begun, each, is_drawn=False)
    costs = measure_costs(draw_sample(), settings)
    assert costs, "drawn pictures are images"
    return Sample(costs, f"drawn pictures of {DRAWN_SIZE} pixels", perf_counter() - begun, ASSUMED_BYTES, is_drawn=True)


def _files(folder: Path, classes: pa.ChunkedArray, paths: pa.ChunkedArray, longest: int) -> list[bytes]:
    files = (folder / path for path in _some(classes, paths))
    return [file.read_bytes() for file in files if file.stat().st_size <= longest]


def _stored(store: Root, known: PriorOutcomes) -> list[bytes]:
    paths = _some(known.images["landmark_id"], known.images["path"])
    return [get_image(store, path) for path in paths if store.exists(path)]


def _some(classes: pa.ChunkedArray, paths: pa.ChunkedArray) -> list[str]:
    numbers = classes.combine_chunks().dictionary_encode().indices  # of millions of classes, texts take long to sort
    return paths.take(choose_sample(numbers.to_numpy())).to_pylist() if len(paths) else []
