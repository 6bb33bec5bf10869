"""Folders of pictures, one for each class, in a folder for each split: what torchvision and timm read."""

from collections.abc import Sequence
from functools import partial

from tasks.export.layout import SPLITS, Content, File, Folder, Layout, Picture, Read
from tasks.export.names import safe_name


def image_folder(content: Content) -> Layout:
    """`SPLIT/CLASS/PICTURE`, and `classes.txt`, which names the folders of the classes by class index.

    Each split has the folder of every class, be it empty: torchvision counts the folders, and a class has the same
    index in both splits. Loaders that count those with pictures take the list.
    """
    names = [safe_name(landmark) for landmark in content.classes]
    for split in SPLITS:
        yield from (Folder(f"{split}/{name}") for name in names)
    for photograph in content.photographs:
        yield Picture(f"{photograph.split}/{photograph.file}", photograph)
    yield File("classes.txt", partial(_lines, names))


def _lines(names: Sequence[str], _: Read) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()
