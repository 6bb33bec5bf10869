"""The knobs of publish."""

from pydantic import Field

from tasks.settings import StageSettings


class PublishSettings(StageSettings):
    """How kept images are split."""

    validation_share: float = Field(
        0.13, ge=0, lt=1, description="share of a class that goes to val (the papers' proportion)"
    )
    min_train: int = Field(2, ge=0, description="images of a class that stay in train whatever the share")
