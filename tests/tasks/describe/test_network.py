"""A network does the steps of the papers in their order, and its digest is that of all that decides."""

import copy

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from storage.errors import InputError
from tasks.describe.network import load_network
from tasks.describe.pooling import region_maxima
from tasks.describe.settings import DescribeSettings
from tasks.describe.whiten import Moments, learn_whitening

PIXELS = torch.randint(0, 256, (2, 3, 80, 112), dtype=torch.uint8, generator=torch.Generator().manual_seed(5))


@pytest.fixture
def whitening():
    return learn_whitening(Moments.of(np.random.default_rng(1).normal(size=(90, 8)) + 0.3), 5, 0.5)


def test_regional_whitening_is_shift_and_projection_of_each_region_between_unit_lengths(make_network, whitening):
    network = make_network(whitening)
    regions = normalize(region_maxima(network.maps(PIXELS), 3), dim=-1)
    whitened = normalize((regions - whitening.shift) @ whitening.weight.T, dim=-1)
    assert torch.allclose(network(PIXELS), normalize(whitened.sum(dim=1), dim=-1), atol=1e-6)


def test_without_it_the_sum_of_the_regions_is_whitened(make_network, whitening):
    network = make_network(whitening, regional_whitening=False)
    summed = normalize(normalize(region_maxima(network.maps(PIXELS), 3), dim=-1).sum(dim=1), dim=-1)
    assert torch.allclose(
        network(PIXELS), normalize((summed - whitening.shift) @ whitening.weight.T, dim=-1), atol=1e-6
    )


@pytest.mark.parametrize("pooling", ["mac", "gem"])
def test_one_region_needs_no_sum(make_network, whitening, pooling):
    regional, of_sum = (make_network(whitening, pooling=pooling, regional_whitening=own) for own in (True, False))
    assert torch.allclose(regional(PIXELS), of_sum(PIXELS), atol=1e-6)


def test_pictures_of_a_batch_are_described_as_each_alone(make_network, whitening):
    network = make_network(whitening)
    assert torch.allclose(network(PIXELS), torch.cat([network(PIXELS[:1]), network(PIXELS[1:])]), atol=1e-6)


def test_pixels_are_normalised_by_the_backbone_s_colours(make_network):
    network, colours = make_network(), (torch.tensor(own).view(3, 1, 1) for own in ((0.5, 0.4, 0.3), (0.2, 0.25, 0.3)))
    mean, std = colours
    assert torch.allclose(network.maps(PIXELS), network.network((PIXELS / 255 - mean) / std), atol=1e-5)


def test_gradients_reach_the_backbone_and_the_whitening(make_network, whitening):
    network = make_network(whitening).requires_grad_(True)
    network(PIXELS)[:, 0].sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in network.parameters())


def test_bfloat16_is_near_float32(make_network):
    exact, short = make_network()(PIXELS), make_network(bfloat16=True)(PIXELS)
    assert short.dtype == torch.float32
    assert not torch.equal(exact, short)
    assert (exact * short).sum(dim=1).min() > 0.999


@pytest.mark.parametrize(
    "changed",
    [
        {"pooling": "gem"},
        {"levels": 2},
        {"whole_image": True},
        {"longest_sides": (96, 128)},
        {"bfloat16": True},
        {"regional_whitening": False},
        {"seed": 1},
    ],
)
def test_whatever_decides_a_vector_is_in_the_digest(make_network, changed):
    assert make_network(**changed).digest() != make_network().digest()


def test_the_digest_has_the_whitening_and_not_the_device(make_network, whitening):
    other = copy.deepcopy(whitening)
    with torch.no_grad():
        other.shift[0] += 1e-6
    assert len({make_network(own).digest() for own in (None, whitening, other)}) == 3
    assert make_network(device="cuda").digest() == make_network().digest()


def test_a_device_that_is_not_there_is_told():
    absent = "mps" if not torch.backends.mps.is_available() else "cuda"
    with pytest.raises(InputError, match=f"device '{absent}' is not on this machine, which has cpu"):
        load_network(DescribeSettings(device=absent))
