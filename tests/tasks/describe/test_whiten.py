"""Whitened vectors have a covariance of one; parts of a collection add up; as layers they are what the formula says."""

import numpy as np
import pytest
import safetensors.torch
import torch
from sklearn.decomposition import PCA

from storage.errors import InputError
from tasks.describe.whiten import Moments, export_whitening, learn_whitening, read_whitening


@pytest.fixture
def vectors():
    random = np.random.default_rng(0)
    return (random.normal(size=(400, 6)) @ random.normal(size=(6, 6)) + 3).astype(np.float32)


def learnt_of(vectors, dimensions=None, power=0.5):
    layers = learn_whitening(Moments.of(vectors), dimensions, power)
    return layers.shift.detach().numpy(), layers.weight.detach().numpy()


def test_whitened_vectors_are_centred_and_have_unit_covariance(vectors):
    shift, weight = learnt_of(vectors, 4)
    whitened = (vectors - shift) @ weight.T
    assert np.allclose(whitened.mean(axis=0), 0, atol=1e-4)
    assert np.allclose(np.cov(whitened.T), np.eye(4), atol=1e-3)


def test_it_is_the_whitening_of_scikit_learn_but_for_signs(vectors):
    shift, weight = learnt_of(vectors, 5)
    own, other = (vectors - shift) @ weight.T, PCA(5, whiten=True).fit_transform(vectors.astype(np.float64))
    assert np.allclose(np.abs(own), np.abs(other), atol=1e-3)


def test_a_power_of_zero_only_turns(vectors):
    shift, weight = learnt_of(vectors, power=0.0)
    assert np.allclose(weight @ weight.T, np.eye(6), atol=1e-5)
    assert np.allclose(np.linalg.norm((vectors - shift) @ weight.T, axis=1), np.linalg.norm(vectors - shift, axis=1))


def test_components_come_by_falling_variance(vectors):
    shift, weight = learnt_of(vectors, power=0.0)
    variances = ((vectors - shift) @ weight.T).var(axis=0)
    assert (np.diff(variances) <= 0).all()


def test_moments_of_parts_add_up(vectors):
    whole, parts = learnt_of(vectors), Moments.of(vectors[:150]).plus(Moments.of(vectors[150:]))
    layers = learn_whitening(parts, None, 0.5)
    assert parts.count == 400
    assert np.allclose(layers.weight.detach(), whole[1], atol=1e-5)


def test_layers_do_what_the_formula_says_and_can_be_trained_on(vectors):
    layers = learn_whitening(Moments.of(vectors), 3, 0.5)
    given = torch.from_numpy(vectors.reshape(2, 200, 6))
    expected = (vectors.reshape(2, 200, 6) - layers.shift.detach().numpy()) @ layers.weight.detach().numpy().T
    assert np.allclose(layers(given).detach(), expected, atol=1e-4)
    assert {name for name, _ in layers.named_parameters()} == {"shift", "weight"}


def test_exported_layers_come_back_the_same(vectors):
    layers = learn_whitening(Moments.of(vectors), 3, 0.5)
    content = export_whitening(layers)
    again = read_whitening(content)
    assert export_whitening(again) == content
    assert torch.equal(again(torch.ones(6)), layers(torch.ones(6)))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "safetensors file of `shift` and `weight`"),
        (b"\xff" * 64, "safetensors file of `shift` and `weight`"),
        (safetensors.torch.save({"shift": torch.zeros(3)}), "'weight'"),
        (safetensors.torch.save({"shift": torch.zeros(3), "weight": torch.zeros(2, 4)}), r"\(3,\) and .* \(2, 4\)"),
        (safetensors.torch.save({"shift": torch.zeros(3).double(), "weight": torch.zeros(2, 3)}), "float64"),
    ],
)
def test_what_is_no_whitening_is_refused(content, said):
    with pytest.raises(InputError, match=said):
        read_whitening(content)


@pytest.mark.parametrize(("count", "dimensions"), [(5, 5), (400, 7), (6, None)])
def test_too_few_vectors_are_refused(vectors, count, dimensions):
    with pytest.raises(InputError, match=rf"needs more than \d vectors .* are {count} of 6"):
        learn_whitening(Moments.of(vectors[:count]), dimensions, 0.5)


def test_directions_without_variance_stay_finite():
    flat = np.zeros((50, 4), np.float32)
    flat[:, 0] = np.arange(50)
    assert np.isfinite(learnt_of(flat, 3)[1]).all()
