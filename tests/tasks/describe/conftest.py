"""Pictures, and a small network that is quick to make."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from tasks.describe.network import Network
from tasks.describe.settings import DescribeSettings


class Small:
    """A backbone of two random layers with strides of 16 pixels, and of eight channels."""

    mean, std = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)

    def __init__(self, seed=0):
        torch.manual_seed(seed)
        layers = torch.nn.Conv2d(3, 6, 4, 4), torch.nn.ReLU(), torch.nn.Conv2d(6, 8, 4, 4), torch.nn.ReLU()
        self.network = torch.nn.Sequential(*layers)

    def maps(self, pixels):
        return self.network(pixels)


@pytest.fixture
def make_network():
    """Makes a network of the small backbone with some settings; the backbone's seed is 0 unless given."""

    def make(whitening=None, seed=0, **settings):
        own = DescribeSettings(**{"longest_sides": (96,), **settings})
        return Network(Small(seed), own, whitening).eval().requires_grad_(False)

    return make


@pytest.fixture
def picture():
    """The bytes of a smooth random picture of a size, as JPEG unless another format is given."""

    def make(width=120, height=90, seed=0, kind="JPEG"):
        coarse = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
        file = io.BytesIO()
        Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(file, kind)
        return file.getvalue()

    return make
