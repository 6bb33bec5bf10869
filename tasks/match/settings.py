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
    false_alarms: float = Field(
        -8.0, description="largest log10 of the false alarms of a verified pair (measured: docs/evidence/quality.md)"
    )
    min_inliers: int = Field(4, ge=4, description="inliers of distinct places that a verified pair needs besides")
    min_spread: float = Field(
        0.05, ge=0, lt=1, description="least spread of the inliers across their main direction, as a share of it"
    )
    max_anisotropy: float = Field(5.0, ge=1, description="largest ratio between the map's two scale factors")
    max_scale: float = Field(10.0, ge=1, description="largest scale factor, and its inverse the smallest")
    copy_share: float = Field(
        0.7, gt=0, le=1, description="share of putative matches within copy_tolerance that makes a copy"
    )
    copy_tolerance: float = Field(
        0.001, gt=0, description="residual of a copy's matches, as a share of the longer side"
    )
    layer_turn: float = Field(
        0.5, ge=0, description="degrees by which what lies over two pictures may be turned in one against the other"
    )
    layer_distance: float = Field(
        130.0,
        ge=0,
        description="largest median distance of RootSIFT bytes between a layer's keypoints; 0: no layers",
    )
    layer_fit: float = Field(
        240.0,
        gt=0,
        description="that distance over the share of inliers within copy_tolerance of one similarity: a layer has less",
    )
    exhaustive: int = Field(40, ge=0, description="images up to which all pairs of a class are compared")
    candidates: int = Field(50, ge=1, description="photographs with most votes that each image looks at")
    proposal_alarms: float = Field(
        -2.0,
        description="largest log10 of how often chance has as many of a pair's votes agree, for it to be compared",
    )
    supports: int = Field(
        8, ge=1, description="pairs an image needs before those that cannot change its group are skipped"
    )
    audit: float = Field(
        0.05, ge=0, description="pairs never looked at that are compared as a check, as a share of those compared"
    )
