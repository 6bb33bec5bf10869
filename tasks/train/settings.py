"""The knobs of training; defaults are those of Deep Image Retrieval (Gordo et al. 2016, 2017).

Pool, hardest, refresh and batch are as others quote the paper, and the margin is as it is remembered: which of the two
forms it belongs to is not known for certain.
"""

from typing import Literal

from pydantic import Field

from tasks.settings import StageSettings


class LossSettings(StageSettings):
    """What a step makes smaller."""

    loss: Literal["dot", "squared", "ap"] = Field(
        "dot",
        description="`dot` ranks triplets by dot products (Gordo et al. 2017), `squared` by squared distances (2016); "
        "`ap` is average precision over histograms (Revaud et al. 2019)",
    )
    margin: float = Field(
        0.1, gt=0, description="of the ranking loss, in the form that `loss` names: squared, it is worth half as much"
    )
    bins: int = Field(25, ge=2, description="of the histograms of `ap`, over similarities from 0 to 1 (released code)")

    @property
    def dot_margin(self) -> float:
        """The margin in the form of dot products, which mining asks for: of squared distances, it is half of it."""
        return self.margin / 2 if self.loss == "squared" else self.margin


class MiningSettings(StageSettings):
    """How hard triplets are found and drawn."""

    pool: int = Field(5000, ge=3, description="images, drawn evenly, that triplets are mined from (Gordo et al. 2017)")
    hardest: int = Field(25, ge=1, description="triplets of a query, those of largest loss, that one is drawn from")
    refresh: int = Field(64, ge=1, description="iterations until another pool is drawn and described")
    batch: int = Field(64, ge=1, description="triplets of an iteration; of `ap`, images, at least 2")
    positives: Literal["class", "verified"] = Field(
        "class",
        description="what is right for a query: any kept photograph of its class, or one that was matched with it",
    )
    seed: int = Field(0, ge=0, description="another number draws other pools and batches")


class OptimizerSettings(StageSettings):
    """How weights follow their gradients; the defaults are as the papers are remembered."""

    optimizer: Literal["sgd", "adam"] = Field("sgd", description="`adam` takes no momentum")
    rate: float = Field(1e-3, gt=0, description="learning rate at first")
    low_rate: float = Field(1e-4, gt=0, description="learning rate later")
    lower_after: int = Field(800, ge=0, description="iterations at the first rate")
    momentum: float = Field(0.9, ge=0, lt=1, description="of `sgd`")
    weight_decay: float = Field(5e-5, ge=0, description="of all weights")

    def rate_at(self, iteration: int) -> float:
        """Returns the learning rate of an iteration, counted from 0."""
        return self.rate if iteration < self.lower_after else self.low_rate


class ClassifySettings(StageSettings):
    """Training as a classifier of the version's classes before ranking, Cls-Full of Gordo et al. 2017; off at first."""

    iterations: int = Field(0, ge=0, description="0 leaves this step out")
    batch: int = Field(64, ge=1, description="photographs of an iteration")
    side: int = Field(224, ge=64, description="of the square that is cut from a photograph, in pixels")
    seed: int = Field(0, ge=0, description="another number draws other photographs and squares")


class ScoringSettings(StageSettings):
    """When a network is scored while it trains, and when training ends early."""

    every: int = Field(64, ge=1, description="iterations between scores")
    patience: int | None = Field(
        None, ge=1, description="scores in a row, none better on `val`, that end the training; without one, none"
    )


class ValidationSettings(ScoringSettings):
    """When a network is scored while it trains, when training ends early, and what the scores are searched among."""

    database: int = Field(
        5000, ge=1, description="kept photographs that the validating ones are searched among; all, where fewer"
    )


class LoopSettings(StageSettings):
    """What every training has, whatever it learns; the defaults are those of instance training."""

    optimizer: OptimizerSettings = Field(OptimizerSettings(), description="how weights follow")
    validation: ScoringSettings = Field(ScoringSettings(), description="scores on the way")
    iterations: int = Field(1600, ge=1, description="steps (Gordo et al. 2016 plot as many)")
    longest_sides: tuple[int, ...] = Field(
        (800,), min_length=1, description="longest sides, in pixels; of several, one is drawn for each iteration"
    )
    checkpoint_every: int = Field(16, ge=1, description="iterations that a kill may cost")


class TrainSettings(LoopSettings):
    """What decides how a network is trained to tell landmarks apart, beside the network itself."""

    loss: LossSettings = Field(LossSettings(), description="what a step makes smaller")
    mining: MiningSettings = Field(MiningSettings(), description="which photographs a step looks at")
    classify: ClassifySettings = Field(ClassifySettings(), description="a classifier that comes first, if any")
    validation: ValidationSettings = Field(ValidationSettings(), description="scores on the way")
    crop: bool = Field(False, description="whether photographs are cropped to their boxes when they train")
