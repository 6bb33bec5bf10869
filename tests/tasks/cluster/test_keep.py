import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from storage.errors import InputError
from storage.reasons import Reason
from tasks.cluster.graph import group_images
from tasks.cluster.keep import class_groups, dropped_images, image_groups, keep_images
from tasks.cluster.settings import ClusterSettings
from tests.tasks.cluster.cluster_graphs import clique, images, pairs
from tests.tasks.cluster.test_graph import graphs

CLASS_A = images("a1", "a2", "a3", "a4", "a5", "a6")
EDGES = pairs(*clique("a1", "a2", "a3"), ("a4", "a5", 30))


def decide(members: pd.DataFrame, edges: pd.DataFrame, pins: dict[str, str] | None = None, **settings: Any):
    chosen = ClusterSettings(**settings)
    decided = keep_images(group_images(members, edges, chosen)[0], chosen, pins or {})
    why = {row.image_id: (row.reason, json.loads(row.evidence)) for row in dropped_images(decided, chosen).itertuples()}
    return decided, set(decided.image_id[decided.kept]), why


def test_the_largest_group_of_each_class_is_kept():
    _, kept, why = decide(CLASS_A, EDGES)
    assert kept == {"a1", "a2", "a3"}
    assert {image: reason for image, (reason, _) in why.items()} == {
        "a4": Reason.SMALLER_GROUP,
        "a5": Reason.SMALLER_GROUP,
        "a6": Reason.NO_MATCH,
    }
    assert why["a4"][1] == {"group": 1, "group_size": 2, "photographs": 2, "largest_group": 3}


def test_a_group_below_the_minimum_is_not_kept():
    _, kept, why = decide(CLASS_A, EDGES, min_group_size=4)
    assert not kept
    assert why["a1"][0] == Reason.SMALL_GROUP
    assert decide(images("a1"), pairs(), min_group_size=1)[1] == {"a1"}


def test_copies_alone_are_no_group():
    _, kept, why = decide(images("a1", "a2", "a3"), pairs(copies=(("a1", "a2"), ("a2", "a3"))))
    assert not kept
    assert why["a1"] == (
        Reason.SMALL_GROUP,
        {"group": 0, "group_size": 3, "photographs": 1, "largest_group": 1},
    )


def test_the_other_policy_keeps_all_views_that_have_enough_neighbours():
    edges = pairs(*clique("a1", "a2", "a3"), ("a3", "a4", 30), *clique("a5", "a6", "a7"))
    members = images("a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8")
    _, kept, why = decide(members, edges, policy="min_verified_neighbours", min_neighbours=2)
    assert kept == {"a1", "a2", "a3", "a5", "a6", "a7"}
    assert why["a4"][0] == Reason.FEW_NEIGHBOURS
    assert (why["a4"][1]["linked_photographs"], why["a4"][1]["needed"]) == (1, 2)
    assert why["a8"][0] == Reason.NO_MATCH


@pytest.mark.parametrize("policy", ["largest_component", "min_verified_neighbours"])
def test_a_pinned_group_is_kept_instead(policy):
    decided, kept, why = decide(CLASS_A, EDGES, {"a": "a5", "z": "z1"}, policy=policy)
    assert kept == {"a4", "a5"}
    assert why["a1"][0] == Reason.SMALLER_GROUP
    assert why["a1"][1]["lost_to_pinned"] == "a5"
    shown = class_groups(decided).set_index("group")
    assert shown[["kept", "pinned"]].to_numpy().tolist() == [[False, False], [True, True]]
    assert shown.confidence.isna().tolist() == [True, False]
    assert shown.confidence[1] == 1  # a person has looked


@pytest.mark.parametrize(
    ("pin", "said"),
    [
        ("a9", "pin 'a' = 'a9': the class does not have this image"),
        ("b1", "pin 'a' = 'b1': the class does not have this image"),
        ("a6", "its group has 1 photographs, min_group_size is 2"),
    ],
)
def test_a_pin_that_cannot_be_honoured_is_an_error(pin, said):
    with pytest.raises(InputError, match=said):
        decide(pd.concat([CLASS_A, images("b1")]), EDGES, {"a": pin})


def test_runner_ups_are_told_with_the_margin():
    decided, _, _ = decide(CLASS_A, EDGES)
    shown = class_groups(decided)
    assert shown.drop(columns="confidence").to_dict("records") == [
        {
            "landmark_id": "a",
            "group": group,
            "images": size,
            "photographs": size,
            "weight": weight,
            "first_image": first,
            "kept": kept,
            "pinned": False,
            "margin": 1,
        }
        for group, size, weight, first, kept in ((0, 3, 120, "a1", True), (1, 2, 30, "a4", False))
    ]
    assert shown.confidence[0] == pytest.approx(0.81, abs=0.01)  # a lead of 1 of 6 photographs
    assert np.isnan(shown.confidence[1])


def test_each_image_says_of_whom_it_is_a_copy():
    decided, _, _ = decide(images("a1", "a2", "a3"), pairs(("a1", "a3", 30), copies=(("a1", "a2"),)))
    assert image_groups(decided).set_index("image_id").copy_of.dropna().to_dict() == {"a2": "a1"}


@given(graphs())
def test_every_image_is_kept_or_dropped(graph):
    names, edges = graph
    _, kept, why = decide(images(*names), pairs(*edges))
    assert sorted([*kept, *why]) == sorted(names)
