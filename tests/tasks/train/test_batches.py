"""Lists for the AP loss have an answer for each query, and a version without any is refused."""

import numpy as np
import pytest

from storage.errors import InputError
from tasks.train.batches import list_batch
from tasks.train.mining import JUNK, Labels
from tasks.train.settings import MiningSettings


def test_each_photograph_of_a_list_has_another_of_its_class() -> None:
    labels = Labels(np.array([0, 0, 1, 1, 1, 2, JUNK]), np.arange(7))
    batch = list_batch(labels, MiningSettings(batch=4), 0)
    classes, counts = np.unique(labels.classes[batch.images], return_counts=True)
    assert set(classes) <= {0, 1}
    assert (counts > 1).all()


def test_classes_of_one_photograph_are_refused() -> None:
    for copies in (Labels(np.arange(4), np.arange(4)), Labels(np.array([0, 0, 1]), np.array([0, 0, 1]))):
        with pytest.raises(InputError, match="needs a class with two photographs"):
            list_batch(copies, MiningSettings(batch=4), 0)
