"""What cirtorch trains on: https://github.com/filipradenovic/cnnimageretrieval-pytorch, `TuplesDataset`.

Its loader wants a pickle of plain lists. It is written here and read nowhere.
"""

import hashlib
import pickle
from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd

from tasks.export.layout import SPLITS, Content, File, Layout, Photograph, Picture, Read


def cirtorch(content: Content) -> Layout:
    """`train/retrieval-SfM-NAME/ims/…` and `retrieval-SfM-NAME.pkl` beside it; the loader knows sets by that prefix.

    The folder is the loader's data root. Of each split the pickle has `cids`, from which the loader makes the paths of
    the pictures; `cluster`, the class index of each; `qidxs` and `pidxs`, a verified pair in either direction.
    """
    base = f"train/retrieval-SfM-{content.name}"
    for photograph in content.photographs:
        cid = _cid(photograph)
        yield Picture(f"{base}/ims/{cid[-2:]}/{cid[-4:-2]}/{cid[-6:-4]}/{cid}", photograph)
    yield File(f"{base}/retrieval-SfM-{content.name}.pkl", partial(_database, content))


def _cid(photograph: Photograph) -> str:
    """A name of hexadecimal digits, as the loader makes folders of the last of them."""
    return hashlib.sha256(photograph.name.encode()).hexdigest()[:32]


def _database(content: Content, _: Read) -> bytes:
    pairs = content.pairs()
    return pickle.dumps({split: _split(content.of(split), pairs) for split in SPLITS}, protocol=4)


def _split(photographs: Sequence[Photograph], pairs: pd.DataFrame) -> dict[str, list[Any]]:
    row_of = pd.Series(range(len(photographs)), [photograph.image_id for photograph in photographs])
    both = pairs[pairs.image_a.isin(row_of.index) & pairs.image_b.isin(row_of.index)]
    a, b = row_of[both.image_a].tolist(), row_of[both.image_b].tolist()
    directed = sorted(zip(a + b, b + a, strict=True))
    return {
        "cids": [_cid(photograph) for photograph in photographs],
        "cluster": [photograph.class_index for photograph in photographs],
        "qidxs": [query for query, _ in directed],
        "pidxs": [positive for _, positive in directed],
    }
