"""What an export is asked to be."""

from enum import StrEnum

from pydantic import Field

from tasks.settings import StageSettings


class Format(StrEnum):
    """The layouts that a version can be exported in."""

    IMAGEFOLDER = "imagefolder"
    WEBDATASET = "webdataset"
    PARQUET = "parquet"
    COCO = "coco"
    CIRTORCH = "cirtorch"
    DIRTORCH = "dirtorch"
    OML = "oml"
    FIFTYONE = "fiftyone"


class SplitBy(StrEnum):
    """What train and val differ in: `image`, of the same classes, as the version has it; or `class`."""

    IMAGE = "image"
    CLASS = "class"


class ExportOptions(StageSettings):
    """The choices of an export."""

    format: Format
    split_by: SplitBy = Field(SplitBy.IMAGE, description="whether val has images of all classes, or classes of its own")
    crop: bool = Field(False, description="whether pictures are cropped to the box of the landmark")
    copy_images: bool = Field(False, description="whether pictures are copied; else they are links into the root")
