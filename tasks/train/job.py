"""What the stage `train` hands to the processes that train, and what they tell it."""

from pydantic import BaseModel, ConfigDict

from tasks.describe.settings import DescribeSettings
from tasks.settings import StageSettings
from tasks.train.checkpoint import Progress
from tasks.train.contracts import TrainInputs
from tasks.train.settings import TrainSettings


class TrainingSettings(StageSettings):
    """The network, and how it is trained."""

    describe: DescribeSettings
    train: TrainSettings


class Job(BaseModel):
    """A training to carry out, as a file of JSON.

    Attributes:
        root: URL of the dataset root.
        partial: where below it the run keeps what must outlast a kill.
        run: the digest of the run.
    """

    model_config = ConfigDict(frozen=True)

    root: str
    partial: str
    run: str
    inputs: TrainInputs
    settings: TrainingSettings

    @property
    def checkpoints(self) -> str:
        """Folder of the newest checkpoint."""
        return f"{self.partial}/checkpoint"

    def best(self, kind: str) -> str:
        """Folder of the best network so far, by iteration: its `backbone` or its `whitening`."""
        return f"{self.partial}/best-{kind}"

    @property
    def outcome(self) -> str:
        """The file that is written last."""
        return f"{self.partial}/outcome.json"


class Outcome(BaseModel):
    """What came of a training, beside the best network."""

    model_config = ConfigDict(frozen=True)

    progress: Progress
    photographs: int
    certificates: dict[str, str]
    environment: dict[str, str]


class Told(BaseModel):
    """A line of the first process: how many iterations are done and how it goes, or the error that ends it."""

    model_config = ConfigDict(frozen=True)

    iterations: int = 0
    note: str = ""
    error: str = ""
