"""Names of files and folders for any text that a list may have as an id."""

import hashlib
import re

import pandas as pd

_UNSAFE = re.compile(r"[^\w-]")  # dots too: loaders split names at them
_SUFFIX = re.compile(r"\.(jpe?g|png|webp|gif|tiff?|bmp|avif)$", re.IGNORECASE)
_LONGEST = 180  # bytes; file systems take 255, of which a suffix needs some


def safe_name(text: str) -> str:
    """Returns a name that every file system and loader takes, another one for every text.

    Letters of any script, digits, dashes and underscores stay; all else is percent-encoded as in addresses. Of a very
    long one the end is a digest.
    """
    coded = _UNSAFE.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), text)
    if len(coded.encode()) <= _LONGEST:
        return coded
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{coded.encode()[: _LONGEST - 20].decode(errors='ignore')}-{digest}"


def class_indices(landmarks: pd.Series) -> dict[str, int]:
    """Returns the index of each class: its rank by the name of its folder, as loaders of folders count them."""
    ordered = sorted(set(landmarks), key=lambda landmark: (safe_name(landmark), landmark))
    return {landmark: index for index, landmark in enumerate(ordered)}


def picture_names(image_ids: pd.Series, landmarks: pd.Series) -> list[str]:
    """Returns a name `CLASS/PICTURE` without suffix for each image, no two alike.

    A picture is called after its image_id: without the folder of its class and the suffix that the id of a file in a
    folder has, unless two of a class would be called alike so.
    """
    ids = list(zip(image_ids, landmarks, strict=True))
    short = [_SUFFIX.sub("", image.removeprefix(f"{landmark}/")) for image, landmark in ids]
    clash = pd.DataFrame({"landmark": list(landmarks), "short": short}).duplicated(keep=False)
    return [
        f"{safe_name(landmark)}/{safe_name(image if clashes else name)}"
        for (image, landmark), name, clashes in zip(ids, short, clash, strict=True)
    ]
