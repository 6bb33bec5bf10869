"""What a version says of itself, `manifest.json`, and what a certificate does, `certificate.json`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from storage.reasons import PassedOver, may_be_missed
from storage.tables.captions import CAPTION_MATRICES, CAPTION_TABLES
from storage.tables.retrieval import INDEX_FILES, INDEX_TABLES
from storage.tables.spec import ListingRef, TableRef
from storage.tables.training import NETWORK_FILES, NETWORK_TABLES
from storage.tables.versions import VERSION_TABLES


class FunnelStep(BaseModel):
    """How many images and classes are left after a stage."""

    model_config = ConfigDict(frozen=True)

    step: str
    images: int
    classes: int


class Matching(BaseModel):
    """Pairs of images inside classes: how many there are, what was done with them, and what may have been missed."""

    model_config = ConfigDict(frozen=True)

    possible: int = Field(description="all pairs of images that took part")
    compared: int
    skipped: int = Field(description="not compared, since they could not change a group and boxes have pairs enough")
    verified: int
    audited: int = Field(description="random pairs, of those never looked at, that were compared as a check")
    audit_found: int = Field(description="those of them that show the same thing")
    missed: float = Field(description="estimate of the pairs that were never looked at and show the same thing")
    missed_low: float = Field(description="lower end of its 95 % confidence interval")
    missed_high: float = Field(description="upper end")


class Request(BaseModel):
    """What was asked for."""

    model_config = ConfigDict(frozen=True)

    note: str = Field("", description="what its maker says of it, such as where the list comes from")
    settings: dict[str, Any] = Field(description="every setting of the flow that made it")


class Making(Request):
    """What every version says of how it came about."""

    software: dict[str, str] = Field(description="version of everything that computed it")


class CurationFacts(Request):
    """What a curation knows of a version before it is put together."""

    overrides: dict[str, Any] = Field({}, description="what a person decided instead of the method")
    test_sets: dict[str, int] = Field(description="test sets it was checked against, and their photographs")
    crashed_pictures: int = Field(0, description="pictures that killed their detector and so have no keypoints")
    related_classes: int = Field(0, description="pairs of classes of which photographs show the same thing")
    matching: Matching
    overlays_changed: float = Field(
        0.0,
        description="share of the sampled photographs that came, went or changed their class since overlays were "
        "learnt; 0 where anew",
    )


class Facts(CurationFacts, Making):
    """What a curated version says of how it came about."""

    passed_over: dict[str, dict[str, int]] = Field(
        {}, description="files not compared, by test set, '' for the list, and by reason; the table names them"
    )
    funnel: list[FunnelStep]

    @property
    def uncompared(self) -> int:
        """How many files of test sets, and kept images without a keypoint, were compared with nothing."""
        of_sets = {name: counts for name, counts in self.passed_over.items() if name}
        return count_uncompared(of_sets) + self.passed_over.get("", {}).get(PassedOver.NO_KEYPOINTS, 0)


class SourceFile(BaseModel):
    """A file of annotations, and how much of it could be read."""

    model_config = ConfigDict(frozen=True)

    kind: str = Field(description="which file it is, such as `region_descriptions` or `captions_val2017`")
    sha256: str = Field(description="of the file as it came, zipped or not")
    address: str | None = Field(None, description="where it was fetched; none for a local file")
    records: int = Field(description="records of an image each, that could be read")
    rows: int = Field(description="rows of its table: regions, objects, …; of COCO's files, captions")
    skipped: int = Field(description="records and parts of such that were malformed and left out")


class EncodingFacts(BaseModel):
    """What one encoding saw, and what it left out."""

    model_config = ConfigDict(frozen=True)

    images: int = Field(description="rows of the matrix")
    train_images: int = Field(description="N of idf = ln(N / df)")
    terms: int = Field(description="size of the vocabulary")
    entries: int = Field(description="weights that are not zero")
    occurrences: int = Field(description="tokens, or objects and their synsets, that were counted")
    left_out: dict[str, int] = Field(description="reason to number of occurrences that have no term")
    empty: int = Field(description="images whose vector is zero; the table `empty_vectors` lists them")


class TripletFacts(BaseModel):
    """How the drawing of triplets went."""

    model_config = ConfigDict(frozen=True)

    drawn: int
    without: dict[str, int] = Field(description="reason to number of images for which no triplet could be drawn")


class EncodedFacts(Request):
    """What the encoding of captions knows of a version before it is put together."""

    sources: list[SourceFile]
    encodings: dict[str, EncodingFacts] = Field(description="by name: `captions` and `objects`; never mixed")
    similarity: str = Field(description="the encoding that neighbours and triplets were computed from")
    triplets: TripletFacts
    wordnet: str | None = Field(description="version of NLTK's WordNet that names were looked up in; none without one")


class CaptionFacts(EncodedFacts, Making):
    """What a version of captions says of how it came about."""


class TriedIndex(BaseModel):
    """What a kind of index cost and found when it was measured, on one core."""

    model_config = ConfigDict(frozen=True)

    factory: str = Field(description="what faiss' index_factory reads")
    bytes_per_vector: float = Field(description="length of its file by the number of its images")
    recall: float = Field(
        description="share of the 10 nearest images, by exact search, that a search finds as it is set"
    )
    recall_by_codes: float = Field(description="the same without ranking candidates again by their descriptors")
    milliseconds: float = Field(description="of a query that comes alone")


class BuiltFacts(Request):
    """What the building of an index knows of it before it is put together."""

    source: str = Field(description="the version whose images it has, `NAME/N-DIGEST`")
    source_digest: str = Field(description="digest of that version")
    network: str = Field(description="digest of the network that described them, its whitening included")
    trained: str = Field("", description="the published network that it is, `NAME/N-DIGEST`; empty where untrained")
    dimensions: int = Field(description="of a descriptor")
    whitened_on: str = Field("", description="the version that whitening was learned from; empty: `source`")
    grown_from: str = Field("", description="the index that it was changed from, and whose codes it has; empty: none")
    chosen: TriedIndex
    tried: list[TriedIndex] = Field(description="every kind that was built to choose one, in that order")
    not_indexed: dict[str, int] = Field(description="reason to number of readable images that it lacks; empty: none")


class IndexFacts(BuiltFacts, Making):
    """What an index says of how it came about."""

    @property
    def learnt_from(self) -> str:
        """The version that its network has learned from, `NAME/N-DIGEST`."""
        return self.whitened_on or self.source


class TrainedFacts(Request):
    """What a training knows of its network before it is put together."""

    source: str = Field(description="the version that it was trained on, `NAME/N-DIGEST`")
    source_digest: str = Field(description="digest of that version")
    captions: str = Field(
        "", description="the captions that told it what is alike, `NAME/N-DIGEST`; empty: classes did"
    )
    captions_digest: str = Field("", description="digest of that version of captions; empty: none")
    joined: dict[str, int] = Field({}, description="of images and captions, what had its counterpart and what had none")
    start: str = Field(description="digest of the network that training began with, its whitening included")
    network: str = Field(description="digest of the trained network, its whitening included")
    dimensions: int = Field(description="of a descriptor")
    photographs: int = Field(description="photographs of the version that it could learn from")
    iterations: int = Field(description="that were carried out")
    best: int = Field(description="after how many of them the network was the one that is published")
    certificates: dict[str, str] = Field(
        description="by test set it was scored on, the digest of the version's certificate, or `not certified`"
    )
    environment: dict[str, str] = Field(description="what it was trained on: device, processes, system")


class NetworkFacts(TrainedFacts, Making):
    """What a trained network says of how it came about."""


class Version(BaseModel):
    """What makes a folder a version: its place, and the digest of every table."""

    model_config = ConfigDict(frozen=True)

    shelf: ClassVar[str]
    """Folder of the dataset root in which versions of this kind are kept."""

    contents: ClassVar[tuple[str, ...]]
    """Names of the tables that every version of this kind has."""

    lister: ClassVar[str]
    """The command that lists versions of this kind."""

    name: str
    number: int
    digest: str = Field(description="sha256 over the lines `table digest`, sorted; the fetch log is left out")
    tables: dict[str, TableRef] = Field(description="table name to its file; paths are below the version's folder")
    files: ListingRef | None = Field(
        None, description="`SHA256SUMS`, which has the digest of every file but this one; none in versions of long ago"
    )
    created_at: datetime

    @property
    def folder_name(self) -> str:
        """The name of the version's folder, `N-DIGEST`."""
        return f"{self.number}-{self.digest[:12]}"

    @property
    def folder(self) -> str:
        """Path of the version below the dataset root."""
        return f"{self.shelf}/{self.name}/{self.folder_name}"


class Manifest(Facts, Version):
    """`manifest.json` of a curated list."""

    shelf = "versions"
    contents = tuple(spec.name for spec in VERSION_TABLES)
    lister = "cairn versions"


class CaptionManifest(CaptionFacts, Version):
    """`manifest.json` of captions."""

    shelf = "captions"
    contents = (*(spec.name for spec in CAPTION_TABLES), *CAPTION_MATRICES)
    lister = "cairn captions versions"


class NetworkManifest(NetworkFacts, Version):
    """`manifest.json` of a trained network."""

    shelf = "networks"
    contents = (*(spec.name for spec in NETWORK_TABLES), *NETWORK_FILES)
    lister = "cairn networks"


class IndexManifest(IndexFacts, Version):
    """`manifest.json` of an index."""

    shelf = "indexes"
    contents = (*(spec.name for spec in INDEX_TABLES), *INDEX_FILES)
    lister = "cairn indexes"


def count_uncompared(passed_over: Mapping[str, Mapping[str, int]]) -> int:
    """Returns how many of the files that were passed over, by test set and reason, may have been photographs."""
    return sum(count for counts in passed_over.values() for reason, count in counts.items() if may_be_missed(reason))


class Examined(BaseModel):
    """What was checked against which test sets, before a certificate is put together."""

    model_config = ConfigDict(frozen=True)

    subject: str = Field(description="what was checked: `version NAME/N-DIGEST`, or `folder NAME`")
    name: str = Field(description="name of the dataset, or that was given to the folder")
    test_sets: dict[str, int] = Field(description="test sets it was checked against, and their photographs")
    settings: dict[str, Any] = Field(description="every setting that decides the result")
    crashed_pictures: int = Field(description="pictures that killed their detector and so were compared with nothing")


class Attested(Examined):
    """What a certificate says of how it came about."""

    software: dict[str, str] = Field(description="version of everything that computed it")
    passed_over: dict[str, dict[str, int]] = Field(
        description="files not compared, by test set, '' for the folder itself, and by reason; the table names them"
    )

    @property
    def uncompared(self) -> int:
        """How many photographs may have been missed: where there is one, nobody can say that nothing is shared.

        Pictures that killed their detector are among those without keypoints.
        """
        return count_uncompared(self.passed_over)


class Certificate(Attested):
    """`certificate.json`: the facts, and the digest of every table."""

    digest: str = Field(description="sha256 over the subject and the lines `table digest`, sorted")
    tables: dict[str, TableRef] = Field(description="table name to its file; paths are below the certificate's folder")
    files: ListingRef | None = Field(
        None,
        description="`SHA256SUMS`, which has the digest of every file but this one; none in certificates of long ago",
    )
    created_at: datetime

    @property
    def folder(self) -> str:
        """Path of the certificate below the dataset root."""
        return f"certificates/{self.name}/{self.digest[:12]}"
