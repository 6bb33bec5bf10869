"""Gradients image by image are those of the batch at once, and take the memory of one image."""

import copy
import weakref
from collections.abc import Callable

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from tasks.describe.network import Network, load_network
from tasks.describe.settings import DescribeSettings
from tasks.train.gradients import accumulate_gradients, make_trainable
from tasks.train.losses import ap_losses, dot_losses, squared_losses
from tests.tasks.train.small import images_of, small_network


@pytest.fixture
def small() -> Network:
    return small_network().double()


SIZES = (64, 80), (80, 64), (64, 64), (48, 96), (96, 80), (64, 80)
TRIPLETS = torch.tensor([[0, 1, 2], [0, 1, 4], [3, 5, 2]])
RELEVANT = torch.tensor([[0, 1, 0, 0, 0, 1]] * 6).bool()
LOSSES: dict[str, Callable[[Tensor], Tensor]] = {
    "dot": lambda own: dot_losses(own[TRIPLETS], 0.9).mean(),
    "squared": lambda own: squared_losses(own[TRIPLETS], 1.8).mean(),
    "ap": lambda own: ap_losses(own @ own.T, RELEVANT, ~torch.eye(6, dtype=torch.bool), 25).mean(),
}


def accumulated(network: Network, images: list[Tensor], loss: Callable[[Tensor], Tensor]) -> float:
    fabric = Fabric(accelerator="cpu", devices=1)
    return accumulate_gradients(fabric, fabric.setup_module(network), images, len(images), loss)


def gradients_of(network: Network) -> Tensor:
    return torch.cat([own.grad.flatten() for own in network.parameters() if own.grad is not None])


def both_ways(network: Network, images: list[Tensor], loss: Callable[[Tensor], Tensor]) -> tuple[float, float]:
    """The relative difference of the gradients image by image from the direct ones, and of the losses."""
    direct = copy.deepcopy(network)
    value = loss(torch.cat([direct(image) for image in images]))
    value.backward()
    again = accumulated(network, images, loss)
    expected, found = gradients_of(direct), gradients_of(network)
    assert expected.shape == found.shape
    assert expected.norm() > 0
    return float((expected - found).norm() / expected.norm()), abs(again / value.item() - 1)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_those_of_the_whole_batch_at_once(small: Network, name: str) -> None:
    assert max(both_ways(small, images_of(*SIZES), LOSSES[name])) < 1e-14


def test_so_they_are_of_a_real_network_in_every_weight() -> None:
    network = load_network(DescribeSettings(levels=2)).double()
    make_trainable(network)
    images = images_of((64, 96), (96, 64), (64, 64))
    assert max(both_ways(network, images, lambda own: dot_losses(own[None], 1.0).mean())) < 1e-12
    assert all(own.grad is not None and own.grad.any() for own in network.parameters())


def test_they_add_to_what_is_there(small: Network) -> None:
    images = images_of(*SIZES)
    accumulated(small, images, LOSSES["dot"])
    once = gradients_of(small).clone()
    accumulated(small, images, LOSSES["dot"])
    assert torch.allclose(gradients_of(small), 2 * once, rtol=1e-12, atol=0)


def test_statistics_of_batchnorm_stay_and_its_weights_learn(small: Network) -> None:
    before = {name: buffer.clone() for name, buffer in small.named_buffers()}
    accumulated(small, images_of(*SIZES), LOSSES["dot"])
    assert all(torch.equal(before[name], buffer) for name, buffer in small.named_buffers())
    norm = next(layer for layer in small.modules() if isinstance(layer, nn.BatchNorm2d))
    assert norm.weight.grad is not None
    assert norm.weight.grad.any()


def test_a_batch_without_loss_has_no_gradient(small: Network) -> None:
    loss = accumulated(small, images_of(*SIZES), lambda own: dot_losses(own[TRIPLETS], -2.0).mean())
    assert loss == 0
    assert all(own.grad is None for own in small.parameters())


class Saved:
    """What backpropagation keeps of a forward pass: the most bytes that were kept at one time."""

    def __init__(self) -> None:
        self.now, self.most = 0, 0

    def keep(self, tensor: Tensor) -> "Kept":
        kept, size = Kept(tensor), tensor.nbytes
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(kept, self._release, size)
        return kept

    def _release(self, size: int) -> None:
        self.now -= size


class Kept:
    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


def most_saved(work: Callable[[], object]) -> int:
    saved = Saved()
    with torch.autograd.graph.saved_tensors_hooks(saved.keep, lambda kept: kept.tensor):
        work()
    return saved.most


def test_backpropagation_keeps_what_one_image_needs_however_many_there_are(small: Network) -> None:
    def loss(own: Tensor) -> Tensor:
        return own[:, 0].sum()

    one, six = (images_of(*[(64, 80)] * count) for count in (1, 6))
    alone = most_saved(lambda: accumulated(small, one, loss))
    assert alone > 64 * 80 * 3 * 8  # the picture itself, at least
    assert most_saved(lambda: accumulated(small, six, loss)) == alone
    assert most_saved(lambda: loss(torch.cat([small(image) for image in six])).backward()) >= 6 * alone
