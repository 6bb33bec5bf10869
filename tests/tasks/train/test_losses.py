"""Losses have the values and gradients that their formulas give by hand, and both forms of ranking are one."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score
from torch.nn.functional import normalize

from tasks.train.losses import ap_losses, dot_losses, squared_losses
from tasks.train.settings import LossSettings

# Query, positive and negative: cosines to the query are 0.6 and 0.8, then 0.8 and 0.6
WORKED = torch.tensor([[[1, 0], [0.6, 0.8], [0.8, -0.6]], [[1, 0], [0.8, 0.6], [0.6, -0.8]]], dtype=torch.float64)
SEEDS = st.integers(0, 2**32 - 1)
MARGINS = st.floats(0.01, 1.5)


def unit_triplets(seed, batch=6, dimensions=5):
    random = torch.Generator().manual_seed(seed)
    return normalize(torch.randn(batch, 3, dimensions, dtype=torch.float64, generator=random), dim=-1)


def test_dot_loss_is_as_by_hand():
    assert torch.allclose(dot_losses(WORKED, 0.1), torch.tensor([0.3, 0.0]).double())
    assert torch.allclose(dot_losses(WORKED, 0.5), torch.tensor([0.7, 0.3]).double())


def test_squared_loss_is_as_by_hand():
    # Squared distances are 0.8 and 0.4, then 0.4 and 0.8
    assert torch.allclose(squared_losses(WORKED, 0.1), torch.tensor([0.25, 0.0]).double())
    assert torch.allclose(squared_losses(WORKED, 0.5), torch.tensor([0.45, 0.05]).double())


@given(SEEDS, MARGINS)
def test_a_margin_of_squared_distances_is_worth_half_of_one_of_dot_products(seed, margin):
    triplets = unit_triplets(seed)
    assert torch.allclose(squared_losses(triplets, margin), dot_losses(triplets, margin / 2), atol=1e-14)


@given(SEEDS, MARGINS)
def test_both_forms_move_what_has_unit_length_alike(seed, margin):
    free = torch.randn(6, 3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(seed), requires_grad=True)
    ways = squared_losses(normalize(free, dim=-1), margin), dot_losses(normalize(free, dim=-1), margin / 2)
    squared, dot = (torch.autograd.grad(losses.sum(), free)[0] for losses in ways)
    assert torch.allclose(squared, dot, atol=1e-13)


@given(SEEDS, MARGINS)
def test_the_margin_that_mining_gets_finds_the_triplets_that_lose(seed, margin):
    triplets = unit_triplets(seed, batch=40)
    for name, losses in (("dot", dot_losses), ("squared", squared_losses)):
        settings = LossSettings(loss=name, margin=margin)
        queries, positives, negatives = triplets.unbind(dim=1)
        gaps = ((positives - negatives) * queries).sum(dim=-1)
        assert torch.equal(losses(triplets, margin) > 1e-12, settings.dot_margin - gaps > 1e-12)


def test_gradients_of_squared_distances_are_the_published_ones():
    triplets = WORKED.clone().requires_grad_()
    (gradients,) = torch.autograd.grad(squared_losses(triplets, 0.1).sum(), triplets)
    query, positive, negative = WORKED[0]
    assert torch.allclose(gradients[0], torch.stack([negative - positive, positive - query, query - negative]))
    assert not gradients[1].any()


@pytest.mark.parametrize("losses", [dot_losses, squared_losses])
def test_gradients_of_ranking_are_those_of_finite_differences(losses):
    free = unit_triplets(3).requires_grad_()
    assert (losses(free, 0.6) == 0).any()
    assert (losses(free, 0.6) > 0).any()
    assert torch.autograd.gradcheck(lambda own: losses(normalize(own, dim=-1), 0.6), free)


def test_ap_loss_is_as_by_hand():
    # Bins at 1, ½, 0. The right image at ¾ is half in the first and half in the second, the wrong one at ½ is in the
    # second: precisions 1 and 1/2, gains of recall ½ and ½, so AP is ¾. On 0 and below everything is in the last.
    similarities = torch.tensor([[0.75, 0.5], [-0.3, 0.0]])
    right = torch.tensor([[True, False], [True, False]])
    assert torch.allclose(ap_losses(similarities, right, torch.ones_like(right), 3), torch.tensor([0.25, 0.5]))


def test_what_is_not_ranked_counts_neither_way():
    similarities = torch.tensor([[1.0, 0.75, 0.5, 0.9]])
    relevant = torch.tensor([[True, True, False, False]])
    ranked = torch.tensor([[False, True, True, False]])
    assert torch.allclose(ap_losses(similarities, relevant, ranked, 3), torch.tensor([0.25]))


@given(st.permutations(range(25)), st.lists(st.booleans(), min_size=9, max_size=9).filter(any))
def test_ap_loss_is_exact_where_each_image_has_a_bin_of_its_own(order, right):
    similarities = np.array(order[:9]) / 24
    (loss,) = ap_losses(
        torch.tensor(similarities[None]), torch.tensor([right]), torch.ones(1, 9, dtype=torch.bool), bins=25
    )
    assert float(1 - loss) == pytest.approx(average_precision_score(right, similarities), abs=1e-12)


@given(SEEDS)
def test_ap_loss_is_between_none_and_one_whatever_the_order_of_the_images(seed):
    random = np.random.default_rng(seed)
    similarities, relevant = torch.tensor(random.uniform(-1, 1, (3, 12))), torch.tensor(random.random((3, 12)) < 0.3)
    ranked, order = torch.tensor(random.random((3, 12)) < 0.8), torch.tensor(random.permutation(12))
    relevant[:, 0] = ranked[:, 0] = True
    losses = ap_losses(similarities, relevant, ranked, 25)
    assert ((losses >= -1e-12) & (losses < 1)).all()
    assert torch.allclose(losses, ap_losses(similarities[:, order], relevant[:, order], ranked[:, order], 25))


def test_ap_loss_pushes_the_right_up_and_the_wrong_down():
    similarities = torch.tensor([[0.61, 0.605, 0.3]], requires_grad=True)
    relevant = torch.tensor([[True, False, False]])
    (gradients,) = torch.autograd.grad(
        ap_losses(similarities, relevant, torch.ones_like(relevant), 25).sum(), similarities
    )
    assert gradients[0, 0] < 0 < gradients[0, 1]
    assert gradients[0, 2] == 0  # already below all that is right


def test_gradients_of_ap_loss_are_those_of_finite_differences():
    random = torch.Generator().manual_seed(0)
    similarities = torch.rand(3, 8, dtype=torch.float64, generator=random).mul(1.4).sub(0.2).requires_grad_()
    relevant, ranked = torch.arange(8) < torch.tensor([[1], [3], [8]]), torch.rand(3, 8, generator=random) < 0.9
    ranked[:, 0] = True
    assert torch.autograd.gradcheck(lambda own: ap_losses(own, relevant, ranked, 5), similarities)


def test_a_query_with_nothing_to_find_is_refused():
    relevant = torch.tensor([[True, False], [True, False]])
    ranked = torch.tensor([[True, True], [False, True]])
    with pytest.raises(ValueError, match="needs a relevant image"):
        ap_losses(torch.zeros(2, 2), relevant, ranked, 25)
