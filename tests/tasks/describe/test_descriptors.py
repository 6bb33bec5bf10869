"""Descriptors of images: several sizes summed, boxes cropped, and damage told."""

import numpy as np
import pytest

from tasks.describe.descriptors import UndecodableError, describe_image, vectors_to_whiten


def test_an_image_has_a_descriptor_of_unit_length(make_network, picture):
    found = describe_image(make_network(), picture())
    assert found.shape == (8,)
    assert found.dtype == np.float32
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-6)


def test_descriptors_of_several_sizes_are_summed(make_network, picture):
    single = [describe_image(make_network(longest_sides=(side,)), picture()) for side in (64, 96, 160)]
    total = sum(single) / np.linalg.norm(sum(single))
    assert np.allclose(describe_image(make_network(longest_sides=(64, 96, 160)), picture()), total, atol=1e-6)


def test_a_box_is_described_as_its_pixels_are(make_network, picture):
    network, content = make_network(), picture()
    whole, part = describe_image(network, content), describe_image(network, content, (0.0, 0.0, 60.0, 90.0))
    assert np.allclose(describe_image(network, content, (0.0, 0.0, 120.0, 90.0)), whole)
    assert not np.allclose(part, whole, atol=1e-3)


def test_whitening_is_learned_from_each_region_or_from_their_sum(make_network, picture):
    regional = vectors_to_whiten(make_network(longest_sides=(96, 128)), picture())
    summed = vectors_to_whiten(make_network(longest_sides=(96, 128), regional_whitening=False), picture())
    assert regional.shape == (40, 8)  # 20 regions in each size
    assert summed.shape == (2, 8)
    assert np.allclose(summed[0], normalize_sum(regional[:20]), atol=1e-6)


def normalize_sum(vectors):
    total = vectors.sum(axis=0)
    return total / np.linalg.norm(total)


def test_what_can_t_be_decoded_is_told(make_network, picture):
    for content in (picture(kind="PNG")[:200], b"", b"<html>" * 40):
        with pytest.raises(UndecodableError, match="Error"):
            describe_image(make_network(), content)
