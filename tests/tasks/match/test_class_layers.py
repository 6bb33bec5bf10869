"""What several pairs of a class tell to lie on a layer is known in all its pictures."""

import numpy as np

from tasks.match.class_layers import crowds_on, layers_of_class
from tasks.match.layers import attempt_beneath
from tasks.match.near_misses import NearMisses
from tasks.match.pairwise import match_class
from tests.tasks.match.pictures import (
    CAPTION,
    SETTINGS,
    SIZE,
    SIZES,
    describe,
    scene,
    seen_from_elsewhere,
    with_caption,
)


def test_what_three_pictures_have_on_a_layer_is_known_in_a_fourth():
    features = [describe(with_caption(scene(seed))) for seed in (5, 6, 7)]
    pairs = [(0, 1), (0, 2), (1, 2)]
    made = {(a, b): attempt_beneath(features[a], features[b], SIZES, SETTINGS, 0) for a, b in pairs}
    fourth, fifth = describe(with_caption(scene(8))), describe(scene(9))
    made[3, 4] = attempt_beneath(fourth, fifth, SIZES, SETTINGS, 0)
    masks = layers_of_class(made, [*features, fourth, fifth])
    masked = fourth.positions[masks[3]]
    assert len(masked) >= 10
    assert (masked[:, 1] > SIZE[1] - CAPTION - 10).mean() > 0.9
    assert len(masks.get(4, [])) == 0 or masks[4].mean() < 0.02


def test_strangers_with_one_caption_are_no_pairs_and_two_views_of_one_thing_are():
    pictures = [*map(scene, (5, 6, 7, 8)), seen_from_elsewhere(scene(5))]
    features = [describe(with_caption(picture)) for picture in pictures]
    members = [
        {"image_id": f"p{n}", "landmark_id": "p", "sha256": f"{n}", "width": SIZE[0], "height": SIZE[1]}
        for n in range(len(pictures))
    ]
    misses = NearMisses()
    rows, counts = match_class(members, features, SETTINGS, misses)
    assert [(row["image_a"], row["image_b"]) for row in rows] == [("p0", "p4")]
    assert (counts["compared"], counts["verified"]) == (10, 1)
    assert {row["image_id"]: row["lacks"] for row in misses.rows(members, SETTINGS)} == dict.fromkeys(
        ("p1", "p2", "p3"), "view"
    )


def test_two_pictures_tell_no_layer_of_a_class():
    features = [describe(with_caption(scene(seed))) for seed in (5, 6)]
    made = attempt_beneath(*features, SIZES, SETTINGS, 0)
    assert len(made.layer)
    assert layers_of_class({(0, 1): made}, features) == {}


def test_places_crowd_on_a_layer_where_most_keypoints_lie_elsewhere():
    random = np.random.default_rng(0)
    keypoints = random.uniform(0, 1000, (500, 2)).astype(np.float32)
    layer = random.uniform(0, 100, (20, 2)).astype(np.float32)
    inside, anywhere = random.uniform(0, 100, (12, 2)), keypoints[:30]
    assert crowds_on(inside.astype(np.float32), layer, keypoints, 1000)
    assert not crowds_on(anywhere, layer, keypoints, 1000)


def test_a_layer_all_over_the_picture_says_nothing_of_places():
    keypoints = np.random.default_rng(0).uniform(0, 1000, (500, 2)).astype(np.float32)
    assert not crowds_on(keypoints[:40], keypoints[40:], keypoints, 1000)
