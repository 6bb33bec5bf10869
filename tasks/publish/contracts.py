"""What the stages `illustrate…`, `publish` and `certify` read and write."""

from pathlib import Path
from typing import Annotated

from storage.folders import records_of
from storage.manifest import Certificate, CurationFacts, Examined, Version
from storage.root import Root
from storage.tables.acquisition import (
    FETCH_LOG,
    DrawingsRef,
    DropsRef,
    FetchLogRef,
    ImagesRef,
    PassedOverRef,
    SourcesRef,
)
from storage.tables.features import MasksRef, SignatureRef, TemplatesRef
from storage.tables.groups import BoxesRef, ClassGroupsRef, ClassPairsRef, CutsRef, GroupsRef, NearMissesRef, PairsRef
from storage.tables.overlap import ComparisonsRef, ExpansionsRef, OverlapsRef
from storage.tables.spec import FileRef, ListingRef, TableRef
from storage.tables.versions import ThumbnailsRef
from tasks.contracts import Inputs, Output, Unkeyed
from tasks.overlap.certificate import CheckedSet


class PhotographFolders(Inputs):
    """Where photographs of test sets lie, by set, for drawings; sets of which only a signature came have none."""

    folders: Annotated[dict[str, Path], Unkeyed("the signatures behind `overlaps` stand for what lies there")]
    names: list[str]
    """Of the sets whose photographs are at hand."""


class OverlapEvidence(Inputs):
    """What is drawn for images that share something with a test set."""

    overlaps: OverlapsRef
    photographs: PhotographFolders


class GroupEvidence(Inputs):
    """What is drawn for images that their class's groups left out."""

    pairs: PairsRef
    near_misses: NearMissesRef
    groups: GroupsRef
    cuts: CutsRef


class IllustrateInputs(Inputs):
    """What `illustrate` reads; packets that went no further have no evidence."""

    images: ImagesRef
    overlaps: OverlapEvidence | None = None
    groups: GroupEvidence | None = None


class OverlapDrawingInputs(Inputs):
    """What `illustrate-overlaps` reads."""

    images: ImagesRef
    overlaps: OverlapEvidence


class ClassDrawingInputs(Inputs):
    """What `illustrate-classes` reads: all images, the pairs across classes, and what was dropped for them."""

    images: list[ImagesRef]
    class_pairs: ClassPairsRef
    drops: list[DropsRef]


class Drawn(Output):
    """What the stages `illustrate…` write."""

    thumbnails: ThumbnailsRef


class LeakEvidence(Inputs):
    """What a certificate is made of."""

    overlaps: list[OverlapsRef]
    comparisons: list[ComparisonsRef]
    expansions: list[ExpansionsRef]
    signatures: list[SignatureRef]
    passed_over: list[PassedOverRef]
    checked: dict[str, CheckedSet]
    aliases: dict[str, tuple[str, ...]]
    """By site of a test set, further spellings of its name."""


class PublishInputs(Inputs):
    """What `publish` reads: the tables of all shards and packets, and what is to be said of them."""

    name: str
    sources: SourcesRef
    drops: list[DropsRef]
    images: list[ImagesRef]
    drawings: list[DrawingsRef]
    fetch_log: Annotated[list[FetchLogRef], Unkeyed("it differs between runs that give the same")]
    templates: TemplatesRef
    masks: list[MasksRef]
    leaks: LeakEvidence
    pairs: list[PairsRef]
    groups: list[GroupsRef]
    class_groups: list[ClassGroupsRef]
    cuts: list[CutsRef]
    class_pairs: ClassPairsRef
    boxes: list[BoxesRef]
    thumbnails: list[ThumbnailsRef]
    facts: CurationFacts


class CertifyInputs(Inputs):
    """What `certify` reads."""

    images: list[ImagesRef]
    masks: list[MasksRef]
    drops: list[DropsRef]
    leaks: LeakEvidence
    thumbnails: list[ThumbnailsRef]
    facts: Examined


class Published(Output):
    """A published version or certificate: its folder below the root, and its files."""

    folder: str
    tables: dict[str, TableRef]
    record: FileRef
    seal: FileRef
    files: ListingRef
    """All further files, such as cards, pages and pictures: the memo stands and falls with them too."""


class PublishedVersion(Published):
    """What `publish` writes, and how many of the list's rows are kept."""

    number: int
    rows: int
    kept: int


class PublishedCertificate(Published):
    """What `certify` writes, and how many of the images share something with a test set."""

    images: int
    found: int


def published(root: Root, made: Version | Certificate, record: str) -> Published:
    """Returns references to what was published just now, by their paths from the root.

    The fetch log is left out: it differs between runs that give the same.

    Args:
        record: name of the file that has the digests, `manifest.json` or `certificate.json`.
    """
    assert made.files
    own, seal = records_of(root, made.folder, record)
    return Published(
        folder=made.folder,
        tables={
            name: ref.model_copy(update={"path": f"{made.folder}/{ref.path}"})
            for name, ref in made.tables.items()
            if name != FETCH_LOG.name
        },
        record=own,
        seal=seal,
        files=made.files.model_copy(update={"path": f"{made.folder}/{made.files.path}"}),
    )
