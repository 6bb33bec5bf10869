"""What the benches of matching compute themselves, on five made-up photographs."""

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from bench.harness.collection import Collection
from bench.harness.curve import draw_curve, edges_kept
from bench.harness.foreign import plant_all
from bench.matching.allpairs import compare_all
from bench.matching.colmap import Cost as ColmapCost
from bench.matching.growth import Cost, cut, project
from bench.matching.match import measure_classes, measure_false_edges
from bench.matching.shortlisted import explore_part, inside, kept_group
from tasks.features.packed import Features


def photograph(scene, view, keypoints=60):
    """Another view of a scene: the same keypoints off by a few pixels, or it would be a copy."""
    random = np.random.default_rng(scene)
    columns = [random.uniform(0, 500, (keypoints, 2)), random.uniform(2, 9, (keypoints, 4))]
    columns[0] += np.random.default_rng(view).normal(0, 2, (keypoints, 2))
    return Features(np.hstack(columns).astype(np.float32), random.integers(0, 256, (keypoints, 128), np.uint8))


@pytest.fixture(scope="module")
def collection():
    """Two photographs of one thing in class a, and one of it in class b, which has two of something else."""
    scenes = {"a1": 1, "a2": 1, "b1": 1, "b2": 2, "b3": 2}
    members = [
        {"image_id": name, "landmark_id": name[0], "sha256": name, "width": 500, "height": 500} for name in scenes
    ]
    return Collection(members, [photograph(scene, view) for view, scene in enumerate(scenes.values())])


@pytest.fixture(scope="module")
def found(collection):
    return compare_all(collection)


def test_all_pairs_finds_what_shows_the_same(found):
    assert set(found.verified) == {(0, 1), (0, 2), (1, 2), (3, 4)}
    assert found.compared == 10
    assert found.found.cross.sum() == 2


def test_false_edges_are_those_between_classes(collection, found, capsys):
    figures = measure_false_edges(collection, found)
    assert (figures["true_edges"], figures["false_edges"], figures["cross_class_pairs"]) == (2, 2, 6)
    assert "b/b1" in capsys.readouterr().out


def test_a_small_class_is_found_whole(collection, found):
    for recall in measure_classes(collection, found):
        assert (recall.missed, recall.jaccard) == (0, 1.0)


def test_the_kept_group_is_the_largest(collection, found):
    everything = list(range(5))
    assert kept_group(collection, everything, found, found.verified) == {0, 1, 2}
    assert kept_group(collection, everything, found, [(3, 4)]) == {3, 4}
    assert explore_part(collection, [0, 2, 3], found.verified).verified == inside([0, 2, 3], found.verified) == {(0, 2)}


def test_a_foreign_photograph_is_counted(collection, found):
    kept = {(planting.landmark, name) for planting in plant_all(collection, found) for name in planting.kept}
    assert kept <= {("a", "b1"), ("b", "a1"), ("b", "a2")}
    assert kept & {("b", "a1"), ("b", "a2")}


def test_curve_counts_edges_on_the_right_side_of_a_threshold(tmp_path):
    pairs = pd.DataFrame(
        {"inliers": [30, 12, 9, 8], "false_alarms": [-40.0, -6.0, -5.9, -0.5], "cross": [False, False, True, False]}
    )
    assert edges_kept(pairs, "false_alarms", -6.0) == (2, 0)
    assert edges_kept(pairs, "false_alarms", 0.0) == (3, 1)
    assert edges_kept(pairs, "inliers", 9) == (2, 1)
    draw_curve(pairs, tmp_path / "curve.svg")
    assert ElementTree.parse(tmp_path / "curve.svg").getroot().tag.endswith("svg")


def test_projection_takes_the_cost_at_the_mean_size_of_a_class(collection):
    costs = [Cost(images, 0.1 * images, 0, 0, 0) for images in (10, 1000)]
    hours = project(costs, replace(collection, detect_seconds=0.4, learn_seconds=360.0, mask_seconds=0.1))
    assert hours["landmarks_full_core_hours"] == pytest.approx(192_000 * (0.1 + 0.1) / 3600 + 0.1)


def test_colmap_is_extrapolated_by_photographs_and_pairs():
    sample = ColmapCost(photographs=10, extract_seconds=5.0, match_seconds=2.0, compared=20, verified=0)
    assert sample.extrapolated(5) == pytest.approx(5 * 0.5 + 10 * 0.1)


def test_a_class_is_cut_between_landmarks_alone(collection):
    two = list(cut(collection, [0, 1, 3, 4], 2))
    assert [[image["image_id"] for image in part.members] for part in two] == [["b2", "b3"], ["a1", "a2"]]
    assert {image["landmark_id"] for part in two for image in part.members} == {"all"}
