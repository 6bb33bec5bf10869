"""What FiftyOne imports: its layout `FiftyOneImageDetectionDataset`, https://docs.voxel51.com."""

import json
from functools import partial
from typing import Any

from tasks.export.layout import SPLITS, Content, File, Layout, Photograph, Picture, Read


def fiftyone(content: Content) -> Layout:
    """`SPLIT/data/CLASS/PICTURE` and `SPLIT/labels.json`; boxes are x, y, width, height as parts of the picture."""
    for photograph in content.photographs:
        yield Picture(f"{photograph.split}/data/{photograph.file}", photograph)
    for split in SPLITS:
        yield File(f"{split}/labels.json", partial(_labels, content, split))


def _labels(content: Content, split: str, _: Read) -> bytes:
    labels = {photograph.name: [_detection(photograph)] for photograph in content.of(split)}
    return json.dumps({"classes": content.classes, "labels": labels}, ensure_ascii=False).encode()


def _detection(photograph: Photograph) -> dict[str, Any]:
    x1, y1, x2, y2 = photograph.box
    width, height = photograph.width, photograph.height
    return {
        "label": photograph.class_index,
        "bounding_box": [x1 / width, y1 / height, (x2 - x1) / width, (y2 - y1) / height],
        "attributes": {"image_id": photograph.image_id, "supports": photograph.supports},
    }
