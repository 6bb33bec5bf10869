"""The knobs of publish."""

from pydantic import Field, field_validator

from tasks.acquire.address import SECRETS
from tasks.settings import StageSettings


class PublishSettings(StageSettings):
    """How kept images are split."""

    validation_share: float = Field(
        0.13, ge=0, lt=1, description="share of a class that goes to val (the papers' proportion)"
    )
    min_train: int = Field(2, ge=0, description="images of a class that stay in train whatever the share")
    redact: tuple[str, ...] = Field(
        SECRETS,
        description="query parameters whose values are shown nowhere: names, in any case; `sources` alone has them",
    )

    @field_validator("redact")
    @classmethod
    def _in_lower_case(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name.lower() for name in names)
