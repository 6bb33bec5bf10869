"""The images of a version of captions as a list to curate, so that there are pictures to what people said."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from storage.errors import InputError
from storage.manifest import CaptionManifest
from storage.root import Root
from storage.versions import read_version_table

SETTINGS = """\
[select]
min_class_size = 1
ambiguous = "keep"

[cluster]
min_group_size = 1
"""
"""What `cairn curate` needs for such a list: each image is a class of its own, and stays without another of it."""


def write_list(root: Root, version: CaptionManifest, out: Path) -> tuple[int, int]:
    """Writes `id,url,landmark_id` of every image that has an address; the class of each is its own id.

    Returns:
        How many images are in the list, and how many have no address.

    Raises:
        InputError: none has an address, or the file can't be written.
    """
    images = read_version_table(root, version, "caption_images", ["image_id", "url"])
    listed = images.filter(pc.is_valid(images["url"]))
    if not listed.num_rows:
        how = "run cairn captions with image_data, or name your own pictures by the captions' ids"
        raise InputError(f"{version.folder} has no address of its {images.num_rows:,} images; {how}")
    ids = listed["image_id"]
    try:
        pyarrow.csv.write_csv(pa.table({"id": ids, "url": listed["url"], "landmark_id": ids}), out)
    except OSError as error:
        raise InputError(f"{out}: {error.strerror or error}; give an --out that can be written") from error
    return listed.num_rows, images.num_rows - listed.num_rows
