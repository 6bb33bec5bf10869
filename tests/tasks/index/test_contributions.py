"""What regions contribute adds up to the similarity, and the regions that contribute most show what was asked for."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tasks.describe.descriptors import describe_image
from tasks.describe.network import Network
from tasks.describe.settings import DescribeSettings
from tasks.describe.whiten import Whiten
from tasks.index.contributions import largest_contributions, parts_of


class Colours:
    """Maps of the colours of squares of eight pixels."""

    mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    network = torch.nn.Identity()

    def maps(self, pixels):
        return torch.nn.functional.avg_pool2d(pixels, 8)


def network_of(whitened: bool = True, **told) -> Network:
    torch.manual_seed(3)
    whitening = Whiten(0.3 * torch.rand(3), torch.randn(3, 3)) if whitened else None
    return Network(Colours(), DescribeSettings(**{"longest_sides": (96,), **told}), whitening).eval()


def photograph(width: int, height: int, square: tuple[int, int, int, int]) -> bytes:
    """Blue with a little green, with a red square."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, :] = (10, 40, 250)
    x1, y1, x2, y2 = square
    pixels[y1:y2, x1:x2] = (250, 0, 0)
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "PNG")
    return sink.getvalue()


@settings(deadline=None, max_examples=25)
@given(
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["rmac", "mac", "gem"]),
    st.sampled_from([(96,), (64, 96, 144), (96, 160)]),
    st.tuples(st.integers(64, 300), st.integers(64, 300)),
    st.integers(0, 9),
)
def test_contributions_of_all_regions_add_up_to_the_similarity(whitened, regional, whole, pooling, sides, size, seed):
    network = network_of(whitened, regional_whitening=regional, whole_image=whole, pooling=pooling, longest_sides=sides)
    content = photograph(*size, (8, 8, 50, 40))
    query = np.random.default_rng(seed).normal(size=3).astype(np.float32)
    query /= np.linalg.norm(query)
    parts = parts_of(network, content, size)
    assert (parts.vectors @ query).sum() == pytest.approx(float(describe_image(network, content) @ query), abs=1e-6)
    assert len(parts.vectors) == len(parts.boxes)
    assert (parts.boxes[:, :2] >= 0).all()
    assert (parts.boxes[:, 2:] <= np.array(size) + 1e-3).all()


def test_the_largest_contributions_are_of_the_regions_that_show_it():
    """A query that is all red, and a photograph whose upper left is red."""
    parts = parts_of(network_of(whitened=False, levels=3), photograph(192, 192, (0, 0, 96, 96)), (192, 192))
    found = largest_contributions(np.array([1, 0, 0], np.float32), parts, 3)
    assert found[0].box == (0, 0, 96, 96)
    assert found[0].similarity > found[-1].similarity > 0


def test_what_adds_nothing_is_not_among_them():
    parts = parts_of(network_of(whitened=False), photograph(192, 128, (0, 0, 64, 64)), (192, 128))
    assert largest_contributions(np.array([-1, 0, 0], np.float32), parts, 3) == []


def test_regions_that_are_much_the_same_are_given_once():
    """Of several sizes, each region is there once; nested ones of which more than half is common are not both given."""
    parts = parts_of(
        network_of(whitened=False, longest_sides=(64, 96, 144)), photograph(192, 192, (0, 0, 9, 9)), (192, 192)
    )
    assert len(parts.boxes) == 14
    boxes = [one.box for one in largest_contributions(np.array([0, 0, 1], np.float32), parts, 14)]
    assert len(boxes) == len(set(boxes)) < 14
