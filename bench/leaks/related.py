"""What the stage `classes` does, over photographs in memory."""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from tasks.cluster.keep import image_groups
from tasks.features.packed import Features
from tasks.match.settings import MatchSettings
from tasks.overlap.classes import (
    class_pair_candidates,
    class_pairs,
    compare_related,
    contenders,
    reassigned_images,
    reassigned_photographs,
    related_sets,
    representatives,
    strongly_related,
    verify_pairs,
)
from tasks.overlap.pair_memory import PairMemory
from tasks.overlap.settings import ClassSettings
from tasks.overlap.subjects import links_on_subjects


class Grouped(NamedTuple):
    """The images of all classes that contend, sorted by class and id; `inside`, the verified pairs of each class."""

    images: pd.DataFrame
    features: Mapping[str, Features]
    inside: pd.DataFrame


class Found(NamedTuple):
    """Pairs of classes that are related, how many pairs were compared for it, and the images dropped for it."""

    related: set[tuple[str, str]]
    compared: int
    dropped: pd.DataFrame


def contending(decided: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """The images of groups that their class may keep, with their facts.

    Args:
        decided: as `keep_images` gives them. members: image_id, sha256, width, height.
    """
    groups = contenders(image_groups(decided), ClassSettings().contender)
    return groups.merge(decided[["image_id", "photograph"]], on="image_id").merge(members, on="image_id")


def relate(grouped: Grouped, memory: PairMemory) -> Found:
    """Looks for classes that show the same landmark, and for the images that leave theirs.

    Args:
        memory: what was found of pairs; another grouping of the same photographs asks for many of them again.
    """
    match, settings = MatchSettings(), ClassSettings()
    few = representatives(grouped.images, settings.representatives)
    features = [grouped.features[image] for image in few.image_id]
    asked = class_pair_candidates(few, [own.largest(settings.keypoints) for own in features], settings, match)
    seen = strongly_related(class_pairs(few, verify_pairs(few, features, asked, match, memory)), settings)
    dropped = [pd.DataFrame(columns=["image_id", "reason", "evidence"])]
    for names in related_sets(seen):
        images = grouped.images[grouped.images.landmark_id.isin(names)].reset_index(drop=True)
        known = seen[seen.landmark_a.isin(names)]
        across, links = compare_related(
            images, [grouped.features[image] for image in images.image_id], known, settings, match, memory
        )
        inside = grouped.inside[
            grouped.inside.image_a.isin(images.image_id) & grouped.inside.image_b.isin(images.image_id)
        ]
        reassigned = reassigned_photographs(images, links_on_subjects(images, pd.concat([links, inside])))
        dropped.append(reassigned_images(images, reassigned, across))
    return Found(set(zip(seen.landmark_a, seen.landmark_b, strict=True)), len(asked), pd.concat(dropped))
