"""The verified pairs of one class: which pairs to look at, what each shows, and what all of them tell of layers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.features.packed import Features
from tasks.match.class_layers import crowds_on, layers_of_class
from tasks.match.copies import is_copy
from tasks.match.layers import attempt_beneath
from tasks.match.near_misses import NearMisses
from tasks.match.repeats import repeats
from tasks.match.schedule import explore, unseen_pairs
from tasks.match.settings import MatchSettings
from tasks.match.shortlist import shortlist
from tasks.match.verify import Attempt, Verification, pair_seed


def match_class(
    members: list[dict[str, Any]],
    features: Sequence[Features],
    settings: MatchSettings,
    misses: NearMisses | None = None,
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Returns the verified pairs of one class as rows of the table `pairs`, and counts.

    Args:
        members: rows of the table `images`, sorted by image_id. features: of each. misses: is told of each comparison.
    """
    made: dict[tuple[int, int], Attempt] = {}

    def compare(a: int, b: int) -> bool:
        own = _attempt(members[a], members[b], (features[a], features[b]), settings)
        if own.verification or len(own.layer):
            made[a, b] = own
        elif misses:
            misses.add(a, b, own)
        return own.verification is not None

    count = len(members)
    candidates = shortlist(features, settings) if count > settings.exhaustive else None
    progress = explore(count, candidates, compare, settings.supports)
    made = look_beneath(made, members, features, settings)
    rows = [
        _row((a, b), own.verification, members, features, settings)
        for (a, b), own in sorted(made.items())
        if own.verification
    ]
    wanted = round(settings.audit * len(progress.compared))
    audit = unseen_pairs(count, progress, wanted, pair_seed(*(image["sha256"] for image in members)))
    audit_found = sum(compare(a, b) for a, b in audit)
    if misses:
        for (a, b), own in made.items():
            misses.add(a, b, own)
    counts = {
        "possible": count * (count - 1) // 2,
        "compared": len(progress.compared),
        "skipped": len(progress.skipped),
        "verified": len(rows),
        "audited": len(audit),
        "audit_found": audit_found,
    }
    return rows, counts


def look_beneath(
    made: Mapping[tuple[int, int], Attempt],
    members: Sequence[dict[str, Any]],
    features: Sequence[Features],
    settings: MatchSettings,
) -> dict[tuple[int, int], Attempt]:
    """Returns the attempts of a class without what all of them together tell to lie on layers.

    Args:
        made: attempts that found something, by the numbers of two pictures. members, features: as of `match_class`.
    """
    masks, anew = layers_of_class(made, features), dict(made)
    for (a, b), own in made.items():
        if own.verification and (a in masks or b in masks):
            again = _attempt(members[a], members[b], (_left(a, features, masks), _left(b, features, masks)), settings)
            rests = again.verification and _rests_on_layers((a, b), again, members, features, masks)
            anew[a, b] = again if again.verification and not rests else replace(own, verification=None, lacks="view")
    return anew


def _left(picture: int, features: Sequence[Features], masks: Mapping[int, NDArray[np.bool_]]) -> Features:
    return features[picture].without(masks[picture]) if picture in masks else features[picture]


def _rests_on_layers(
    pair: tuple[int, int],
    made: Attempt,
    members: Sequence[Mapping[str, Any]],
    features: Sequence[Features],
    masks: Mapping[int, NDArray[np.bool_]],
) -> bool:
    """Whether the inliers crowd where one of the pictures has keypoints on a layer: they are the rest of the layer."""
    for end, picture in enumerate(pair):
        if picture in masks:
            own, longer = features[picture], max(_size(members[picture]))
            layer, places = own.positions[masks[picture]], made.matched[:, 2 * end : 2 * end + 2]
            if crowds_on(places, layer, own.positions, longer):
                return True
    return False


def _row(
    pair: tuple[int, int],
    found: Verification,
    members: Sequence[Mapping[str, Any]],
    features: Sequence[Features],
    settings: MatchSettings,
) -> dict[str, Any]:
    """A row of the table `pairs`."""
    a, b = pair
    sizes = _size(members[a]), _size(members[b])
    return {
        "landmark_id": members[a]["landmark_id"],
        "image_a": members[a]["image_id"],
        "image_b": members[b]["image_id"],
        "copy": is_copy(found, sizes, settings),
        "repeats": repeats(features[a], features[b], sizes, found, settings),
        **found.cells(),
    }


def _attempt(
    first: Mapping[str, Any], second: Mapping[str, Any], features: tuple[Features, Features], settings: MatchSettings
) -> Attempt:
    seed = pair_seed(first["sha256"], second["sha256"])
    return attempt_beneath(*features, (_size(first), _size(second)), settings, seed)


def _size(image: Mapping[str, Any]) -> tuple[int, int]:
    return image["width"], image["height"]
