"""A query's object is found where it was put into another image, in pixels of that image."""

import io

import numpy as np
import pytest
from PIL import Image

from tasks.describe.descriptors import UndecodableError, describe_image
from tasks.describe.objects import find_object, look_at


@pytest.fixture
def network(make_network):
    return make_network(longest_sides=(64, 320, 640))  # of which the middle one is looked at


def stored(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def scene(left, top, scale):
    """A picture with a field of two colours, 96 × 64 times the scale, on another colour."""
    pixels = np.full((256, 320, 3), (40, 90, 60), np.uint8)
    pixels[top : top + 64, left : left + 96] = (250, 40, 20)
    pixels[top : top + 64, left : left + 48] = (20, 40, 250)
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)


def share_inside(box, other):
    x1, y1, x2, y2 = (*np.maximum(box[:2], other[:2]), *np.minimum(box[2:], other[2:]))
    return max(0, x2 - x1) * max(0, y2 - y1) / ((box[2] - box[0]) * (box[3] - box[1]))


@pytest.mark.parametrize(("left", "top", "scale"), [(48, 96, 1), (208, 160, 1), (128, 16, 3)])
def test_an_object_is_found_where_it_is(network, left, top, scale):
    query = look_at(network, stored(scene(96, 64, 1)), (96.0, 64.0, 192.0, 128.0))
    found = find_object(network, look_at(network, stored(scene(left, top, scale))), query)
    # Maxima do not tell a part that shows all of its colours from the whole
    assert share_inside(found.box, scale * np.array([left, top, left + 96, top + 64])) > 0.9
    assert found.score > 0.99


def test_the_image_that_shows_it_scores_above_another(network, picture):
    query = look_at(network, stored(scene(96, 64, 1)), (96.0, 64.0, 192.0, 128.0))
    contents = stored(scene(0, 0, 1)), picture(320, 256)
    found, other = (find_object(network, look_at(network, content), query) for content in contents)
    assert found.score > other.score


def test_the_vector_is_that_of_the_maps_in_the_box(network):
    plain = stored(np.full((256, 320, 3), (90, 200, 60), np.uint8))  # no box of it is better than another
    found = find_object(network, look_at(network, plain), look_at(network, plain))
    whole = describe_image(network, plain)
    assert found.vector.shape == whole.shape
    assert found.vector == pytest.approx(whole, abs=1e-3)


def test_what_can_t_be_decoded_is_told(network):
    with pytest.raises(UndecodableError):
        look_at(network, b"no picture")
