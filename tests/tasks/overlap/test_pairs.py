from collections import Counter

import numpy as np

from tasks.features.packed import Features
from tasks.match.settings import MatchSettings
from tasks.overlap.pairs import Comparisons, SignedTests, compare_image, sum_comparisons
from tasks.overlap.settings import OverlapSettings

MATCH = MatchSettings()
SIZE = 600


def scatter(seed: int, count: int = 200) -> Features:
    """Keypoints at random with descriptors of their own."""
    random = np.random.default_rng(seed)
    frames = np.tile(np.array([4, 0, 0, 4], np.float32), (count, 1))
    keypoints = np.hstack([random.uniform(20, SIZE - 20, (count, 2)).astype(np.float32), frames])
    descriptors = random.gamma(0.5, 30, (count, 128)).clip(0, 255)
    return Features(keypoints, descriptors.astype(np.uint8))


def signed(count: int) -> SignedTests:
    """Half of the photographs in each of two test sets."""
    facts = [
        {
            "test_set": "ab"[index % 2],
            "test_image": f"{index}.jpg",
            "site": "s",
            "role": "positive",
            "width": SIZE,
            "height": SIZE,
        }
        for index in range(count)
    ]
    return SignedTests(facts, [scatter(index) for index in range(count)])


def compare(features: Features, settings: OverlapSettings, count: int = 30) -> tuple[list[dict], dict[str, dict]]:
    tests = signed(count)
    test_sets = [photograph["test_set"] for photograph in tests.photographs]
    counts = Comparisons(test_sets)
    image = {"image_id": "i", "landmark_id": "c", "sha256": "5" * 64, "width": SIZE, "height": SIZE}
    rows = compare_image(image, features, tests, counts, settings, MATCH)
    return rows, {row["test_set"]: row for row in sum_comparisons(counts.rows(), 1, Counter(test_sets))}


def test_a_photograph_that_answers_in_two_positions_has_one_row():
    mine, twin = scatter(4), scatter(4).mirrored(SIZE)
    both = Features(np.vstack([mine.keypoints, twin.keypoints]), np.vstack([mine.descriptors, twin.descriptors]))
    rows, counts = compare(both, OverlapSettings(copy_keypoints=400, audit=0))
    assert [(row["test_image"], row["kind"]) for row in rows] == [("4.jpg", "copy")]
    assert (counts["a"]["verified"], counts["b"]["verified"]) == (1, 0)
    assert (counts["a"]["images"], counts["a"]["possible"]) == (1, 15)


def test_what_only_the_audit_finds_counts_as_found():
    settings = OverlapSettings(shortlist=1, copy_shortlist=1, audit=100, min_votes=0)
    features = [scatter(4), scatter(5)]
    # More keypoints of one photograph than of the other: with a shortlist of one, only the audit looks at the second.
    few = Features(features[1].keypoints[:60], features[1].descriptors[:60])
    both = Features(
        np.vstack([features[0].keypoints, few.keypoints]), np.vstack([features[0].descriptors, few.descriptors])
    )
    rows, counts = compare(both, settings)
    assert [row["test_image"] for row in rows] == ["4.jpg", "5.jpg"]
    assert (counts["a"]["audit_found"], counts["b"]["audit_found"]) == (0, 1)
    assert sum(row["audited"] + row["compared"] for row in counts.values()) == 30


def test_without_an_audit_nothing_is_audited():
    _, counts = compare(scatter(99), OverlapSettings(audit=0))
    assert [row["audited"] for row in counts.values()] == [0, 0]
