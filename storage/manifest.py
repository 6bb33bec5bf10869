"""What a version says of itself, `manifest.json`, and what a certificate does, `certificate.json`."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from storage.tables import TableRef


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


class Facts(BaseModel):
    """What a version says of how it came about."""

    model_config = ConfigDict(frozen=True)

    note: str = Field("", description="what its maker says of it, such as where the list comes from")
    settings: dict[str, Any] = Field(description="every setting of the flow that made it")
    overrides: dict[str, Any] = Field({}, description="what a person decided instead of the method")
    software: dict[str, str] = Field(description="version of everything that computed it")
    test_sets: dict[str, int] = Field(description="test sets it was checked against, and their photographs")
    unreadable_test_files: dict[str, int] = Field({}, description="files of test sets that could not be described")
    crashed_pictures: int = Field(0, description="pictures that killed their detector and so have no keypoints")
    related_classes: int = Field(0, description="pairs of classes of which photographs show the same thing")
    matching: Matching
    funnel: list[FunnelStep]


class Manifest(Facts):
    """`manifest.json`: the facts, and the digest of every table."""

    name: str
    number: int
    digest: str = Field(description="sha256 over the lines `table digest`, sorted; the fetch log is left out")
    tables: dict[str, TableRef] = Field(description="table name to its file; paths are below the version's folder")
    created_at: datetime

    @property
    def folder(self) -> str:
        """Path of the version below the dataset root."""
        return f"versions/{self.name}/{self.number}-{self.digest[:12]}"


class Attested(BaseModel):
    """What a certificate says of how it came about."""

    model_config = ConfigDict(frozen=True)

    subject: str = Field(description="what was checked: `version NAME/N-DIGEST`, or `folder NAME`")
    name: str = Field(description="name of the dataset, or that was given to the folder")
    test_sets: dict[str, int] = Field(description="test sets it was checked against, and their photographs")
    settings: dict[str, Any] = Field(description="every setting that decides the result")
    software: dict[str, str] = Field(description="version of everything that computed it")
    crashed_pictures: int = Field(description="pictures that killed their detector and so were compared with nothing")


class Certificate(Attested):
    """`certificate.json`: the facts, and the digest of every table."""

    digest: str = Field(description="sha256 over the subject and the lines `table digest`, sorted")
    tables: dict[str, TableRef] = Field(description="table name to its file; paths are below the certificate's folder")
    created_at: datetime

    @property
    def folder(self) -> str:
        """Path of the certificate below the dataset root."""
        return f"certificates/{self.name}/{self.digest[:12]}"
