"""The known homographies and boxes are the true ones."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from demo import photos, views
from demo.catalogue import PHOTOS

LANDMARKS = [photo.name for photo in PHOTOS.values() if photo.box]


def _decode(jpeg: bytes) -> views.Pixels:
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert pixels is not None
    grey: views.Pixels = pixels.astype(np.uint8)
    return grey


@pytest.mark.parametrize("name", ["chartres", "kiosk", "notre_dame"])
def test_the_photograph_under_the_homography_is_the_view(name: str, demo_photos: Path) -> None:
    photo = photos.read(name, demo_photos)
    recipe = views.draw(f"test-{name}", photo.shape[:2], PHOTOS[name].box)
    view = views.shoot(photo, recipe)
    # Blurred on both sides: what is compared is the geometry, not the development of the picture.
    warped = cv2.warpPerspective(cv2.GaussianBlur(photo, (0, 0), 3), view.homography, view.size)
    expected = cv2.GaussianBlur(cv2.cvtColor(warped, cv2.COLOR_BGR2GRAY), (0, 0), 1)
    found = cv2.GaussianBlur(_decode(view.jpeg), (0, 0), 1)
    shifted = np.roll(found, 8, axis=1)
    correlation = [np.corrcoef(expected.ravel(), other.ravel())[0, 1] for other in (found, shifted)]
    assert correlation[0] > 0.95
    assert correlation[0] > correlation[1] + 0.02


def test_an_untouched_view_has_the_identity_and_the_same_box() -> None:
    photo = np.zeros((300, 400, 3), np.uint8)
    view = views.shoot(photo, views.AS_SHIPPED)
    assert np.allclose(view.homography, np.eye(3), atol=1e-6)
    assert views.map_box((10, 20, 110, 220), view.homography, view.size) == pytest.approx((10, 20, 110, 220))


def test_a_reduced_view_keeps_the_edges_of_its_boxes() -> None:
    photo = np.zeros((1200, 1800, 3), np.uint8)
    view = views.shoot(photo, views.AS_SHIPPED)
    assert view.size == (900, 600)
    assert views.map_box((0, 0, 1800, 1200), view.homography, view.size) == pytest.approx((0, 0, 900, 600))
    assert views.map_box((200, 100, 600, 500), view.homography, view.size) == pytest.approx((100, 50, 300, 250))


def test_a_mirrored_view_maps_the_left_edge_to_the_right() -> None:
    view = views.shoot(np.zeros((300, 400, 3), np.uint8), views.Recipe(mirror=True))
    assert views.map_box((0, 0, 100, 300), view.homography, view.size) == pytest.approx((300, 0, 400, 300))


@pytest.mark.parametrize("name", LANDMARKS)
def test_recipes_keep_most_of_the_landmark(name: str, demo_photos: Path) -> None:
    box = PHOTOS[name].box
    assert box is not None
    shape = photos.read(name, demo_photos).shape[:2]
    recipes = [views.draw(f"{name}-{n}", shape, box) for n in range(20)]
    assert all(views.visible_share(np.array(recipe.corners), shape, box) >= 0.6 for recipe in recipes)
    assert all(0 <= share <= 1 for recipe in recipes for corner in recipe.corners for share in corner)


def test_a_recipe_belongs_to_its_name() -> None:
    assert views.draw("a", (400, 600), None) == views.draw("a", (400, 600), None)
    assert views.draw("a", (400, 600), None) != views.draw("b", (400, 600), None)


def test_about_a_fifth_of_the_recipes_is_stamped() -> None:
    stamps = [views.draw(f"view-{n}", (400, 600), None).stamp for n in range(400)]
    assert 0.14 < sum(bool(stamp) for stamp in stamps) / len(stamps) < 0.26
