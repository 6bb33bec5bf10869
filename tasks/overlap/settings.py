"""The knobs of overlap."""

from pydantic import Field

from tasks.settings import StageSettings


class OverlapSettings(StageSettings):
    """When an image or a class shares a photograph or a landmark with a test set."""

    shortlist: int = Field(20, ge=1, description="test photographs, mirrored ones included, verified for each image")
    copy_share: float = Field(
        0.7, gt=0, le=1, description="share of putative matches within copy_tolerance that makes a copy"
    )
    copy_tolerance: float = Field(
        0.001, gt=0, description="residual of a copy's matches, as a share of the longer side"
    )
    class_images: int = Field(3, ge=1, description="images of a class that must show the same site for the class to go")
    class_share: float = Field(
        0.05, ge=0, le=1, description="share of a class's readable images that must do so, likewise"
    )
