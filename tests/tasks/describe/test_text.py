import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from storage.errors import InputError
from tasks.describe.text import TextEmbedding, begin_text, export_text, read_text


def texts(rows: list[list[float]]) -> sp.csr_array:
    return sp.csr_array(np.array(rows, np.float32))


def test_a_text_is_the_weighted_sum_of_its_terms_scaled_to_unit_length() -> None:
    layer = begin_text(3, 4, 0.5, seed=1)
    found = layer(texts([[0.6, 0, 0.8], [0, 1, 0]]))
    expected = 0.6 * layer.weight[0] + 0.8 * layer.weight[2]
    assert_close(found[0], expected / expected.norm())
    assert_close(found[1], layer.weight[1] / layer.weight[1].norm())


@given(st.lists(st.lists(st.floats(0.0625, 1, width=32), min_size=5, max_size=5), min_size=1, max_size=4))
def test_every_text_with_a_term_has_unit_length(rows: list[list[float]]) -> None:
    assert_close(begin_text(5, 8, 0.01, seed=0)(texts(rows)).norm(dim=1), torch.ones(len(rows)))


def test_a_text_without_a_term_has_zeros_and_moves_no_weight() -> None:
    layer = begin_text(3, 4, 0.5, seed=1)
    found = layer(texts([[0, 0, 0], [0, 1, 0]]))
    assert not found[0].any()
    found[0].sum().backward()
    assert layer.weight.grad is not None
    assert not layer.weight.grad.any()


def test_a_layer_is_read_as_it_was_written() -> None:
    layer = begin_text(3, 4, 0.5, seed=1)
    content = export_text(layer)
    assert content == export_text(begin_text(3, 4, 0.5, seed=1)) != export_text(begin_text(3, 4, 0.5, seed=2))
    assert_close(read_text(content, 3, 4).weight, layer.weight)


@pytest.mark.parametrize(("terms", "dimensions"), [(4, 4), (3, 5)])
def test_a_layer_of_another_vocabulary_or_network_is_refused(terms: int, dimensions: int) -> None:
    with pytest.raises(InputError, match=rf"\({terms}, {dimensions}\), not torch.float32 \(3, 4\)"):
        read_text(export_text(begin_text(3, 4, 0.5, seed=1)), terms, dimensions)


def test_a_layer_of_what_is_no_number_is_refused() -> None:
    content = export_text(TextEmbedding(torch.tensor([[1.0, float("nan")]])))
    with pytest.raises(InputError, match="no finite numbers; train it anew"):
        read_text(content, 1, 2)


def test_a_file_of_something_else_is_refused() -> None:
    with pytest.raises(InputError, match="safetensors file of `weight`"):
        read_text(b"\x80\x04K\x01.", 3, 4)
