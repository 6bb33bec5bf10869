import numpy as np
import pytest

from tasks.match.copies import is_copy
from tasks.match.settings import MatchSettings
from tasks.match.verify import Verification

SIZE = (1000, 400)
SIZES = (SIZE, SIZE)
SETTINGS = MatchSettings(copy_share=0.5, copy_tolerance=0.004)  # matches within 4 pixels of SIZE are a copy's


def found(putative: int, residuals: list[float]) -> Verification:
    return Verification(putative, np.eye(2, 3), np.zeros((len(residuals), 4), np.float32), np.array(residuals), -9.0)


@pytest.mark.parametrize(
    ("putative", "residuals", "copy"),
    [
        (100, [0.5] * 50, True),
        (100, [0.5] * 49, False),
        (100, [4.0] * 50, True),
        (100, [4.01] * 100, False),
        (100, [0.5] * 49 + [15.0] * 51, False),
        (20, [0.0] * 20, True),
    ],
)
def test_a_copys_matches_fit_tightly(putative, residuals, copy):
    assert is_copy(found(putative, residuals), SIZES, SETTINGS) is copy


def test_the_longer_side_is_the_measure():
    pair = found(10, [3.0] * 10)
    assert is_copy(pair, (SIZE, (1000, 400)), SETTINGS)
    assert is_copy(pair, (SIZE, (400, 1000)), SETTINGS)
    assert not is_copy(pair, (SIZE, (640, 400)), SETTINGS)


def test_both_limits_are_settings():
    pair = found(10, [3.0] * 4)
    assert not is_copy(pair, SIZES, SETTINGS)
    assert is_copy(pair, SIZES, MatchSettings(copy_share=0.4, copy_tolerance=0.004))
    assert not is_copy(pair, SIZES, MatchSettings(copy_share=0.4, copy_tolerance=0.001))


@pytest.mark.parametrize(("longest", "copy"), [(640, False), (160, True)])
def test_keypoints_of_a_small_picture_may_lie_less_exactly(longest, copy):
    pair = found(10, [6.0] * 10)
    assert is_copy(pair, ((longest, 100), SIZE), SETTINGS) is copy
    assert is_copy(pair, (SIZE, SIZE), SETTINGS) is False
