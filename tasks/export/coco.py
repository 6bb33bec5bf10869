"""Boxes in the JSON of COCO, https://cocodataset.org/#format-data: what pycocotools and detection code read."""

import json
from functools import partial
from typing import Any

from tasks.export.layout import SPLITS, Content, File, Layout, Picture, Read


def coco(content: Content) -> Layout:
    """`images/CLASS/PICTURE`, and `annotations/instances_SPLIT.json` with one box of each.

    Categories are counted from 1, a class index plus one: detectors take 0 for the background. Ids of images are
    counted through both splits; the only box of an image has the same.
    """
    for photograph in content.photographs:
        yield Picture(f"images/{photograph.file}", photograph)
    for split in SPLITS:
        yield File(f"annotations/instances_{split}.json", partial(_annotations, content, split))


def _annotations(content: Content, split: str, _: Read) -> bytes:
    images, boxes = list[dict[str, Any]](), list[dict[str, Any]]()
    for number, photograph in enumerate(content.photographs, start=1):
        if photograph.split != split:
            continue
        size = {"width": photograph.width, "height": photograph.height}
        images.append({"id": number, "file_name": photograph.file, **size, "list_id": photograph.image_id})
        x1, y1, x2, y2 = photograph.box
        box = {"bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1), "iscrowd": 0}
        owner = {"image_id": number, "category_id": photograph.class_index + 1}
        boxes.append({"id": number, **owner, **box, "supports": photograph.supports})
    told = {
        "info": {"description": f"{content.name}, {split}"},
        "images": images,
        "annotations": boxes,
        "categories": [{"id": index, "name": name} for index, name in enumerate(content.classes, start=1)],
    }
    return json.dumps(told, ensure_ascii=False).encode()
