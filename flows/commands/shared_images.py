"""The images that captions, indexes and what people answered have in common, and what each of them lacks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from flows.commands.near import Encodings
from flows.commands.terminal import errors
from storage.errors import DamagedTableError, InputError
from storage.manifest import IndexManifest, NetworkManifest
from storage.parquet import is_intact
from storage.root import Root
from storage.tables.training import TEXT_FILES
from storage.versions import find_version, only_name, read_source, read_version_table, version_table
from tasks.captions.pictures import named_by
from tasks.evaluate.answers import read_answers
from tasks.evaluate.methods import Rows
from tasks.evaluate.people import Triplet
from tasks.index.build import Vectors
from tasks.index.published import open_vectors


@dataclass(frozen=True)
class ScoredIndex:
    """A published index: its network where that was trained, and its descriptors, float32 (images, d), by image id."""

    version: IndexManifest
    network: NetworkManifest | None
    rows: Mapping[str, int]
    vectors: Vectors

    def vectors_of(self, image_ids: Sequence[str]) -> NDArray[np.float32]:
        """Returns the descriptors of some images, float32 (images, d)."""
        return self.vectors[[self.rows[image_id] for image_id in image_ids]]

    @property
    def method(self) -> str:
        """What it is called in the paper's table, where images are asked with."""
        if not self.network:
            return "visual, untrained"
        if not self.network.captions:
            return "visual, by classes"
        return "(V+T, V)" if self.has_text else "(V, V)"

    @property
    def has_text(self) -> bool:
        """Whether its network has learned from texts too."""
        return bool(self.network and TEXT_FILES.keys() <= self.network.tables.keys())


@dataclass(frozen=True)
class SharedImages:
    """Images that a version of captions and every index have.

    Attributes:
        image_ids: those of the test split, in the order of the captions, then others that people were asked about.
        tested: how many are of the test split.
        answers: of people, about these images alone.
    """

    captions: Encodings
    indexes: Sequence[ScoredIndex]
    image_ids: list[str]
    tested: int
    answers: list[Triplet]

    @property
    def row_of(self) -> dict[str, int]:
        """The row of each image."""
        return {image_id: row for row, image_id in enumerate(self.image_ids)}

    def weights(self) -> sp.csr_array:
        """Returns what is said of them, float32 (images, terms)."""
        rows = {image_id: row for row, image_id in enumerate(self.captions.image_ids)}
        return sp.csr_array(self.captions.weights[[rows[image_id] for image_id in self.image_ids]])

    def triplets(self) -> list[Rows]:
        """Selects test triplets of the captions whose images are all here: queries, positives, negatives."""
        names, known = ("query", "positive", "negative"), self.row_of
        table = read_version_table(self.captions.root, self.captions.version, "caption_triplets", [*names, "split"])
        rows = [
            [known[row[name]] for name in names]
            for row in table.to_pylist()
            if row["split"] == "test" and all(row[name] in known for name in names)
        ]
        return list(np.array(rows, np.int64).reshape(-1, len(names)).T)


def open_scored(root: Root, which: str) -> ScoredIndex:
    """Opens an index: NAME/N or NAME/DIGEST as `cairn indexes` lists it, or without NAME where there is only one.

    Raises:
        InputError: there is no such index, or the root is not on this machine's disk.
        DamagedTableError: a file is gone, or changed.
    """
    name, _, number = which.rpartition("/")
    version = find_version(root, only_name(root, name or None, IndexManifest), number, IndexManifest)
    ref = version_table(version, "vectors")
    path = root.local_path(ref.path)
    if not is_intact(root, ref):
        raise DamagedTableError(f"{path} was changed or damaged; run cairn index again")
    image_ids = read_version_table(root, version, "indexed", ["image_id"])["image_id"].to_pylist()
    network = read_source(root, version.trained, NetworkManifest) if version.trained else None
    rows = {image_id: row for row, image_id in enumerate(image_ids)}
    return ScoredIndex(version, network, rows, open_vectors(path, len(image_ids), version.dimensions))


def share(captions: Encodings, indexes: Sequence[ScoredIndex], answers: Path | None) -> SharedImages:
    """Joins captions, indexes and people's answers by image id, and tells what each of them lacks.

    Raises:
        InputError: fewer than three images of the test split are in all, or the answers can't be read.
    """
    split_of = dict(zip(captions.image_ids, captions.splits, strict=True))
    for index in indexes:
        _tell_missing(captions, split_of, index)
    common = [image_id for image_id in split_of if all(image_id in index.rows for index in indexes)]
    tested = [image_id for image_id in common if split_of[image_id] == "test"]
    if len(tested) < 3:
        raise InputError(
            f"{len(tested)} test images of {captions.version.folder} are in every index, and three are needed; index a "
            "version that was curated from `cairn captions list`, so that images have the captions' ids"
        )
    asked = _asked(answers, split_of, set(common)) if answers else []
    others = {image_id for one in asked for image_id in (one.query, one.a, one.b)} - set(tested)
    return SharedImages(captions, indexes, tested + sorted(others), len(tested), asked)


def _tell_missing(captions: Encodings, split_of: Mapping[str, str], index: ScoredIndex) -> None:
    told, made, network = captions.version.folder, index.version.folder, index.network
    tested = [image_id for image_id, split in split_of.items() if split == "test"]
    lacking = sum(image_id not in index.rows for image_id in tested)
    unsaid = len(index.rows.keys() - split_of.keys())
    if lacking:
        _caution(f"{made} lacks {lacking:,} of {len(tested):,} test images of {told}")
    if unsaid:
        _caution(f"{told} has no caption of {unsaid:,} of {len(index.rows):,} images of {made}")
    if network and network.captions and network.captions_digest != captions.version.digest:
        _caution(f"{network.folder} learned from captions/{network.captions}: what tests here may have trained it")


def _asked(answers: Path, split_of: Mapping[str, str], image_ids: set[str]) -> list[Triplet]:
    """What people answered of these images, which may be named as the files that people were shown."""

    def known(name: str) -> str:
        return name if name in image_ids else named_by(PurePath(name), image_ids)

    given = [replace(one, query=known(one.query), a=known(one.a), b=known(one.b)) for one in read_answers(answers)]
    found = [one for one in given if {one.query, one.a, one.b} <= image_ids]
    if left := len(given) - len(found):
        _caution(f"{answers}: {left:,} of {len(given):,} triplets have other images")
    if training := sum("train" in {split_of[one.query], split_of[one.a], split_of[one.b]} for one in found):
        _caution(f"{answers}: {training:,} of {len(found):,} triplets have an image that may have trained")
    return found


def _caution(line: str) -> None:
    errors.print(f"[bold yellow]![/] {line}", highlight=False, soft_wrap=True)
