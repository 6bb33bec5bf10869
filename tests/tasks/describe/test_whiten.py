"""Whitened vectors have a covariance of one; as layers they are what the formula says."""

import numpy as np
import pytest
import torch

from storage.errors import InputError
from tasks.describe.whiten import Whiten, learn_whitening


@pytest.fixture
def vectors():
    random = np.random.default_rng(0)
    return (random.normal(size=(400, 6)) @ random.normal(size=(6, 6)) + 3).astype(np.float32)


def test_whitened_vectors_are_centred_and_have_unit_covariance(vectors):
    shift, weight = learn_whitening(vectors, 4)
    whitened = (vectors - shift) @ weight.T
    assert np.allclose(whitened.mean(axis=0), 0, atol=1e-4)
    assert np.allclose(np.cov(whitened.T), np.eye(4), atol=1e-3)


def test_a_power_of_zero_only_turns(vectors):
    shift, weight = learn_whitening(vectors, 6, power=0.0)
    assert np.allclose(weight @ weight.T, np.eye(6), atol=1e-5)
    assert np.allclose(np.linalg.norm((vectors - shift) @ weight.T, axis=1), np.linalg.norm(vectors - shift, axis=1))


def test_components_come_by_falling_variance(vectors):
    shift, weight = learn_whitening(vectors, 6, power=0.0)
    variances = ((vectors - shift) @ weight.T).var(axis=0)
    assert (np.diff(variances) <= 0).all()


def test_layers_do_what_the_formula_says(vectors):
    learnt = learn_whitening(vectors, 3)
    layers = Whiten(learnt)
    given = torch.from_numpy(vectors.reshape(2, 200, 6))
    assert np.allclose(layers(given).detach(), (given.numpy() - learnt.shift) @ learnt.weight.T, atol=1e-5)
    assert {name for name, _ in layers.named_parameters()} == {"shift", "weight"}


def test_too_few_vectors_are_refused(vectors):
    with pytest.raises(InputError, match=r"5 dimensions needs more than 5 vectors .* has 5 of 6"):
        learn_whitening(vectors[:5], 5)


def test_directions_without_variance_stay_finite():
    flat = np.zeros((50, 4), np.float32)
    flat[:, 0] = np.arange(50)
    assert np.isfinite(learn_whitening(flat, 3).weight).all()
