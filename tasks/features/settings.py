"""The knobs of features."""

from typing import Literal

from pydantic import Field

from tasks.settings import StageSettings


class FeatureSettings(StageSettings):
    """How keypoints are found. The papers use SIFT descriptors; the numbers are ours (`docs/evidence/quality.md`)."""

    detector: Literal["sift", "hessian-affine", "sift+hessian-affine", "colmap-affine"] = Field(
        "sift", description="what finds keypoints; all but `sift` need the extra `detectors`"
    )
    longest_side: int = Field(
        640, ge=64, description="longest side, in pixels, that pictures are shrunk or enlarged to before detection"
    )
    max_keypoints: int = Field(1500, ge=16, description="keypoints kept per picture, the largest")


class OverlaySettings(StageSettings):
    """How watermarks, caption bars and frames are found and masked; measured in `docs/evidence/quality.md`."""

    sample: int = Field(1000, ge=0, description="photographs of all classes that are compared across classes; 0: none")
    candidates: int = Field(20, ge=1, description="photographs of other classes that each of them looks at")
    min_classes: int = Field(3, ge=3, description="classes that must carry the same pattern for it to be an overlay")
    template_radius: float = Field(110.0, gt=0, description="distance of RootSIFT bytes that makes patterns the same")
    mask_radius: float = Field(170.0, gt=0, description="distance to a pattern below which a keypoint is masked")
    gap: float = Field(
        0.025, ge=0, description="step between masked keypoints of one region, as a share of the longer side"
    )
    region_keypoints: int = Field(4, ge=2, description="masked keypoints from which a region is masked whole")
