"""The knobs of cluster."""

from typing import Literal

from pydantic import Field, model_validator

from tasks.settings import StageSettings


class ClusterSettings(StageSettings):
    """Which images of a class stay."""

    policy: Literal["largest_component", "min_verified_neighbours"] = Field(
        "largest_component",
        description="keep the largest group, or every image with enough neighbours",
    )
    min_group_size: int = Field(
        2, ge=1, description="photographs that a class must keep at least; a triplet needs two positives"
    )
    min_neighbours: int = Field(
        3, ge=1, description="other photographs that match a kept one; for the policy min_verified_neighbours"
    )
    sizeable: int = Field(5, ge=2, description="photographs on either side from which a weak link is cut")
    strong_link: float = Field(
        -7.0, description="log10 of the false alarms among all pairs of two sides up to which a single link joins them"
    )
    panel_overlap: float = Field(
        0.05, ge=0, lt=1, description="share of inliers up to which two regions of a photograph are apart: a collage"
    )


class Overrides(StageSettings):
    """What a person decided instead of the method."""

    pin: dict[str, str] = Field({}, description="class to an image of it: the group that holds the image is kept")
    merge: dict[str, str] = Field({}, description="class to the class that its images count as, from the start")
    keep: dict[str, str] = Field(
        {},
        description="image that stays in its class although it matches too little there, and why; what can't be read, "
        "repeats another image, or shows what a test set does goes all the same",
    )
    drop: dict[str, str] = Field({}, description="image that goes whatever it matches, and why")

    @model_validator(mode="after")
    def _is_of_one_mind(self) -> "Overrides":
        if both := sorted(self.drop.keys() & {*self.keep, *self.pin.values()}):
            raise ValueError(f"{both[0]!r} is to be dropped, and to be kept or pinned; choose one")
        return self
