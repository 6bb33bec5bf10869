"""Regions lie where they are in pixels, and agree where they show the same."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from tasks.describe.network import Network
from tasks.describe.objects import look_at
from tasks.describe.settings import DescribeSettings
from tasks.index.agreeing import agreeing_regions
from tasks.index.regions import regions_of


class Colours:
    """Maps of the colours of squares of eight pixels."""

    mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    network = torch.nn.Identity()

    def maps(self, pixels):
        return torch.nn.functional.avg_pool2d(pixels, 8)


NETWORK = Network(Colours(), DescribeSettings(longest_sides=(96,), levels=2)).eval()


def photograph(width: int, height: int, square: tuple[int, int, int, int]) -> bytes:
    """Blue, with a red square."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, :, 2] = 250
    x1, y1, x2, y2 = square
    pixels[y1:y2, x1:x2] = (250, 0, 0)
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "PNG")
    return sink.getvalue()


def test_regions_of_a_box_lie_in_the_box_in_pixels():
    found = regions_of(NETWORK, look_at(NETWORK, photograph(192, 192, (0, 0, 9, 9)), (64.0, 32.0, 192.0, 160.0)))
    assert found.boxes[0].tolist() == [64, 32, 192, 160]
    assert (found.boxes[:, :2] >= [64, 32]).all()
    assert (found.boxes[:, 2:] <= [192, 160]).all()
    assert len(found.boxes) == len(found.vectors) == 5


def test_regions_agree_where_they_show_the_same():
    """Red is the lower right of the query, and the upper left of the result."""
    query = regions_of(NETWORK, look_at(NETWORK, photograph(192, 192, (64, 64, 192, 192))))
    result = regions_of(NETWORK, look_at(NETWORK, photograph(192, 192, (0, 0, 128, 128))))
    products = query.vectors @ result.vectors.T
    corners = {tuple(box[:2].tolist()): number for number, box in enumerate(query.boxes) if box[2] - box[0] < 192}
    assert products[corners[64, 64], corners[0, 0]] == pytest.approx(1)  # nothing but red
    assert products[corners[64, 64], corners[64, 64]] == pytest.approx(0.5**0.5, abs=1e-3)  # and blue beside it
    pairs = agreeing_regions(query.vectors, query.boxes, result.vectors, result.boxes, 5)
    assert pairs[0].similarity == pytest.approx(products.max())
