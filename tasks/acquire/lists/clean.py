"""Google-Landmarks v2's list of what its authors kept."""

import csv
from collections.abc import Iterator
from pathlib import Path

from storage.errors import InputError
from tasks.acquire.lists.text import read_lines

csv.field_size_limit(2**31 - 1)  # a class is one field


def read_clean_ids(clean_file: Path) -> Iterator[tuple[str, str]]:
    """Reads Google-Landmarks v2's `train_clean.csv`: landmark_id and image_id of each image that it names.

    Raises:
        InputError: the file does not parse; the text names file and line.
    """
    reader = csv.DictReader(read_lines(clean_file))
    if not {"landmark_id", "images"} <= set(reader.fieldnames or ()):
        raise InputError(f"{clean_file}: line 1: expected a header with landmark_id, images")
    for line in reader:
        if line["images"] is None:
            raise InputError(f"{clean_file}: line {reader.line_num}: no images; expected landmark_id, images")
        yield from ((line["landmark_id"], image) for image in line["images"].split())
