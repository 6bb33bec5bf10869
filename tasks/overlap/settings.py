"""The knobs of overlap."""

from pydantic import Field

from tasks.settings import StageSettings


class OverlapSettings(StageSettings):
    """When an image or a class shares a photograph or a landmark with a test set."""

    shortlist: int = Field(20, ge=1, description="test photographs, mirrored ones included, verified for each image")
    class_images: int = Field(3, ge=1, description="images of a class that must show the same site for the class to go")
    class_share: float = Field(
        0.05, ge=0, le=1, description="share of a class's readable images that must do so, likewise"
    )
