"""The optimizer of a network, by its settings."""

from torch import nn
from torch.optim import SGD, Adam, Optimizer

from tasks.train.settings import OptimizerSettings


def make_optimizer(network: nn.Module, settings: OptimizerSettings) -> Optimizer:
    """Returns the optimizer of all weights of a network that learn; its state is tensors alone."""
    weights = [own for own in network.parameters() if own.requires_grad]
    if settings.optimizer == "adam":
        return Adam(weights, lr=settings.rate, weight_decay=settings.weight_decay)
    return SGD(weights, lr=settings.rate, momentum=settings.momentum, weight_decay=settings.weight_decay)
