"""The knobs of captions."""

from typing import Literal

from pydantic import Field

from tasks.acquire.settings import RemoteFile, TransferSettings
from tasks.settings import StageSettings

SourceKind = Literal["image_data", "region_descriptions", "region_graphs", "objects", "attributes", "relationships"]
"""The files of Visual Genome that are read."""

Encoding = Literal["captions", "objects"]
"""What an image is described by: the words of its phrases, or the synsets of its objects. Never mixed."""

_OFFICIAL = "https://homes.cs.washington.edu/~ranjay/visualgenome/data/dataset"


class ArchiveSettings(TransferSettings):
    """Which archives are fetched when no files are given, and how."""

    official: dict[SourceKind, RemoteFile] = Field(
        {
            kind: RemoteFile(url=f"{_OFFICIAL}/{kind}.json.zip")
            for kind in ("image_data", "region_descriptions", "objects")
        },
        description="the archives by kind; by default the three that both encodings need",
    )


class ParseSettings(StageSettings):
    """What becomes of malformed records."""

    max_malformed: int = Field(
        100, ge=0, description="records, or parts of such, of one file that may be left out before the run ends"
    )


class EncodeSettings(StageSettings):
    """The variant of tf-idf; frozen into the manifest."""

    stemmer: Literal["snowball", "porter"] = Field("snowball", description="NLTK's stemmer for English")
    stop_words: tuple[str, ...] = Field((), description="words that are not counted; by default idf alone weighs them")
    min_df: int = Field(1, ge=1, description="training images that a term needs to be in the vocabulary")
    sublinear: bool = Field(False, description="take 1 + ln(count) in place of the count")


class SplitSettings(StageSettings):
    """How images are split, by a hash of their ids."""

    val_percent: int = Field(10, ge=0, le=100, description="percent of the images that validate")
    test_percent: int = Field(10, ge=0, le=100, description="percent of the images that test; the rest trains")


class NeighbourSettings(StageSettings):
    """Which neighbours are kept."""

    encoding: Encoding = Field("captions", description="what similarity is computed from, in triplets too")
    k: int = Field(100, ge=1, description="neighbours of each image")


class TripletSettings(StageSettings):
    """How semantic triplets are drawn; see `tasks/captions/triplets.py`."""

    pool: int = Field(5000, ge=3, description="images that a query's positive and negative are drawn from")
    nearest: int = Field(32, ge=1, description="a positive is one of so many nearest of the query in its pool")
    min_similarity: float = Field(0.2, ge=0, le=1, description="similarity that a positive needs")
    min_gap: float = Field(0.1, ge=0, le=1, description="least s(q, +) − s(q, −)")
    seed: int = Field(0, ge=0, description="another number draws other triplets")
