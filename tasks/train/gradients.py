"""Gradients of a whole batch in the memory of one image (Gordo et al. 2017).

A loss of descriptors reaches the network's weights only through the descriptors. So these are computed first, without
what backpropagation needs; then the gradient of the loss at each of them; and then image by image, each described
once more, that gradient is taken on to the weights, where those of all images add up. The price is a second look at
each image.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


def make_trainable(network: nn.Module) -> None:
    """Has all weights of a network learn, while it computes as it does when it describes.

    BatchNorm goes on normalising by the statistics that it has, since those of one image say little; its scale and
    shift are weights like others. Dropout stays off: an image must be described twice in the same way.
    """
    network.eval().requires_grad_(True)


def accumulate_gradients(network: nn.Module, images: Sequence[Tensor], loss: Callable[[Tensor], Tensor]) -> float:
    """Adds the gradient of a loss to that of the network's weights, as `loss(descriptors).backward()` would.

    Args:
        network: makes a descriptor (1, dimensions) of an image, the same each time it is asked.
        images: uint8 (1, 3, height, width) each, of any sizes, on the network's device; each is asked for twice, so
            they may be read lazily.
        loss: one number of the descriptors (images, dimensions).

    Returns:
        The loss.
    """
    with torch.no_grad():
        described = torch.cat([network(image) for image in images])
    value = loss(described.requires_grad_())
    (gradients,) = torch.autograd.grad(value, described)
    for image, gradient in zip(images, gradients, strict=True):
        if gradient.any():  # an image whose triplets lose nothing would add nothing
            network(image).backward(gradient[None])
    return float(value.detach())
