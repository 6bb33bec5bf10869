"""What the stages of a list will do, by hand: every cost is a power of ten, so that the digits tell the parts."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from flows.planning.sample import Costs
from flows.planning.stage_costs import Photographs, Work, list_works
from flows.settings import CurateSettings

COSTS = Costs(
    pictures=8,
    inspect=1.0,
    look=0.1,
    describe=10.0,
    mask=100.0,
    propose=1e3,
    verify=1e4,
    illustrate=1e5,
    keypoints=600.0,
)
SETTINGS = CurateSettings.model_validate(
    {
        "match": {"exhaustive": 5, "candidates": 2, "audit": 0.5},
        "overlays": {"sample": 4, "candidates": 1},
        "overlap": {"shortlist": 6, "copy_shortlist": 2, "copy_keypoints": 300},
        "classes": {"representatives": 4, "keypoints": 300, "candidates": 3},
    }
)


def works(new: int, sizes: list[int], tests: Photographs = Photographs()) -> dict[str, Work]:
    return {work.stage: work for work in list_works(new, np.array(sizes, np.int64), tests, COSTS, SETTINGS)[0]}


def test_by_hand() -> None:
    found = works(20, [3, 10])
    assert found == {
        "acquire": Work("acquire", 20, "addresses", 20.0),
        "drawings": Work("drawings", 20, "images", 2.0),
        "features": Work("features", 13, "images", 130.0),
        # Four are compared with one other each; all are masked.
        "overlays": Work("overlays", 13, "images", 4 * 1e3 + 4 * 1e4 + 1300),
        # Three pairs of the class of three; of the one of ten, two for each image and half of that as audit.
        "match": Work("match", 3 + 30, "pairs", 10 * 1e3 + 33 * 1e4),
        # Three and four images ask, with half of their keypoints, for three photographs each.
        "classes": Work("classes", 21, "pairs", 7 * 0.5 * 1e3 + 21 * 1e4),
        "illustrate": Work("illustrate", 13, "images", 13e5),
    }


def test_test_sets_are_signed_and_asked_eight_times() -> None:
    found = works(3, [3], Photographs(count=100, unsigned=40))
    assert found["signature"] == Work("signature", 40, "images", 40 * 11.0)
    assert found["overlap"] == Work("overlap", 24, "pairs", 3 * 4.5 * 1e3 + 24 * 1e4)
    assert works(3, [3], Photographs(count=2))["overlap"].count == 6  # no more than there are


def test_nothing_is_asked_of_a_list_whose_classes_are_all_too_small() -> None:
    assert [work.stage for work in works(2, []).values() if work.seconds] == ["acquire", "drawings"]


@given(st.lists(st.integers(3, 300), min_size=1, max_size=9), st.lists(st.integers(3, 300), max_size=9))
def test_more_classes_never_cost_less(sizes: list[int], more: list[int]) -> None:
    fewer, larger = works(sum(sizes), sizes), works(sum(sizes + more), sizes + more)
    for stage, work in fewer.items():
        assert larger[stage].seconds >= work.seconds, stage
