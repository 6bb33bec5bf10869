"""Captions of the photographs of the site of the flows' tests, as Visual Genome and COCO publish them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

KINDS = {"abbey": "an old abbey with a tower", "bridge": "a bridge of steel over water", "dome": "the dome of a church"}
NAMES = [f"{kind}-{number}" for kind in KINDS for number in range(1, 6)] + ["dome-8", "abbey-9"]
"""What the site has, in the order of the ids 1, 2, …: `dome-8` has the bytes of `dome-1`, and `abbey-9` is gone."""
IDS = {name: str(number) for number, name in enumerate(NAMES, start=1)}
BOX = {"x": 0, "y": 0, "width": 9, "height": 9}


def annotations(folder: Path, site: str, ids: Mapping[str, str] = IDS) -> list[Path]:
    """Files of Visual Genome that say of each picture what it shows; image 99 has neither address nor phrase."""

    def phrases(name: str) -> list[dict[str, Any]]:
        told = [KINDS[name[:-2]], f"taken {'at night' * (int(ids[name]) % 2)}"]
        return [{"region_id": n, "image_id": int(ids[name]), "phrase": phrase, **BOX} for n, phrase in enumerate(told)]

    def image(number: int, url: str | None) -> dict[str, Any]:
        return {"image_id": number, "width": 560, "height": 420, "url": url}

    files = {
        "image_data.json": [*(image(int(ids[name]), f"{site}/{name}.jpg") for name in ids), image(99, None)],
        "region_descriptions.json": [{"id": int(ids[name]), "regions": phrases(name)} for name in ids],
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    return [folder / name for name in files]


def write_coco(path: Path, classes: Mapping[str, str]) -> None:
    """Captions in COCO's form of images by their ids: two of each, of its class and of the light that it is in."""
    images = [{"id": int(image), "file_name": f"{image}.jpg", "width": 9, "height": 9} for image in classes]
    told = [(int(image), text) for image, own in classes.items() for text in (KINDS[own], f"at noon {int(image) % 3}")]
    notes = [{"id": number, "image_id": image, "caption": text} for number, (image, text) in enumerate(told)]
    path.write_text(json.dumps({"images": images, "annotations": notes}))
