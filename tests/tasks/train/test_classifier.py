"""A classifier learns the classes of photographs, dropped ones included, and nothing from what is missing."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

from storage.errors import InputError
from tasks.train.classifier import Classifier, Labelled, draw, load_squares, move, read_labelled
from tasks.train.gradients import make_trainable
from tasks.train.loading import load_pictures
from tasks.train.optimizing import make_optimizer
from tasks.train.processes import join_processes
from tasks.train.settings import ClassifySettings, OptimizerSettings
from tests.tasks.train.small import CLASSES, EACH, picture, picture_without, small_network

SETTINGS = ClassifySettings(iterations=60, batch=12, side=64)
LABELLED = Labelled(
    [f"{own}-{number}" for own in range(CLASSES) for number in range(EACH)],
    np.repeat(np.arange(CLASSES), EACH),
    ["a", "b", "c"],
)


def losses_of(read: Callable[[str], bytes]) -> tuple[list[float], dict[str, str]]:
    fabric = join_processes("cpu", 1)
    classifier = Classifier(small_network(), CLASSES, seed=0)
    make_trainable(classifier)
    wrapped, optimizer = fabric.setup(classifier, make_optimizer(classifier, OptimizerSettings(rate=0.1)))
    losses, left_out = [], dict[str, str]()
    for squares in load_squares(fabric, LABELLED, SETTINGS, 0, partial(load_pictures, read, workers=0)):
        losses.append(move(fabric, wrapped, optimizer, squares.pixels, squares.classes, SETTINGS.batch))
        left_out |= squares.left_out
    return losses, left_out


def test_it_learns_the_classes() -> None:
    losses, left_out = losses_of(picture)
    assert losses[0] == pytest.approx(np.log(CLASSES), abs=0.1)
    assert np.mean(losses[-5:]) < 0.5 * losses[0]
    assert left_out == {}


def test_what_is_missing_is_named_and_counts_for_nothing() -> None:
    losses, left_out = losses_of(partial(picture_without, "1-2"))
    assert left_out == {"1-2": "1-2 is gone"}
    assert np.isfinite(losses).all()


def test_squares_are_of_the_size_that_is_asked_for_and_draws_repeat() -> None:
    fabric = join_processes("cpu", 1)
    squares = next(load_squares(fabric, LABELLED, SETTINGS, 3, partial(load_pictures, picture, workers=0)))
    assert squares.pixels.shape == (12, 3, 64, 64)
    assert squares.pixels.dtype == torch.uint8
    assert squares.classes.tolist() == LABELLED.classes[draw(LABELLED, SETTINGS, 3)].tolist()


def test_dropped_photographs_are_learned_from_and_those_without_a_class_are_not() -> None:
    images = pd.DataFrame({"image_id": ["d", "a", "b", "c"], "path": ["4", "1", "2", "3"]})
    verdicts = pd.DataFrame({"image_id": ["a", "b", "b", "c", "d"], "landmark_id": ["x", "y", "z", "", "x"]})
    assert read_labelled(images, verdicts).paths == ["1", "2", "4"]
    assert read_labelled(images, verdicts).classes.tolist() == [0, 1, 0]
    with pytest.raises(InputError, match="needs two classes; the version has 1"):
        read_labelled(images[:2], verdicts[verdicts.landmark_id == "x"])
