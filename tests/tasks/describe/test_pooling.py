"""Pooling gives what loops over cells and regions, written from the definitions, give."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.describe.pooling import aggregate, gem, mac, region_maxima
from tasks.describe.regions import region_boxes

sizes = st.integers(1, 24)


def maps_of(height, width, seed=0, batch=2, channels=3):
    return torch.rand(batch, channels, height, width, generator=torch.Generator().manual_seed(seed))


def maxima_by_loop(maps, levels):
    boxes = region_boxes(*maps.shape[-2:], levels)
    return torch.stack([maps[:, :, y1:y2, x1:x2].amax(dim=(2, 3)) for x1, y1, x2, y2 in boxes], dim=1)


@given(sizes, sizes, st.integers(1, 4), st.integers(0, 99))
@settings(deadline=None)
def test_region_maxima_are_those_of_a_loop_over_regions(height, width, levels, seed):
    maps = maps_of(height, width, seed)
    assert torch.equal(region_maxima(maps, levels), maxima_by_loop(maps, levels))


def test_the_whole_map_may_be_one_more_region():
    maps = maps_of(12, 16)
    assert torch.equal(region_maxima(maps, 2, whole=True)[:, -1], mac(maps))
    assert torch.equal(region_maxima(maps, 2, whole=True)[:, :-1], region_maxima(maps, 2))


def test_mac_is_the_one_region_of_a_square_map():
    maps = maps_of(9, 9)
    assert torch.equal(region_maxima(maps, 1)[:, 0], mac(maps))


@pytest.mark.parametrize(("power", "expected"), [(1.0, 2.5), (2.0, (30 / 4) ** 0.5), (3.0, (100 / 4) ** (1 / 3))])
def test_gem_is_the_generalised_mean(power, expected):
    assert gem(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), power).item() == pytest.approx(expected, rel=1e-5)


def test_gem_nears_the_maximum_as_its_power_grows():
    maps = maps_of(6, 7).double()
    assert torch.allclose(gem(maps, 600.0), mac(maps), rtol=0.01)


def test_gradients_of_region_maxima_are_those_of_a_loop_over_regions():
    by_grid, by_loop = (maps_of(6, 8).requires_grad_() for _ in range(2))
    weights = torch.rand(2, len(region_boxes(6, 8, 3)), 3, generator=torch.Generator().manual_seed(1))
    (region_maxima(by_grid, 3) * weights).sum().backward()
    (maxima_by_loop(by_loop, 3) * weights).sum().backward()
    assert torch.allclose(by_grid.grad, by_loop.grad)


def test_an_aggregate_has_unit_length():
    regions = torch.nn.functional.normalize(torch.randn(4, 7, 5), dim=-1)
    assert torch.allclose(aggregate(regions).norm(dim=-1), torch.ones(4))
