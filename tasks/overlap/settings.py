"""The knobs of overlap."""

from typing import Literal

from pydantic import Field

from tasks.settings import StageSettings


class OverlapSettings(StageSettings):
    """When an image or a class shares a photograph or a landmark with a test set."""

    shortlist: int = Field(20, ge=1, description="test photographs with most votes that each image is compared with")
    min_votes: float = Field(
        0.5, ge=0, description="votes that a test photograph needs for that among 100; among n > 100, √(100/n) of them"
    )
    copy_keypoints: int = Field(300, ge=1, description="keypoints, the largest, that ask mirrored and on their side")
    copy_shortlist: int = Field(5, ge=1, description="test photographs that each image is compared with so besides")
    audit: float = Field(
        0.05, ge=0, description="pairs not on the shortlist that are compared as a check, as a share of those that are"
    )
    policy: Literal["class", "images"] = Field(
        "class", description="what goes where enough images of a class show one site: all of the class, or they alone"
    )
    class_share: float = Field(
        0.05, ge=0, le=1, description="share of a class's readable images that must show one site for the class to go"
    )
    class_chance: float = Field(
        1e-5, gt=0, lt=1, description="probability, at most, that chance alone makes so many images show one site"
    )
    image_false_rate: float = Field(
        1e-3, gt=0, lt=1, description="probability, at most, that an image shows a site falsely (measured: less)"
    )
    distractors_condemn: bool = Field(
        False, description="whether pairs with junk and distractors of a test set count against a class"
    )


class ClassSettings(StageSettings):
    """How classes of the list that show the same landmark are looked for."""

    contender: float = Field(
        0.5,
        gt=0,
        le=1,
        description="groups that look for other classes: those kept, and those at least so large beside",
    )
    representatives: int = Field(10, ge=1, description="photographs of each of these groups that do so")
    keypoints: int = Field(300, ge=1, description="keypoints, the largest, by which they ask for photographs")
    candidates: int = Field(3, ge=1, description="photographs of other classes that each is compared with")
    strong_pair: float = Field(
        -15.0,
        description="largest log10 of the false alarms of the strongest pair of two classes that show one landmark: "
        "rose windows and other parts that landmarks have in common give weaker ones",
    )
