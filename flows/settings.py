"""The settings of the flows: the stages' own, composed."""

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, Field, RootModel, ValidationError, model_validator

from storage.errors import InputError
from storage.root import Root
from tasks.acquire.guard import read_opening
from tasks.acquire.settings import (
    AcquireSettings,
    PoliteSettings,
    Refetch,
    RemoteFile,
    SelectSettings,
    TransferSettings,
)
from tasks.boxes.settings import BoxSettings
from tasks.captions.settings import (
    ArchiveSettings,
    EncodeSettings,
    NeighbourSettings,
    ParseSettings,
    SplitSettings,
    TripletSettings,
)
from tasks.cluster.settings import ClusterSettings, Overrides
from tasks.describe.settings import DescribeSettings, WhitenSettings
from tasks.features.settings import FeatureSettings, OverlaySettings
from tasks.index.settings import IndexSettings
from tasks.match.settings import MatchSettings
from tasks.overlap.settings import ClassSettings, OverlapSettings
from tasks.publish.settings import PublishSettings
from tasks.settings import StageSettings
from tasks.train.semantic_settings import SemanticSettings
from tasks.train.settings import TrainSettings

_Model = TypeVar("_Model", bound=BaseModel)
_Fetching = TypeVar("_Fetching", AcquireSettings, TransferSettings)


class LeakSettings(StageSettings):
    """What decides whether images and test sets share something, stage by stage."""

    acquire: AcquireSettings = Field(AcquireSettings(), description="fetching and inspecting")
    features: FeatureSettings = Field(FeatureSettings(), description="keypoints")
    match: MatchSettings = Field(MatchSettings(), description="which pairs are compared, and their verification")
    overlap: OverlapSettings = Field(OverlapSettings(), description="comparison with the test sets")
    overlays: OverlaySettings = Field(OverlaySettings(), description="watermarks and caption bars")


class RememberSettings(StageSettings):
    """How long stands what was learnt from a whole list."""

    overlays: float = Field(
        0.1,
        ge=0,
        le=1,
        description="share of the sampled photographs that may have come, gone or changed their class since "
        "overlays were learnt; where more have, they are learnt anew, and all pictures masked and matched by them",
    )


class CurateSettings(LeakSettings):
    """What decides the result of a curation, stage by stage."""

    polite: PoliteSettings = Field(PoliteSettings(), description="how hosts are treated; changes no result")
    select: SelectSettings = Field(SelectSettings(), description="copies, placeholders and small classes")
    cluster: ClusterSettings = Field(ClusterSettings(), description="groups of a class")
    classes: ClassSettings = Field(ClassSettings(), description="classes that show the same landmark")
    boxes: BoxSettings = Field(BoxSettings(), description="boxes and their refinement")
    remember: RememberSettings = Field(RememberSettings(), description="what stands from run to run")
    publish: PublishSettings = Field(PublishSettings(), description="split")


class CaptionsSettings(StageSettings):
    """What decides the result of the flow `captions`, stage by stage."""

    archives: ArchiveSettings = Field(ArchiveSettings(), description="what is fetched where no files are given")
    parse: ParseSettings = Field(ParseSettings(), description="malformed records")
    split: SplitSettings = Field(SplitSettings(), description="training, validation and test images")
    encode: EncodeSettings = Field(EncodeSettings(), description="the variant of tf-idf")
    neighbours: NeighbourSettings = Field(NeighbourSettings(), description="nearest images")
    triplets: TripletSettings = Field(TripletSettings(), description="semantic triplets")


class IndexFlowSettings(StageSettings):
    """What decides the result of the flow `index`, stage by stage."""

    describe: DescribeSettings = Field(DescribeSettings(), description="the network, and what it makes of an image")
    whiten: WhitenSettings = Field(WhitenSettings(), description="how whitening is learned")
    index: IndexSettings = Field(IndexSettings(), description="the kind of index, and its search")


class TrainFlowSettings(StageSettings):
    """What decides the result of the flow `train`, stage by stage."""

    describe: DescribeSettings = Field(
        DescribeSettings(levels=2), description="the network that is trained; two levels of R-MAC, as the papers train"
    )
    whiten: WhitenSettings = Field(
        WhitenSettings(), description="how the whitening is learned that training begins with"
    )
    train: TrainSettings = Field(TrainSettings(), description="loss, mining, steps and scores on the way")


class SemanticFlowSettings(StageSettings):
    """What decides the result of the flow `train-semantic`, stage by stage."""

    describe: DescribeSettings = Field(
        DescribeSettings(levels=2, longest_sides=(576,)), description="the network that is trained, as the paper does"
    )
    whiten: WhitenSettings = Field(
        WhitenSettings(), description="how the whitening is learned that training begins with"
    )
    train: SemanticSettings = Field(SemanticSettings(), description="loss, triplets, steps and scores on the way")


class Addresses(RootModel[dict[str, tuple[RemoteFile, ...]]]):
    """The files of test sets, by name."""


class RunSettings(StageSettings):
    """How a flow runs; none of it changes the result."""

    refetch: Refetch = Field("never", description="which rows are fetched although they were before")
    older_than: float | None = Field(
        None, ge=0, description="days since its last try after which a failure is long ago"
    )
    runner: Literal["threads", "processes", "dask"] = Field("threads", description="what carries out the tasks")
    workers: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, description="tasks carried out at once")
    pages: str | None = Field(
        None, description="address at which `cairn serve` shows the root's pages, such as http://127.0.0.1:4280"
    )
    anyway: bool = Field(False, description="begin although the root's disk has no room for the list, by an estimate")

    @model_validator(mode="after")
    def _knows_what_is_old(self) -> "RunSettings":
        if (self.refetch == "failed-older-than") != (self.older_than is not None):
            raise ValueError("older_than (days) belongs to refetch = 'failed-older-than', which needs it")
        return self


class CurationGate(StageSettings):
    """What a version must hold to become the latest, beside keeping an image and no leak; else it is a candidate."""

    images_lost: float = Field(
        0.5, ge=0, le=1, description="share of the images that the latest keeps, by which it may keep fewer"
    )
    classes_lost: int | None = Field(
        None, ge=0, description="classes that the latest has images of and it has none of; without it, any number"
    )
    least_readable: float = Field(
        0.0, ge=0, le=1, description="share of the listed images that must have been fetched and read"
    )
    certified: bool = Field(
        False, description="whether there must be test sets, and all pictures must have been compared with them"
    )
    least_confidence: float = Field(
        0.0, ge=0, le=1, description="confidence that the group of each class must have that keeps images"
    )


class IndexGate(StageSettings):
    """What an index must hold to become the latest; one that doesn't is a candidate beside it."""

    most_lost: float | None = Field(
        None, ge=0, description="mAP that it may have less than the latest on any test set; without it, any"
    )
    certified: bool = Field(
        False, description="whether each test set must be one that the version which trained is certified against"
    )


class TrainRunSettings(StageSettings):
    """How a training runs; it changes results by rounding alone."""

    processes: int = Field(1, ge=1, description="that train, each on a GPU of its own where there are any")
    workers: int = Field(1, ge=0, description="processes that read photographs, for each of them")
    pages: str | None = Field(None, description="address at which `cairn serve` shows the root's pages")
    tensorboard: Path | None = Field(None, description="folder of TensorBoard's files; without one, in the root")


def allow_hosts(settings: _Fetching, hosts: Iterable[str]) -> _Fetching:
    """Returns the settings with more `allowed_hosts`.

    Raises:
        InputError: one is no HOST or HOST:PORT.
    """
    for host in hosts:
        read_opening(host)
    return settings.model_copy(update={"allowed_hosts": (*settings.allowed_hosts, *hosts)})


def with_contact(polite: PoliteSettings, contact: str) -> PoliteSettings:
    """Returns the settings with somebody to turn to.

    Raises:
        InputError: a header of HTTP can't hold that.
    """
    try:
        return PoliteSettings.model_validate({**polite.model_dump(), "contact": contact})
    except ValidationError as error:
        expected = "letters without accents, digits and signs, such as a mail or web address"
        raise InputError(f"contact {contact!r}: expected {expected}") from error


def read_settings(path: Path) -> CurateSettings:
    """Reads a TOML file with a section per stage; what it leaves out keeps its default.

    Raises:
        InputError: the file does not parse or a setting is unknown or out of range; the text names it.
    """
    return _read("settings", path, CurateSettings, "[match]")


def read_captions_settings(path: Path) -> CaptionsSettings:
    """Reads a TOML file with a section per stage of the flow `captions`, as `read_settings` does."""
    return _read("settings", path, CaptionsSettings, "[encode]")


def read_index_settings(path: Path) -> IndexFlowSettings:
    """Reads a TOML file with a section per stage of the flow `index`, as `read_settings` does."""
    return _read("settings", path, IndexFlowSettings, "[describe]")


def read_train_settings(path: Path) -> TrainFlowSettings:
    """Reads a TOML file with a section per stage of the flow `train`, as `read_settings` does."""
    return _read("settings", path, TrainFlowSettings, "[train.mining]")


def read_semantic_settings(path: Path) -> SemanticFlowSettings:
    """Reads a TOML file with a section per stage of the flow `train-semantic`, as `read_settings` does."""
    return _read("settings", path, SemanticFlowSettings, "[train.draw]")


def read_overrides(path: Path) -> Overrides:
    """Reads a TOML file of what a person decided.

    Its sections are `[pin]`, of lines `"CLASS" = "IMAGE_ID"`, `[merge]`, of `"CLASS" = "CLASS"`, and `[keep]` and
    `[drop]`, of `"IMAGE_ID" = "WHY"`.

    Raises:
        InputError: the file does not parse or says something else; the text names it.
    """
    return _read("overrides", path, Overrides, "[pin]")


def find_overrides(given: Overrides | Path, root: Root) -> Overrides:
    """What a person decided, as it is given, or as the file says that is given: a path on this machine, or in the root.

    Raises:
        InputError: the file is in neither place, does not parse or says something else; the text names it.
    """
    if isinstance(given, Overrides):
        return given
    if given.is_file():
        return read_overrides(given)
    if given.is_absolute() or not root.exists(str(given)):
        raise InputError(f"overrides {given}: there is no such file in {Path.cwd()}, nor in {root.url}")
    return _parse("overrides", f"{root.url}/{given}", root.read(str(given)), Overrides, "[pin]")


def read_addresses(path: Path) -> dict[str, tuple[RemoteFile, ...]]:
    """Reads a TOML file of the files of test sets by name: `[[NAME]]` with `url`, and `sha256` and `bytes` where known.

    Raises:
        InputError: the file does not parse or says something else; the text names it.
    """
    return _read("addresses", path, Addresses, "[[oxford5k]]").root


def _read(kind: str, path: Path, model: type[_Model], section: str) -> _Model:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{kind} {path}: {error}; expected a TOML file with sections such as {section}") from error
    return _parse(kind, str(path), content, model, section)


def _parse(kind: str, path: str, content: bytes, model: type[_Model], section: str) -> _Model:
    try:
        return model.model_validate(tomllib.loads(content.decode("utf-8-sig")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{kind} {path}: {error}; expected a TOML file with sections such as {section}") from error
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{kind} {path}: {name}: {first['msg']} (found {first['input']!r})") from error
