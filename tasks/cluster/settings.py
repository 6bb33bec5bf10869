"""The knobs of cluster."""

from pydantic import Field

from tasks.settings import StageSettings


class ClusterSettings(StageSettings):
    """Which group of a class stays."""

    min_group_size: int = Field(
        2, ge=1, description="images the largest group of a class needs; a triplet needs two positives"
    )
