"""What the stages of captions read and write."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict

from storage.manifest import EncodedFacts, EncodingFacts, TripletFacts
from storage.tables.annotations import (
    AttributesRef,
    ImageDataRef,
    ObjectsRef,
    RegionsRef,
    RelationshipsRef,
    SkippedRecordsRef,
)
from storage.tables.captions import (
    CaptionNeighboursRef,
    CaptionTripletsRef,
    CaptionVocabularyRef,
    EmptyVectorsRef,
    EncodedImagesRef,
    ListedImagesRef,
    ObjectVocabularyRef,
)
from storage.tables.spec import FileRef, MatrixRef, TableRef
from tasks.acquire.settings import RemoteFile
from tasks.captions.settings import ArchiveSettings
from tasks.contracts import Inputs, Output, Unkeyed


class ArchiveInputs(Inputs):
    """What `archive` reads."""

    file: RemoteFile
    transfer: Annotated[ArchiveSettings, Unkeyed("how an archive is fetched does not change its bytes")]


class Archive(Output):
    """What `archive` writes."""

    archive: FileRef


class ParseInputs(Inputs):
    """What `parse` reads: an archive that was fetched, or a file of this machine."""

    kind: str
    archive: FileRef | None = None
    path: Annotated[str, Unkeyed("the digest of `archive`, or `content`, is that of what lies there")]
    """Of the local file; or the archive's address, for messages."""
    content: str | None = None
    """The sha256 of the local file."""


class AnnotationTables(BaseModel):
    """The tables that annotations become; each file of Visual Genome gives one, COCO's give two together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    image_data: ImageDataRef | None = None
    regions: RegionsRef | None = None
    objects: ObjectsRef | None = None
    attributes: AttributesRef | None = None
    relationships: RelationshipsRef | None = None

    def given(self) -> dict[str, TableRef]:
        """Returns the tables that there are, by their names."""
        return {name: ref for name, ref in self if ref}


class Parsed(Output):
    """What `parse` writes: one table, what was malformed, and how many records and rows could be read."""

    tables: AnnotationTables
    skipped_records: SkippedRecordsRef
    records: int
    rows: int


class CocoSource(Inputs):
    """A file of COCO's captions on this machine."""

    kind: str
    path: Annotated[str, Unkeyed("`content` is the digest of what lies there")]
    content: str
    """The sha256 of the file."""


class CocoInputs(Inputs):
    """What `parse-coco` reads: all files, since no two may have an image in common."""

    files: list[CocoSource]


class CocoCounts(BaseModel):
    """How much of a file could be read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: int
    captions: int
    skipped: int


class ParsedCoco(Output):
    """What `parse-coco` writes: two tables of all files, what was malformed in them, and counts of each by its kind."""

    image_data: ImageDataRef
    regions: RegionsRef
    skipped_records: SkippedRecordsRef
    counts: dict[str, CocoCounts]


class SplitInputs(Inputs):
    """What `images` reads: the tables that images are looked for in."""

    image_data: ImageDataRef | None
    regions: RegionsRef | None
    objects: ObjectsRef | None


class Split(Output):
    """What `images` writes."""

    images: ListedImagesRef


class PhraseInputs(Inputs):
    """What `encode-captions` reads: the images, and the table that holds the phrases, if any does."""

    images: ListedImagesRef
    phrases: RegionsRef | None


class ObjectInputs(Inputs):
    """What `encode-objects` reads: the images, and the table that holds the objects, if any does."""

    images: ListedImagesRef
    objects: ObjectsRef | None
    wordnet: str | None
    """Version of the WordNet that names without a synset are looked up in, if there is one."""


class Encoded(Output):
    """What both encodings write."""

    weights: MatrixRef
    images: EncodedImagesRef
    empty_vectors: EmptyVectorsRef
    facts: EncodingFacts


class EncodedCaptions(Encoded):
    """What `encode-captions` writes."""

    vocabulary: CaptionVocabularyRef


class EncodedObjects(Encoded):
    """What `encode-objects` writes."""

    vocabulary: ObjectVocabularyRef


class NeighbourInputs(Inputs):
    """What `neighbours` reads: a matrix, and the first of its rows and the one after the last that are wanted."""

    weights: MatrixRef
    first: int
    last: int


class Near(Output):
    """What `neighbours` writes."""

    neighbours: CaptionNeighboursRef


class TripletInputs(Inputs):
    """What `triplets` reads."""

    images: ListedImagesRef
    weights: MatrixRef


class DrawnTriplets(Output):
    """What `triplets` writes."""

    triplets: CaptionTripletsRef
    facts: TripletFacts


class PublishCaptionsInputs(Inputs):
    """What `publish-captions` reads."""

    name: str
    tables: dict[str, TableRef]
    """Tables and matrices that go into the version as they are, by their names in it."""
    listed: ListedImagesRef
    captions: EncodedImagesRef
    objects: EncodedImagesRef
    image_data: ImageDataRef | None
    neighbours: list[CaptionNeighboursRef]
    empty_vectors: list[EmptyVectorsRef]
    skipped_records: list[SkippedRecordsRef]
    facts: EncodedFacts
    pictures: Annotated[Path | None, Unkeyed("they are shown in the report alone, which is not made again for them")]
    """Folder of files named by image id."""
