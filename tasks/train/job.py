"""What the stage `train` hands to the processes that train, and what they tell it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from tasks.describe.settings import DescribeSettings
from tasks.settings import StageSettings
from tasks.train.checkpoint import Progress
from tasks.train.contracts import ClassifyInputs, NetworkInputs, SemanticInputs, TrainInputs
from tasks.train.semantic_settings import SemanticSettings
from tasks.train.settings import ClassifySettings, LoopSettings, OptimizerSettings, TrainSettings


class NetworkSettings(StageSettings):
    """The network, and how it is trained."""

    describe: DescribeSettings
    train: LoopSettings


class TrainingSettings(NetworkSettings):
    """What decides the training of a network that learns from classes."""

    train: TrainSettings


class SemanticTrainingSettings(NetworkSettings):
    """What decides the training of a network that learns from captions."""

    train: SemanticSettings


class ChildJob(BaseModel):
    """What a child is to carry out, as a file of JSON.

    Attributes:
        root: URL of the dataset root.
        partial: where below it the run keeps what must outlast a kill.
        run: the digest of the run.
    """

    model_config = ConfigDict(frozen=True)

    root: str
    partial: str
    run: str

    @property
    def checkpoints(self) -> str:
        """The folder of the newest checkpoint."""
        return f"{self.partial}/checkpoint"

    @property
    def outcome(self) -> str:
        """The file that is written last."""
        return f"{self.partial}/outcome.json"


class TrainJob(ChildJob):
    """A network to train."""

    inputs: NetworkInputs
    settings: NetworkSettings

    def best(self, kind: str) -> str:
        """Returns folder of the best network so far, by iteration: one of its files."""
        return f"{self.partial}/best-{kind}"


class InstanceJob(TrainJob):
    """A network to train by classes."""

    kind: Literal["instance"] = "instance"
    inputs: TrainInputs
    settings: TrainingSettings


class SemanticJob(TrainJob):
    """A network to train by captions."""

    kind: Literal["semantic"] = "semantic"
    inputs: SemanticInputs
    settings: SemanticTrainingSettings


class AnyJob(RootModel[InstanceJob | SemanticJob]):
    """A network to train, as it is read from a file."""

    root: InstanceJob | SemanticJob = Field(discriminator="kind")


class Outcome(BaseModel):
    """What came of a training, beside the best network."""

    model_config = ConfigDict(frozen=True)

    progress: Progress
    photographs: int
    joined: dict[str, int]
    certificates: dict[str, str]
    environment: dict[str, str]


class ClassifyingSettings(StageSettings):
    """The network whose backbone is trained as a classifier, and how."""

    describe: DescribeSettings
    classify: ClassifySettings
    optimizer: OptimizerSettings


class ClassifyJob(ChildJob):
    """A classifier to train."""

    inputs: ClassifyInputs
    settings: ClassifyingSettings

    @property
    def weights(self) -> str:
        """Folder of the backbone at the end."""
        return f"{self.partial}/weights"


class Classified(BaseModel):
    """What came of it, beside the weights."""

    model_config = ConfigDict(frozen=True)

    progress: Progress
    classes: int
