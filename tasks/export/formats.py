"""Which function lays out which format."""

from collections.abc import Callable

from tasks.export.cirtorch import cirtorch
from tasks.export.coco import coco
from tasks.export.dirtorch import dirtorch
from tasks.export.fiftyone import fiftyone
from tasks.export.imagefolder import image_folder
from tasks.export.layout import Content, Layout
from tasks.export.oml import oml
from tasks.export.options import Format
from tasks.export.parquet import parquet
from tasks.export.webdataset import webdataset

LAYOUTS: dict[Format, Callable[[Content], Layout]] = {
    Format.IMAGEFOLDER: image_folder,
    Format.WEBDATASET: webdataset,
    Format.PARQUET: parquet,
    Format.COCO: coco,
    Format.CIRTORCH: cirtorch,
    Format.DIRTORCH: dirtorch,
    Format.OML: oml,
    Format.FIFTYONE: fiftyone,
}
