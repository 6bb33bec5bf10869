"""Captions of your own images in the terms of a published vocabulary."""

from pathlib import Path

import pandas as pd
import pyarrow as pa

from flows.commands.near import Encodings
from storage.errors import InputError
from storage.parquet import write_bytes, write_table
from storage.root import Root
from storage.tables.captions import ENCODED_IMAGES
from tasks.captions.npz import to_npz

_COLUMNS = ["image_id", "phrase"]


def read_phrases(path: Path) -> pd.DataFrame:
    """Reads a CSV or Parquet file of `image_id` and `phrase`, a phrase a row; other columns are passed over.

    Raises:
        InputError: it can't be read, lacks a column, or has a row without an id.
    """
    try:
        if path.suffix == ".parquet":
            table = pd.read_parquet(path, columns=_COLUMNS)
        else:
            table = pd.read_csv(path, usecols=_COLUMNS, dtype=str, keep_default_na=False)
    except (OSError, ValueError, pa.ArrowException) as error:
        wanted = "expected a CSV or Parquet file with the columns image_id and phrase"
        raise InputError(f"{path}: {str(error)[:200]}; {wanted}") from error
    lacking = table.image_id.isna() | (table.image_id.astype(str) == "")
    if lacking.any():
        raise InputError(f"{path}: row {int(lacking.to_numpy().argmax())} has no image_id")
    return pd.DataFrame({"image_id": table.image_id.astype(str), "phrase": table.phrase.fillna("").astype(str)})


def encode_table(encodings: Encodings, path: Path, output: Root) -> pa.Table:
    """Encodes a table of phrases into `caption_weights.npz` and `encoded_images.parquet` below a folder.

    Returns:
        Rows of `encoded_images`.

    Raises:
        InputError: the table can't be used.
    """
    phrases = read_phrases(path)
    weights, images = encodings.vocabulary.encode(zip(phrases.image_id, phrases.phrase, strict=True))
    write_bytes(output, "caption_weights.npz", to_npz(weights), images.num_rows)
    write_table(output, "encoded_images.parquet", ENCODED_IMAGES, images)
    return images
