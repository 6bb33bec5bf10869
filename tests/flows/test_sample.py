"""The pictures that costs are measured on, and the measuring."""

from dataclasses import asdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from flows.planning.sample import PICTURES, choose_sample, draw_sample, measure_costs
from flows.settings import CurateSettings
from tasks.acquire.inspect import Picture, inspect


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=80))
def test_a_sample_is_of_few_classes(classes: list[str]) -> None:
    chosen = choose_sample(np.array(classes)).tolist()
    assert len(set(chosen)) == len(chosen) == min(len(chosen), PICTURES)
    assert len(chosen) >= min(len(classes), PICTURES // 3)
    names = [classes[index] for index in chosen]
    assert len(set(names)) == 1 or max(map(names.count, names)) <= 12
    assert chosen == choose_sample(np.array(classes)).tolist()


def test_a_list_of_one_class_gives_a_whole_sample() -> None:
    assert sorted(choose_sample(np.array(["a"] * 99)).tolist()) == list(range(PICTURES))


def test_large_classes_come_first() -> None:
    classes = np.array(["small", "large", "small"] + ["large"] * 20)
    assert classes[choose_sample(classes)[:8]].tolist() == ["large"] * 8


def test_drawn_pictures_are_images_and_the_same_each_time() -> None:
    drawn = draw_sample()
    assert len(drawn) == PICTURES
    assert drawn == draw_sample()
    for content in drawn:
        assert isinstance(inspect(content, CurateSettings().acquire), Picture)


def test_costs_of_pictures() -> None:
    settings = CurateSettings.model_validate({"features": {"longest_side": 320, "max_keypoints": 300}})
    costs = measure_costs([*draw_sample()[:3], b"no image"], settings)
    assert costs is not None
    assert costs.pictures == 3
    assert costs.keypoints == 300
    assert all(value > 0 for value in asdict(costs).values())
    assert costs.describe > costs.inspect


def test_nothing_is_measured_on_what_is_no_image() -> None:
    assert measure_costs([draw_sample()[0], b"no image"], CurateSettings()) is None
    assert measure_costs([], CurateSettings()) is None
