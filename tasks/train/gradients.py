"""Gradients of a whole batch in the memory of one image (Gordo et al. 2017).

A loss of descriptors reaches the network's weights only through the descriptors. So these are computed first, without
what backpropagation needs; then the gradient of the loss at each of them; and then image by image, each described
once more, that gradient is taken on to the weights, where those of all images add up. The price is a second look at
each image.
"""

from collections.abc import Callable, Sequence

import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule
from torch import Tensor, nn

from tasks.train.processes import gather, own_share


def make_trainable(network: nn.Module) -> None:
    """Has all weights of a network learn, while it computes as it does when it describes.

    BatchNorm goes on normalising by the statistics that it has, since those of one image say little; its scale and
    shift are weights like others. Dropout stays off: an image must be described twice in the same way.
    """
    network.eval().requires_grad_(True)


def accumulate_gradients(
    fabric: Fabric, network: _FabricModule, images: Sequence[Tensor], count: int, loss: Callable[[Tensor], Tensor]
) -> float:
    """Adds the gradient of a loss to that of the network's weights, as `loss(descriptors).backward()` would.

    Of several processes each looks at its share of the images; their gradients are exchanged once.

    Args:
        network: as Fabric set it up; makes a descriptor (1, dimensions) of an image, the same each time it is asked.
        images: uint8 (1, 3, height, width) each, of any sizes: the share of this process, as `own_share` has it, or
            one of another share where it has none. Each is asked for twice, so they may be read lazily.
        count: of the images of all processes.
        loss: one number of the descriptors (images, dimensions). What else it is computed from, such as a layer for
            texts, has its gradient added, too: the same in each process, since each computes the whole loss.

    Returns:
        The loss.
    """
    mine = own_share(fabric, range(count))
    with torch.no_grad():
        described = torch.cat([network(image.to(fabric.device)) for image in images])
    every = gather(fabric, described[: len(mine)], count).requires_grad_()
    value = loss(every)
    value.backward()  # type: ignore[no-untyped-call]
    gradients = every.grad
    assert gradients is not None
    steps = [(image, gradients[number]) for image, number in zip(images, mine, strict=False) if gradients[number].any()]
    if not steps and fabric.world_size > 1:  # the others wait for this process, though its images lose nothing
        steps = [(images[0], torch.zeros_like(gradients[0]))]
    for number, (image, gradient) in enumerate(steps, start=1):
        with fabric.no_backward_sync(network, enabled=number < len(steps)):
            # Exchanging takes the mean over the processes, and a batch's gradient is the sum over its images
            fabric.backward(network(image.to(fabric.device)), gradient[None] * fabric.world_size)
    return float(value.detach())
