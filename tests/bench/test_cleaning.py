"""What the bench of cleaning computes itself."""

from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from bench.training.cleaning_arms import Listed, cut
from bench.training.cleaning_network import Tail, trunk_maps
from bench.training.cleaning_plot import draw_arms
from bench.training.cleaning_report import scores_of_runs
from bench.training.cleaning_run import DESCRIBE, Exam
from bench.training.cleaning_statistics import class_means, interval
from tasks.describe.network import load_network
from tasks.describe.whiten import Whiten


def test_interval_holds_the_mean_and_is_wider_where_classes_differ():
    random = np.random.default_rng(0)
    near = interval(0.02 + random.normal(0, 0.001, (5, 20)))
    by_class = interval(0.01 + random.normal(0, 0.05, (1, 20)).repeat(5, axis=0))
    assert 0 < near.low < near.mean < near.high
    assert by_class.low < 0 < by_class.mean < by_class.high
    half = 1.96 * 0.05 / np.sqrt(20)
    assert by_class.high - by_class.low == pytest.approx(2 * half, rel=0.4)


def test_interval_knows_that_seeds_differ_too():
    per_seed = np.repeat([[0.0], [0.1], [0.2], [-0.1], [0.0]], 20, axis=1)
    found = interval(per_seed)
    assert found.low < 0 < found.high


def test_class_means():
    found = class_means(np.array([[0.2, 0.4, 1.0], [0.0, 0.0, 0.5]]), np.array([0, 0, 1]))
    np.testing.assert_allclose(found, [[0.3, 1.0], [0.0, 0.5]])


def test_cut_has_the_sizes_and_follows_from_the_seed():
    classes = np.repeat([0, 1, 2], 20)
    rows = cut(classes, np.array([5, 0]), seed=1)
    assert np.bincount(classes[rows]).tolist() == [5]
    assert np.array_equal(rows, cut(classes, np.array([5, 0]), seed=1))
    assert not np.array_equal(rows, cut(classes, np.array([5, 0]), seed=2))


def test_arms_choose_their_rows():
    masks = [np.array(row, bool) for row in ([1, 0, 1, 0], [1, 1, 1, 0], [1, 1, 0, 0])]
    listed = Listed(list("abcd"), np.array([0, 0, 1, 1]), *masks)
    assert [listed.chosen(arm, 0).tolist() for arm in ("oracle", "unverified", "cairn", "noisy")] == [
        [0, 2],
        [0, 1, 2],
        [0, 1],
        [0, 1, 2, 3],
    ]
    assert listed.chosen("cut", 0).tolist() == [0, 1]


def test_exam_counts_neither_the_query_nor_other_classes():
    vectors = np.array([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9], [0.95, 0.05]], np.float32)
    exam = Exam(list("abcde"), np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(exam.average_precisions(vectors), [0.25, 1, 1, 1])


def test_tail_after_trunk_is_the_whole_network():
    torch.manual_seed(0)
    whole = load_network(DESCRIBE)
    whole.whitening = Whiten(torch.zeros(1280), torch.randn(8, 1280) / 100)
    pixels = torch.randint(0, 256, (1, 3, 96, 128), dtype=torch.uint8)
    tail = Tail(whole, whole.whitening)
    with torch.no_grad():
        torch.testing.assert_close(tail(trunk_maps(whole, pixels)), whole(pixels), atol=1e-6, rtol=1e-5)


def test_plot_is_a_picture():
    curves = {arm: np.random.default_rng(0).uniform(0.6, 0.8, (2, 4)) for arm in ("noisy", "cairn")}
    assert ElementTree.fromstring(draw_arms({"one": curves, "other": curves}, 90)).tag.endswith("svg")


def test_scores_of_runs_are_rows_of_the_iterations_they_were_taken_at():
    panels = {"60% noise": {"noisy": np.array([[0.5, 0.6, 0.7, 0.8], [0.4, 0.3, 0.2, 0.123456]])}}
    rows = scores_of_runs(panels, 90)
    assert rows["iterations"].to_list() == [0, 30, 60, 90] * 2
    assert rows.iloc[-1].to_list() == ["60% noise", "noisy", 1, 90, 0.12346]
