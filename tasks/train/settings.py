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
    batch: int = Field(64, ge=1, description="triplets of an iteration")
    seed: int = Field(0, ge=0, description="another number draws other pools and triplets")
