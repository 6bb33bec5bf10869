"""The knobs of features."""

from pydantic import Field

from tasks.settings import StageSettings


class FeatureSettings(StageSettings):
    """How keypoints are found. The papers use SIFT descriptors; the numbers are ours (`docs/quality.md`)."""

    longest_side: int = Field(
        1024, ge=64, description="pictures are shrunk to this longest side, in pixels, before detection"
    )
    max_keypoints: int = Field(1500, ge=16, description="strongest keypoints kept per picture")
