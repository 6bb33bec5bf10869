"""What a version of captions has to train on: images and texts that belong together, and triplets of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp

from storage.errors import InputError
from tasks.train.mining import Indices
from tasks.train.samples import Photograph


@dataclass(frozen=True)
class Captioned:
    """Photographs with what is said of them.

    Attributes:
        photographs: by their ids.
        texts: float32 (photographs, terms), tf-idf vectors, none of which is empty.
        triplets: by split, `train` and `val`: int64 (n, 3), query, positive and negative, as indices of photographs.
        joined: what had its counterpart and what had none, by what it is.
    """

    photographs: list[Photograph]
    texts: sp.csr_array
    triplets: Mapping[str, Indices]
    joined: Mapping[str, int]


def join_captions(
    images: pd.DataFrame, captions: pd.DataFrame, weights: sp.csr_array, triplets: pd.DataFrame
) -> Captioned:
    """Joins images and captions by the image's id; nothing is learned from what lacks one of the two.

    Args:
        images: image_id, path, of the images that may be learned from.
        captions: row, image_id, of all rows of `weights`.
        weights: float32 (captions, terms).
        triplets: query, positive, negative, split.

    Raises:
        InputError: no training triplet has three images.
    """
    is_said = np.asarray((weights != 0).sum(axis=1)) > 0
    images, said = images.drop_duplicates("image_id"), captions[is_said[captions.row]]
    both = images.merge(said, on="image_id").sort_values("image_id", ignore_index=True)
    index_of = pd.Series(both.index, index=both.image_id)
    rows = triplets[["query", "positive", "negative"]].apply(lambda ids: ids.map(index_of))
    whole = rows.notna().all(axis=1)
    found = {
        split: rows[whole & (triplets.split == split)].to_numpy(np.int64).reshape(-1, 3) for split in ("train", "val")
    }
    joined = {
        "images with captions": len(both),
        "images without captions": len(images) - len(both),
        "captions without an image": len(said) - len(both),
        "images of which nothing is said": len(captions) - len(said),
        "training triplets": len(found["train"]),
        "validating triplets": len(found["val"]),
        "triplets without an image": int((~whole & triplets.split.isin(found)).sum()),
    }
    if not len(found["train"]):
        told = ", ".join(f"{count:,} {name}" for name, count in joined.items())
        raise InputError(
            f"no training triplet of the captions has its three images in the version ({told}); curate the images that "
            "the captions are of, under the captions' image ids"
        )
    photographs = [Photograph(one.image_id, one.path, None) for one in both.itertuples()]
    return Captioned(photographs, sp.csr_array(weights[both.row.to_numpy()]), found, joined)
