"""The knobs of match."""

from pydantic import Field

from tasks.settings import StageSettings


class MatchSettings(StageSettings):
    """When two pictures count as showing the same thing."""

    ratio: float = Field(0.8, gt=0, le=1, description="largest ratio of nearest to second nearest descriptor distance")
    tolerance: float = Field(
        0.02, gt=0, description="largest residual of an inlier, as a share of the longer side of the second picture"
    )
    trials: int = Field(1000, ge=1, description="most samples drawn by the robust estimator")
    min_inliers: int = Field(
        12, ge=4, description="inliers of distinct places that a verified pair needs (measured: docs/quality.md)"
    )
    max_anisotropy: float = Field(5.0, ge=1, description="largest ratio between the map's two scale factors")
    max_scale: float = Field(10.0, ge=1, description="largest scale factor, and its inverse the smallest")
