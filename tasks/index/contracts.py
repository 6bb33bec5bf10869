"""What the stages `index` and `publish-index` read and write."""

from storage.manifest import BuiltFacts, TriedIndex
from storage.tables.acquisition import ImagesRef
from storage.tables.descriptors import DescriptorsRef, UndescribedRef
from storage.tables.retrieval import IndexedRef, ResultsRef
from storage.tables.spec import FileRef, MatrixRef
from storage.tables.versions import ThumbnailsRef, VerdictsRef
from tasks.contracts import Inputs, Output


class EarlierIndex(Inputs):
    """An index of the same network, of another version: what both have is not coded again."""

    index: MatrixRef
    indexed: IndexedRef
    factory: str


class IndexInputs(Inputs):
    """What `index` reads: images of a version with its verdicts, and the descriptors of all shards."""

    images: ImagesRef
    verdicts: VerdictsRef
    descriptors: list[DescriptorsRef]
    undescribed: list[UndescribedRef]
    earlier: EarlierIndex | None = None


class Indexed(Output):
    """What `index` writes, what the kinds of index cost and found, and how many images it lacks, by reason.

    `nearest` is a picture of some images with those nearest to each.
    """

    indexed: IndexedRef
    index: MatrixRef
    vectors: MatrixRef
    nearest: FileRef
    dimensions: int
    chosen: TriedIndex
    tried: list[TriedIndex]
    not_indexed: dict[str, int]


class WorstPage(Inputs):
    """The page of a test set's worst queries, and its pictures."""

    page: FileRef
    pictures: ThumbnailsRef


class PublishIndexInputs(Inputs):
    """What `publish-index` reads."""

    name: str
    indexed: IndexedRef
    index: MatrixRef
    vectors: MatrixRef
    nearest: FileRef
    whitening: FileRef
    results: list[ResultsRef]
    worst: dict[str, WorstPage]
    """By test set."""
    facts: BuiltFacts
