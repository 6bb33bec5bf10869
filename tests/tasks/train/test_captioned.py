"""Images and captions are joined by the image's id, and what lacks its counterpart is counted."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from storage.errors import InputError
from tasks.train.captioned import Captioned, join_captions

IMAGES = pd.DataFrame({"image_id": ["7", "3", "5", "9", "8"], "path": ["p7", "p3", "p5", "p9", "p8"]})
CAPTIONS = pd.DataFrame({"row": range(5), "image_id": ["3", "4", "5", "7", "8"]})
WEIGHTS = sp.csr_array(np.array([[1, 0], [1, 0], [0, 1], [0.6, 0.8], [1, 0]], np.float32))
WEIGHTS.data[-1] = 0  # nothing is said of 8, though there is an entry


def triplets(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["query", "positive", "negative", "split"])


def joined(*rows: tuple[str, str, str, str]) -> Captioned:
    return join_captions(IMAGES, CAPTIONS, WEIGHTS, triplets(*rows))


def test_triplets_are_indices_of_the_photographs_with_their_texts() -> None:
    found = joined(("3", "7", "5", "train"), ("5", "7", "3", "val"))
    assert [photograph.path for photograph in found.photographs] == ["p3", "p5", "p7"]
    assert np.allclose(found.texts.toarray(), [[1, 0], [0, 1], [0.6, 0.8]])
    assert found.triplets["train"].tolist() == [[0, 2, 1]]
    assert found.triplets["val"].tolist() == [[1, 2, 0]]


def test_what_lacks_its_counterpart_is_counted_and_no_triplet_has_it() -> None:
    found = joined(("3", "7", "5", "train"), ("3", "4", "5", "train"), ("3", "7", "4", "val"), ("3", "4", "7", "test"))
    assert found.joined == {
        "images with captions": 3,
        "images without captions": 2,
        "captions without an image": 1,
        "images of which nothing is said": 1,
        "training triplets": 1,
        "validating triplets": 0,
        "triplets without an image": 2,
    }


def test_an_empty_caption_never_enters_a_triplet() -> None:
    empty = ("8", "7", "5", "train"), ("3", "8", "5", "train"), ("3", "7", "8", "train")
    found = joined(("3", "7", "5", "train"), *empty)
    assert found.triplets["train"].tolist() == [[0, 2, 1]]
    assert np.diff(found.texts.indptr).all()


def test_captions_of_other_images_are_refused() -> None:
    with pytest.raises(InputError, match=r"no training triplet .*, 1 triplets without an image\); curate"):
        joined(("1", "2", "4", "train"))
