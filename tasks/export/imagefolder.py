"""Folders of pictures, one for each class, in a folder for each split: what torchvision and timm read."""

from tasks.export.layout import SPLITS, Content, Folder, Layout, Picture


def image_folder(content: Content) -> Layout:
    """`SPLIT/CLASS/PICTURE`.

    Each split has the folder of every class, be it empty: loaders count the folders, and a class has the same index
    in both splits.
    """
    for split in SPLITS:
        for name in sorted({photograph.name.partition("/")[0] for photograph in content.photographs}):
            yield Folder(f"{split}/{name}")
    for photograph in content.photographs:
        yield Picture(f"{photograph.split}/{photograph.file}", photograph)
