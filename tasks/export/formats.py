"""Which function lays out which format."""

from collections.abc import Callable

from tasks.export.imagefolder import image_folder
from tasks.export.layout import Content, Layout
from tasks.export.options import Format

LAYOUTS: dict[Format, Callable[[Content], Layout]] = {
    Format.IMAGEFOLDER: image_folder,
}
