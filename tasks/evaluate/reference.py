"""Reading what the authors of a list kept of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Literal

import pandas as pd

from storage.errors import InputError
from tasks.acquire.lists.clean import read_clean_ids
from tasks.acquire.sources import read_sources

BOX = ["x1", "y1", "x2", "y2"]


@dataclass(frozen=True)
class Reference:
    """The images that a reference keeps.

    Attributes:
        files: the names of the files it was read from, for messages.
        joined_by: the column by which its images are found in a list: the lists of Landmarks have addresses and no
            ids, those of Google-Landmarks v2 have ids and no addresses.
        rows: that column, landmark_id, md5 (null where none is given) and the box x1, y1, x2, y2 (half-open, in pixels;
            NaN where none is given). An image may have several rows.
    """

    files: str
    joined_by: Literal["url", "image_id"]
    rows: pd.DataFrame


def read_reference(files: Sequence[Path], md5_files: Sequence[Path] = ()) -> Reference:
    """Reads the parts of one reference, such as its lists for training and validation.

    Args:
        files: text files of lines `URL CLASS_ID x1 x2 y1 y2` (boxes may be missing), or Google-Landmarks v2's
            `train_clean.csv`.
        md5_files: none, or one for each text file, in their order: one MD5 per line; line i belongs to line i.

    Raises:
        InputError: a file does not parse, its boxes have another order, or the files don't belong together.
    """
    if md5_files and len(md5_files) != len(files):
        raise InputError(f"{len(files)} references and {len(md5_files)} MD5 files; give one for each, in their order")
    absent = next((path for path in files if not path.is_file()), None)
    if absent:
        raise InputError(f"{absent}: no such file; give lines of URL CLASS_ID x1 x2 y1 y2, or train_clean.csv")
    names = ", ".join(path.name for path in files)
    are_csv = {path.suffix.lower() == ".csv" for path in files}
    if len(are_csv) > 1:
        raise InputError(f"{names}: a CSV of ids and a list of addresses can't be one reference; compare them apart")
    if not are_csv.pop():
        parts = [_read_lines(*pair) for pair in zip_longest(files, md5_files)]
        return Reference(names, "url", pd.concat(parts, ignore_index=True))
    if md5_files:
        raise InputError(f"{names}: has no lines that MD5s could belong to; leave out --md5")
    return Reference(names, "image_id", pd.concat([_read_ids(path) for path in files], ignore_index=True))


def _read_lines(path: Path, md5_file: Path | None) -> pd.DataFrame:
    table = read_sources(path, md5_file).drop_columns(["row", "image_id"])
    return table.to_pandas().rename(columns={f"list_{edge}": edge for edge in BOX})


def _read_ids(path: Path) -> pd.DataFrame:
    rows = pd.DataFrame(read_clean_ids(path), columns=["landmark_id", "image_id"], dtype=object)
    if rows.empty:
        raise InputError(f"{path}: it names no image; expected landmark_id, images")
    return rows.assign(md5=None).reindex(columns=[*rows, "md5", *BOX])
