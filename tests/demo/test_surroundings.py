"""Other surroundings leave the landmark alone, and are themselves never the same twice."""

from collections import Counter

import numpy as np
import pytest

from demo.plan import LANDMARKS, Picture, entries
from demo.surroundings import TURNS, Surroundings, hold, surround
from demo.views import Pixels

BOX = (60.0, 40.0, 160.0, 140.0)


@pytest.fixture
def noise() -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (200, 300, 3)).astype(np.uint8)


def _surrounded() -> dict[str, list[tuple[Picture, Surroundings]]]:
    """Per class its pictures with other surroundings."""
    found: dict[str, dict[Picture, Surroundings]] = {}
    for entry in entries():
        if entry.picture and entry.picture.surroundings:
            found.setdefault(entry.landmark_id, {})[entry.picture] = entry.picture.surroundings
    return {landmark: list(pictures.items()) for landmark, pictures in found.items()}


def test_the_landmark_stays_and_past_the_seam_all_is_scene(noise: Pixels) -> None:
    scene = np.full((50, 50, 3), 7, np.uint8)
    made = surround(noise, BOX, scene)
    assert np.array_equal(made[40:140, 60:160], noise[40:140, 60:160])
    outside = np.ones((200, 300), bool)
    outside[36:144, 56:164] = False
    assert (made[outside] == 7).all()


def test_the_seam_fades(noise: Pixels) -> None:
    made = surround(np.full_like(noise, 200), BOX, np.zeros((50, 50, 3), np.uint8))
    across = made[90, 150:170, 0].astype(int)
    assert list(across) == sorted(across, reverse=True)
    assert len({*across} - {0, 200}) >= 3


def test_a_scene_covers_the_picture_and_keeps_its_proportions(noise: Pixels) -> None:
    scene = np.zeros((100, 100, 3), np.uint8)
    scene[:50] = 255
    made = surround(noise, BOX, scene)
    assert (made[:90, 200:] == 255).all()
    assert (made[110:, 200:] == 0).all()


def test_a_scene_is_held_in_eight_ways() -> None:
    scene = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    assert np.array_equal(hold(scene, 0), scene)
    assert len({hold(scene, turn).tobytes() + bytes(hold(scene, turn).shape) for turn in range(TURNS)}) == TURNS


def test_only_views_of_a_landmark_that_does_not_fill_its_picture_have_other_surroundings() -> None:
    assert sorted(_surrounded()) == ["chartres", "kiosk", "notre_dame", "sacre_coeur", "st_peters", "summer_palace"]
    assert {picture.look for pictures in _surrounded().values() for picture, _ in pictures} == {"re-shot"}


def test_surroundings_never_match_inside_a_class_nor_make_an_overlay() -> None:
    for pictures in _surrounded().values():
        assert len({held for _, held in pictures}) == len(pictures)
    classes = Counter(held for pictures in _surrounded().values() for _, held in pictures)
    assert max(classes.values()) <= 2
    assert all(0 < held.turn < TURNS for held in classes)


def test_no_scene_is_noise_of_the_same_class() -> None:
    for landmark in LANDMARKS:
        scenes = {held.photo for _, held in _surrounded().get(landmark.name, [])}
        assert not scenes & {*landmark.noise, *landmark.shared}
