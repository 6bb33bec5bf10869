"""The knobs of boxes."""

from typing import Literal

from pydantic import Field

from tasks.settings import StageSettings


class BoxSettings(StageSettings):
    """How boxes are refined over the graph (Deep Image Retrieval, section on bounding boxes)."""

    first_box: Literal["agreed", "geometric_median"] = Field(
        "agreed",
        description="what the photographs of the group agree on, or as published: geometric median of its pairs' boxes",
    )
    alpha: float = Field(0.1, ge=0, le=1, description="weight of a neighbour's mapped box against the image's own")
    max_sweeps: int = Field(3, ge=0, description="most refinement sweeps; 100 for the published first box")
    still: float = Field(
        1.0, gt=0, description="stop when the median over images of the largest change is below this, in pixels"
    )
