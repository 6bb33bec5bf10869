"""The knobs of boxes."""

from typing import Literal

from pydantic import Field

from tasks.settings import StageSettings


class BoxSettings(StageSettings):
    """How boxes are refined over the graph (Deep Image Retrieval, section on bounding boxes)."""

    first_box: Literal["all_keypoints", "geometric_median"] = Field(
        "all_keypoints",
        description="around all matched keypoints of an image, or as published: geometric median of its pairs' boxes",
    )
    alpha: float = Field(0.1, ge=0, le=1, description="weight of a neighbour's mapped box against the image's own")
    max_sweeps: int = Field(100, ge=0, description="most refinement sweeps")
    still: float = Field(
        1.0, gt=0, description="stop when the median over images of the largest change is below this, in pixels"
    )
