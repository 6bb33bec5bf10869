import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image

from tasks.acquire.drawings import Sign, find_drawing, look_at, measure_signs

WIDTH, HEIGHT = 640, 480


def scene(seed: int = 0) -> NDArray[np.uint8]:
    """A picture as cameras make them, made up: soft surfaces of all sizes, shaded, with grain."""
    random = np.random.default_rng(seed)
    light = np.zeros((HEIGHT, WIDTH), np.float32)
    for cells in (3, 8, 20, 60, 160):
        coarse = random.normal(0, 1, (cells, cells)).astype(np.float32)
        light += cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    light = 128 + 45 * light / light.std() + random.normal(0, 3, light.shape)
    return np.clip(light, 0, 255).astype(np.uint8)


def houses(ground: int, ink: int, margin: int) -> NDArray[np.uint8]:
    """A row of houses in outline on even ground, which reaches to this distance from the sides."""
    picture = np.full((HEIGHT, WIDTH), ground, np.uint8)
    for x in range(margin, WIDTH - margin - 60, 70):
        cv2.rectangle(picture, (x, 200), (x + 60, HEIGHT - margin), ink, 2)
        cv2.line(picture, (x, 200), (x + 30, margin), ink, 2)
        cv2.line(picture, (x + 30, margin), (x + 60, 200), ink, 2)
        for y in range(220, HEIGHT - margin - 40, 50):
            cv2.rectangle(picture, (x + 15, y), (x + 40, y + 30), ink, 2)
    return picture


def engraving() -> NDArray[np.uint8]:
    """Strokes of brown ink, as dense as paper shows between them, on paper that is not quite even."""
    random = np.random.default_rng(2)
    picture = (200 + random.normal(0, 6, (HEIGHT, WIDTH))).clip(0, 255).astype(np.uint8)
    for x in range(0, WIDTH, 12):
        picture[:, x : x + 4] = 60
    return picture


def encode(luma: NDArray[np.uint8], quality: int = 90) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(luma).save(sink, "JPEG", quality=quality)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("picture", "sign"),
    [
        (houses(ground=250, ink=30, margin=40), Sign.GROUND),
        (houses(ground=235, ink=90, margin=40), Sign.GROUND),
        (engraving(), Sign.INK),
    ],
)
def test_what_is_drawn_has_a_sign_as_a_jpeg_too(picture, sign):
    found = look_at(encode(picture))
    assert found is not None
    assert found.sign == sign
    assert 0 < found.share <= 1


def test_a_scene_with_grain_has_none():
    assert find_drawing(scene()) is None


@given(st.integers(0, 20), st.sampled_from([0, 128, 255]), st.integers(0, 100), st.integers(0, 100))
def test_an_agency_s_bar_or_a_mat_around_three_sides_is_no_sign(seed, tone, below, beside):
    framed = cv2.copyMakeBorder(scene(seed), 0, below, beside, beside, cv2.BORDER_CONSTANT, value=tone)
    assert find_drawing(framed) is None


def test_a_silhouette_against_the_sky_is_no_sign():
    sky = np.tile(np.linspace(150, 220, HEIGHT)[:, None], (1, WIDTH)).astype(np.uint8)
    cv2.rectangle(sky, (300, 240), (340, HEIGHT), 20, -1)
    assert find_drawing(sky) is None


@given(arrays(np.uint8, st.tuples(st.integers(1, 24), st.integers(1, 24))))
def test_whatever_a_picture_is_its_shares_are_shares(luma):
    assert all(0 <= share <= 1 for share in measure_signs(luma).values())


def test_photographs_have_none(shared_data: Path):
    photographs = sorted((shared_data / "testsets").rglob("*.jpg"))
    assert len(photographs) > 80
    assert [path.name for path in photographs if look_at(path.read_bytes())] == []
