"""What a query shows is found where a result shows it, in the result's pixels; regions agree where colours do."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from tasks.describe.network import Network
from tasks.describe.settings import DescribeSettings
from tasks.index.query import Photograph
from tasks.index.view import agreements, locate, view


class Colours:
    """Maps of the colours of squares of eight pixels."""

    mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    network = torch.nn.Identity()

    def maps(self, pixels):
        return torch.nn.functional.avg_pool2d(pixels, 8)


NETWORK = Network(Colours(), DescribeSettings(longest_sides=(96,), levels=2)).eval()


def photograph(width: int, height: int, square: tuple[int, int, int, int]) -> Photograph:
    """Blue, with a red square."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, :, 2] = 250
    x1, y1, x2, y2 = square
    pixels[y1:y2, x1:x2] = (250, 0, 0)
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "PNG")
    return Photograph(sink.getvalue(), width, height)


def test_what_the_box_holds_is_located_in_pixels_of_the_result():
    query = view(NETWORK, photograph(192, 192, (48, 48, 144, 144)), (48.0, 48.0, 144.0, 144.0))
    result = view(NETWORK, photograph(384, 256, (192, 64, 352, 224)))  # a cell is 32 pixels of it
    x1, y1, x2, y2 = locate(query, result)
    assert 192 <= x1 < x2 <= 352
    assert 64 <= y1 < y2 <= 224


def test_pixels_of_a_box_begin_at_the_box():
    looked = view(NETWORK, photograph(192, 192, (0, 0, 9, 9)), (64.0, 32.0, 192.0, 160.0))
    rows, columns = looked.maps.shape[1:]
    assert looked.pixels(np.array([[0, 0, columns, rows], [0, 0, 1, 1]])).tolist() == [
        [64, 32, 192, 160],
        pytest.approx([64, 32, 64 + 128 / columns, 32 + 128 / rows]),
    ]


def test_regions_agree_where_they_show_the_same():
    """The red quarter of one is the lower right of the query, and the upper left of the result."""
    query = view(NETWORK, photograph(192, 192, (96, 96, 192, 192)))
    result = view(NETWORK, photograph(192, 192, (0, 0, 96, 96)))
    pairs = agreements(NETWORK, query, result, 5)
    assert pairs[0].similarity == pytest.approx(1)
    assert all(pair.similarity > 0.99 for pair in pairs[:3])
    whole = (0.0, 0.0, 192.0, 192.0)
    assert whole in {pair.query for pair in pairs}
    corners = {pair.query[:2] for pair in pairs if pair.query != whole}
    assert corners <= {(x, y) for x in (0.0, 64.0) for y in (0.0, 64.0)}
