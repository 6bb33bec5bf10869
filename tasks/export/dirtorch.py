"""What dirtorch reads: https://github.com/naver/deep-image-retrieval, `ImageListLabels`."""

from collections.abc import Sequence
from functools import partial

from storage.errors import InputError
from tasks.export.layout import SPLITS, Content, File, Layout, Photograph, Picture, Read


def dirtorch(content: Content) -> Layout:
    """`images/CLASS/PICTURE`, and `SPLIT.txt` of lines `ABSOLUTE_PATH CLASS_INDEX`, by class index.

    The loader numbers labels by their first line: so in a split that has all classes its number is the class index.

    Raises:
        InputError: the folder's path has a space, at which the loader splits lines.
    """
    if len(str(content.folder).split()) > 1:
        raise InputError(f"{str(content.folder)!r} has a space, where dirtorch splits its lists; give another folder")
    for photograph in content.photographs:
        yield Picture(f"images/{photograph.file}", photograph)
    for split in SPLITS:
        yield File(f"{split}.txt", partial(_lines, f"{content.folder}/images", content.of(split)))


def _lines(folder: str, photographs: Sequence[Photograph], _: Read) -> bytes:
    return "".join(f"{folder}/{one.file} {one.class_index}\n" for one in photographs).encode()
