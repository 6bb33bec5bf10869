"""The list is what its documentation says: noisy, with every fault, and winnable."""

from collections import Counter

from demo.plan import FAULTS, LANDMARKS, entries


def test_every_fault_stands_in_the_list() -> None:
    assert {entry.behaviour for entry in entries()} == {*FAULTS, "fine", "slow", "redirect", "heals"}


def test_a_class_is_about_half_noise() -> None:
    lines = entries()
    for landmark in LANDMARKS:
        rows = [entry for entry in lines if entry.landmark_id == landmark.name]
        assert 20 <= len(rows) <= 30
        if not landmark.in_test_set:
            assert 0.4 <= sum(not entry.kept for entry in rows) / len(rows) <= 0.6


def test_no_other_group_comes_near_the_landmark() -> None:
    for landmark in LANDMARKS:
        rows = [entry for entry in entries() if entry.landmark_id == landmark.name and entry.picture]
        sizes = Counter(entry.view_group for entry in rows)
        others = [size for group, size in sizes.items() if group != landmark.name]
        assert max(others) <= sizes[landmark.name] / 2


def test_placeholders_stand_in_four_classes_or_more() -> None:
    assert len({entry.landmark_id for entry in entries() if entry.behaviour == "placeholder"}) >= 4


def test_one_line_is_repeated_and_every_other_id_is_its_own() -> None:
    counts = Counter(entry.image_id for entry in entries())
    assert sorted(counts.values())[-2:] == [1, 2]
