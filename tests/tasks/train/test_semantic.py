"""Captions teach a network what is alike: by images alone, or by images and texts that come into one space."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch.func import functional_call
from torch.nn.functional import normalize

from storage.errors import InputError
from tasks.describe.text import TextEmbedding
from tasks.train.checkpoint import Progress, export_checkpoint, restore_checkpoint
from tasks.train.loop import train
from tasks.train.losses import dot_losses, joint_losses
from tasks.train.mining import Indices
from tasks.train.trainer import Keeper
from tests.tasks.train.small import picture_without
from tests.tasks.train.small_semantic import Small, learn, settings_of, small


@pytest.mark.parametrize("texts", [False, True])
def test_it_learns(texts: bool) -> None:
    progress = learn(small(settings_of(texts=texts, iterations=24)))
    assert np.mean(progress.losses[-6:]) < 0.8 * np.mean(progress.losses[:6])
    protocols = {one.protocol for one in progress.scores}
    assert protocols == ({"V", "VT"} if texts else {"V"})
    assert progress.scores[0].protocol == ("VT" if texts else "V")  # which chooses
    before, after = (one.score for one in progress.scores if one.protocol == "V")
    assert before is not None
    assert after is not None
    assert after > before


class Kept(Keeper):
    def __init__(self, own: Small) -> None:
        self.own, self.checkpoints = own, dict[int, bytes]()

    def keep(self, progress: Progress, mined: Indices) -> None:
        content = export_checkpoint(self.own.learned, self.own.trainer.optimizer, mined, progress)
        self.checkpoints[len(progress.losses)] = content


def test_it_goes_on_from_a_checkpoint_to_the_same_losses_texts_included() -> None:
    settings = settings_of(texts=True)
    first = small(settings)
    keeper = Kept(first)
    undisturbed = learn(first, keeper=keeper)
    again = small(settings)
    progress, found = restore_checkpoint(keeper.checkpoints[6], again.learned, again.trainer.optimizer, "small")
    assert len(progress.losses) == 6
    ended = train(again.trainer, again.objective, progress, found, Keeper())
    assert ended == undisturbed


def test_a_network_that_its_last_step_broke_is_not_scored() -> None:
    settings = settings_of(texts=True, iterations=1)
    far = settings.model_copy(update={"optimizer": settings.optimizer.model_copy(update={"rate": 1e30})})
    with pytest.raises(InputError, match=r"training diverges; lower \[train.optimizer\] rate"):
        learn(small(far))


def test_a_photograph_that_is_gone_is_named_and_teaches_nothing() -> None:
    progress = learn(small(settings_of(texts=True), read=lambda path: picture_without("0-1", path)))
    assert progress.left_out == {"0-1": "0-1 is gone"}
    assert len(progress.losses) == 8


@pytest.mark.parametrize("seed", [0, 1])
def test_gradients_of_both_losses_are_those_of_finite_differences(seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    images = torch.randn(4, 3, 6, dtype=torch.float64, generator=random, requires_grad=True)
    weight = torch.randn(5, 6, dtype=torch.float64, generator=random, requires_grad=True)
    layer = TextEmbedding(weight.detach())
    said = sp.random_array((12, 5), density=0.5, rng=np.random.default_rng(seed), dtype=np.float64).tocsr()

    def joint(images: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        texts = functional_call(layer, {"weight": weight}, (said,))
        return joint_losses(normalize(images, dim=-1), texts.reshape(4, 3, 6), 0.9)

    assert torch.autograd.gradcheck(lambda own: dot_losses(normalize(own, dim=-1), 0.9) / 2, (images,))
    assert torch.autograd.gradcheck(joint, (images, weight))


def test_the_joint_loss_is_the_sum_of_its_three_ways_by_hand() -> None:
    # φq·φ₊ = .6, φq·φ₋ = .8; φq·θ₊ = 0, φq·θ₋ = 1; θq·φ₊ = .8, θq·φ₋ = -.6
    images = torch.tensor([[[1, 0], [0.6, 0.8], [0.8, -0.6]]])
    texts = torch.tensor([[[0, 1], [0, 1], [1, 0]]]).float()
    assert torch.allclose(joint_losses(images, texts, 0.1), torch.tensor([(0.3 + 1.1 + 0) / 2]))
