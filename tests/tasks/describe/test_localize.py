"""AML is brute force within the bound of its approximation, and finds what was planted."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cosine_similarity

from tasks.describe.localize import POWER, IntegralMaps, localize

CHANNELS = 12


def maps_of(height, width, seed=0):
    return torch.rand(CHANNELS, height, width, generator=torch.Generator().manual_seed(seed)) * 0.3


@given(st.integers(1, 14), st.integers(1, 14), st.integers(0, 50), st.data())
@settings(deadline=None)
def test_approximate_maxima_lie_between_the_maximum_and_its_bound(height, width, seed, data):
    maps = maps_of(height, width, seed)
    x1, y1 = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    x2, y2 = data.draw(st.integers(x1 + 1, width)), data.draw(st.integers(y1 + 1, height))
    exact = maps[:, y1:y2, x1:x2].amax(dim=(1, 2)).double()
    found = IntegralMaps(maps).maxima(torch.tensor([[x1, y1, x2, y2]]))[0]
    bound = ((x2 - x1) * (y2 - y1)) ** (1 / POWER)
    # what four sums of doubles cancel to is exact to about the twelfth digit of the largest, whose tenth root counts
    assert (found >= exact * 0.98).all()
    assert (found <= torch.maximum(exact * bound * 1.02, maps.amax(dim=(1, 2)).double() * 0.06)).all()


def test_a_planted_object_is_found():
    query = torch.zeros(CHANNELS)
    query[:4] = 1.0
    maps = maps_of(20, 28)
    maps[:4] = 0.01
    for channel, (y, x) in enumerate([(6, 9), (6, 17), (12, 9), (12, 17)]):  # one part at each corner of the object
        maps[channel, y, x] = 1.0
    found = localize(maps, query, ratio=9 / 7)
    x1, y1, x2, y2 = found.box
    common = max(0, min(x2, 18) - max(x1, 9)) * max(0, min(y2, 13) - max(y1, 6))
    assert common / (63 + (x2 - x1) * (y2 - y1) - common) > 0.6


def test_refinement_never_loses_to_the_whole_image():
    for seed in range(5):
        maps, query = maps_of(11, 15, seed), torch.rand(CHANNELS)
        whole = IntegralMaps(maps).maxima(torch.tensor([[0, 0, 15, 11]]))[0]
        assert localize(maps, query, 1.0).score >= float(cosine_similarity(whole, query.double(), dim=0)) - 1e-9


def exact_score(maps, query, box):
    x1, y1, x2, y2 = box
    return float(cosine_similarity(maps[:, y1:y2, x1:x2].amax(dim=(1, 2)), query, dim=0))


def bound(box):
    """How far the score of a box may be from the exact one, as a factor: as far as each maximum is."""
    x1, y1, x2, y2 = box
    return ((x2 - x1) * (y2 - y1)) ** (1 / POWER) * (1 + 1e-6)


def boxes_by_loops(height, width, ratio):
    xs, ys = sorted({*range(0, width, 3), width}), sorted({*range(0, height, 3), height})
    boxes = [(x1, y1, x2, y2) for x1 in xs for x2 in xs for y1 in ys for y2 in ys if x1 < x2 and y1 < y2]
    like = [box for box in boxes if abs(np.log((box[2] - box[0]) / (box[3] - box[1]) / ratio)) <= np.log(1.1)]
    return [(0, 0, width, height), *like]


@pytest.mark.parametrize(("height", "width", "ratio"), [(7, 8, 1.0), (12, 9, 0.75), (10, 17, 1.5), (3, 20, 4.0)])
def test_the_score_is_that_of_brute_force_within_the_bound(height, width, ratio):
    maps, query = maps_of(height, width, seed=3), torch.rand(CHANNELS, generator=torch.Generator().manual_seed(1))
    found = localize(maps, query, ratio)
    best = max(exact_score(maps, query, box) / bound(box) for box in boxes_by_loops(height, width, ratio))
    assert best <= found.score <= exact_score(maps, query, found.box) * bound(found.box)


def test_a_map_of_one_cell_is_its_own_box():
    assert localize(maps_of(1, 1), torch.ones(CHANNELS), 3.0).box == (0, 0, 1, 1)
