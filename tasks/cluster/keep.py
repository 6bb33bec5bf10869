"""Which images of a class stay: by the policy, or by what a person pinned."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from storage.errors import InputError
from storage.reasons import Reason
from tasks.cluster.confidence import confidence_of
from tasks.cluster.settings import ClusterSettings


def keep_images(
    members: pd.DataFrame, settings: ClusterSettings, pins: Mapping[str, str], by_hand: Collection[str] = ()
) -> pd.DataFrame:
    """Adds to the images of `tasks.cluster.graph` whether they stay: kept, and pin, the pinned image of their class.

    - `largest_component` (Deep Image Retrieval) keeps the images of group 0;
    - `min_verified_neighbours` (smlyaka, for Google-Landmarks v2) keeps, of every group, the images whose photograph is
      linked to at least `min_neighbours` others;
    - a pinned class keeps the group that holds the pinned image, whatever the policy.

    A class that would keep fewer than `min_group_size` photographs keeps none. What a person keeps stays besides.

    Args:
        pins: class to image; classes that `members` does not have are passed over. by_hand: images that a person keeps.

    Raises:
        InputError: a class does not have its pinned image, or the image's group is below `min_group_size`.
    """
    here = {name: image for name, image in pins.items() if name in set(members.landmark_id)}
    pin = members.landmark_id.map(here).astype(object)
    pinned_groups = {name: _pinned_group(members, name, image, settings) for name, image in here.items()}
    by_policy = members.group == 0
    if settings.policy == "min_verified_neighbours":
        by_policy = members.linked >= settings.min_neighbours
    chosen = by_policy.where(pin.isna(), members.group == members.landmark_id.map(pinned_groups))
    sizes = members[chosen].groupby("landmark_id").photograph.nunique()
    enough = members.landmark_id.map(sizes).fillna(0) >= settings.min_group_size
    kept = chosen & enough | members.image_id.isin(by_hand)
    return members.assign(pin=pin.where(pin.notna(), None), chosen=chosen, kept=kept)


def _pinned_group(members: pd.DataFrame, landmark_id: str, image_id: str, settings: ClusterSettings) -> int:
    found = members[(members.landmark_id == landmark_id) & (members.image_id == image_id)]
    pin = f"overrides: pin {landmark_id!r} = {image_id!r}"
    if found.empty:
        raise InputError(f"{pin}: the class does not have this image; pin one that it has")
    photographs = int(found.photographs.iloc[0])
    if photographs < settings.min_group_size:
        raise InputError(
            f"{pin}: its group has {photographs} photographs, min_group_size is {settings.min_group_size}; "
            "pin an image of a larger group"
        )
    return int(found.group.iloc[0])


def dropped_images(
    decided: pd.DataFrame, settings: ClusterSettings, near: Mapping[str, Mapping[str, Any]] | None = None
) -> pd.DataFrame:
    """Returns why the images that `keep_images` does not keep are dropped: image_id, reason, evidence (JSON).

    Args:
        near: by image, what is known of its nearest miss: further evidence where it matches no other.
    """
    rows = []
    for image in decided[~decided.kept].itertuples():
        reason, evidence = _why(image, settings)
        if near and reason is Reason.NO_MATCH:
            told = near.get(str(image.image_id), {})
            evidence |= {name: value for name, value in told.items() if value not in (None, "")}
        rows.append((image.image_id, str(reason), json.dumps(evidence)))
    return pd.DataFrame(rows, columns=["image_id", "reason", "evidence"], dtype=object)


def dropped_by_hand(images: Sequence[str], why: Mapping[str, str]) -> pd.DataFrame:
    """Returns why a person's images are dropped: image_id, reason, evidence (JSON); `why` has the words."""
    rows = [(image_id, str(Reason.DROPPED_BY_HAND), json.dumps({"why": why[image_id]})) for image_id in images]
    return pd.DataFrame(rows, columns=["image_id", "reason", "evidence"], dtype=object)


def _why(image: Any, settings: ClusterSettings) -> tuple[Reason, dict[str, Any]]:
    evidence: dict[str, Any] = {
        "group": int(image.group),
        "group_size": int(image.images),
        "photographs": int(image.photographs),
        "largest_group": int(image.largest),
    }
    if image.pin is not None:
        evidence["lost_to_pinned"] = image.pin
    elif settings.policy == "min_verified_neighbours":
        evidence |= {"linked_photographs": int(image.linked), "needed": settings.min_neighbours}
    if image.neighbours == 0:
        return Reason.NO_MATCH, evidence
    if image.chosen:
        return Reason.SMALL_GROUP, evidence
    if image.pin is None and settings.policy == "min_verified_neighbours":
        return Reason.FEW_NEIGHBOURS, evidence
    return Reason.SMALLER_GROUP, evidence


def image_groups(decided: pd.DataFrame) -> pd.DataFrame:
    """Returns the table `groups`."""
    copy_of = decided.photograph.where(decided.photograph != decided.image_id, None)
    groups = decided.rename(columns={"images": "group_size"})
    return groups.assign(copy_of=copy_of)[
        ["image_id", "landmark_id", "group", "group_size", "neighbours", "copy_of", "kept"]
    ]


def class_groups(decided: pd.DataFrame) -> pd.DataFrame:
    """Returns the table `class_groups`."""
    pinned = decided.image_id == decided.pin
    groups = decided.assign(pinned=pinned).groupby(["landmark_id", "group"], as_index=False)
    taking_part = decided.groupby("landmark_id").photograph.nunique()
    whole = groups.agg(
        images=("images", "first"),
        photographs=("photographs", "first"),
        weight=("weight", "first"),
        first_image=("first_image", "first"),
        kept=("kept", "any"),
        pinned=("pinned", "any"),
        margin=("margin", "first"),
    )
    confidence = confidence_of(whole.margin.to_numpy(), whole.landmark_id.map(taking_part).to_numpy())
    by_hand = whole.groupby("landmark_id").pinned.transform("any")
    chosen = np.where(by_hand, whole.pinned, whole.kept & (whole.group == 0))
    whole["confidence"] = np.where(chosen, np.where(by_hand, 1.0, confidence), np.nan)
    return whole[(whole.group == 0) | (whole.images > 1)].reset_index(drop=True)
