"""The knobs of semantic training; defaults are those of Gordo & Larlus 2017, as far as these are published.

The margin, the number of iterations and how a text layer begins are not: they are this project's choice.
"""

from typing import Literal

from pydantic import Field

from tasks.settings import StageSettings
from tasks.train.settings import LoopSettings, OptimizerSettings, ScoringSettings


class SemanticLossSettings(StageSettings):
    """What a step makes smaller."""

    texts: bool = Field(
        True, description="whether texts are learned with images (V+T), or images alone from what texts say (V)"
    )
    margin: float = Field(0.1, gt=0, description="by how much a positive is to be more similar than a negative")


class SemanticDrawSettings(StageSettings):
    """Which of the captions' triplets a step looks at."""

    batch: int = Field(64, ge=1, description="triplets of an iteration")
    seed: int = Field(0, ge=0, description="another number draws other triplets, and begins with another text layer")


class TextSettings(StageSettings):
    """The layer that brings texts into the space of images."""

    spread: float = Field(
        0.01, gt=0, description="standard deviation of its weights at first; the smaller, the faster they turn"
    )


class SemanticOptimizerSettings(OptimizerSettings):
    """How weights follow their gradients."""

    optimizer: Literal["sgd", "adam"] = Field("adam", description="`adam` takes no momentum")
    rate: float = Field(1e-5, gt=0, description="learning rate at first")
    low_rate: float = Field(1e-6, gt=0, description="learning rate later")
    lower_after: int = Field(8000, ge=0, description="iterations at the first rate")
    weight_decay: float = Field(0.0, ge=0, description="of all weights")


class SemanticScoringSettings(ScoringSettings):
    """When a network is scored, and on how many triplets."""

    every: int = Field(500, ge=1, description="iterations between scores")
    triplets: int = Field(1000, ge=1, description="of the validating ones, drawn evenly; all, where fewer")


class SemanticSettings(LoopSettings):
    """What decides how a network is trained to see what people say, beside the network itself."""

    loss: SemanticLossSettings = Field(SemanticLossSettings(), description="what a step makes smaller")
    draw: SemanticDrawSettings = Field(SemanticDrawSettings(), description="which triplets a step looks at")
    text: TextSettings = Field(TextSettings(), description="the layer for texts")
    optimizer: SemanticOptimizerSettings = Field(SemanticOptimizerSettings(), description="how weights follow")
    validation: SemanticScoringSettings = Field(SemanticScoringSettings(), description="scores on the way")
    iterations: int = Field(16000, ge=1, description="steps")
    longest_sides: tuple[int, ...] = Field(
        (576,), min_length=1, description="longest sides, in pixels; of several, one is drawn for each iteration"
    )
