"""Which readable images go on: not placeholders, not copies of each other, not of classes too small to compare."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from storage.reasons import Reason
from tasks.acquire.settings import SelectSettings

_EXAMPLES = 5


def select_images(images: pd.DataFrame, settings: SelectSettings) -> pd.DataFrame:
    """Finds the readable images that go no further.

    Files are of the same image where their pixels are the same, as those of the same bytes are. Such an image is

    - a placeholder, where it came from `placeholder_classes` addresses or more for as many classes; or from
      `placeholder_addresses` addresses or more of one host, be it for one class: a photograph may be found on many
      hosts, but none has a reason to keep it under so many addresses;
    - else ambiguous, where it stands in several classes; `ambiguous = "keep"` leaves it in each of them;
    - else a duplicate in its class, but for the largest file, and of these the one with the smallest image_id.

    `drawings = "drop"` drops what has a sign that it is no photograph, unless it is a placeholder. Classes with fewer
    than `min_class_size` images left go whole.

    Args:
        images: the readable images: image_id, landmark_id, sha256, pixel_hash, bytes, url (of a folder: a path),
            final_url, after redirects, or null; sign and share of the table `drawings`, or null.

    Returns:
        The dropped ones as image_id, reason, evidence (JSON), in the order of image_id.
    """
    images = images.sort_values("image_id", ignore_index=True)
    shown = defaultdict[str, list[Any]](list)
    for image in images[images.pixel_hash.duplicated(keep=False)].itertuples():
        shown[image.pixel_hash].append(image)
    drops = [drop for same in shown.values() for drop in _drops_of_one(same, settings)]
    if settings.drawings == "drop":
        drops = _without_drawings(images, drops)
    remaining = images[~images.image_id.isin([drop["image_id"] for drop in drops])]
    sizes = remaining.landmark_id.map(remaining.groupby("landmark_id").size())
    small = remaining.image_id[sizes < settings.min_class_size]
    drops += [_drop(image_id, Reason.CLASS_TOO_SMALL, readable=int(sizes[row])) for row, image_id in small.items()]
    found = pd.DataFrame(drops, columns=["image_id", "reason", "evidence"], dtype=object)
    return found.sort_values("image_id", ignore_index=True)


def _without_drawings(images: pd.DataFrame, drops: list[dict[str, str]]) -> list[dict[str, str]]:
    """These drops, but drawings for what they are."""
    placeholders = {drop["image_id"] for drop in drops if drop["reason"] == Reason.PLACEHOLDER}
    drawn = images[images.sign.notna() & ~images.image_id.isin(placeholders)]
    told = [_drop(row.image_id, Reason.DRAWING, sign=row.sign, share=round(row.share, 3)) for row in drawn.itertuples()]
    others = set(drawn.image_id)
    return [drop for drop in drops if drop["image_id"] not in others] + told


def _drops_of_one(same: Sequence[Any], settings: SelectSettings) -> Iterator[dict[str, str]]:
    """The drops of the files of one image, rows of `images` in the order of image_id; they are at least two."""
    how = "bytes" if len({image.sha256 for image in same}) == 1 else "pixels"
    by_class = defaultdict[str, list[Any]](list)
    for image in same:
        by_class[image.landmark_id].append(image)
    if rule := _placeholder_rule(same, settings):
        spread = _spread(same)
        for image in same:
            yield _drop(image.image_id, Reason.PLACEHOLDER, same=how, rule=rule, **spread)
    elif len(by_class) > 1 and settings.ambiguous == "drop":
        for image in same:
            yield _drop(image.image_id, Reason.AMBIGUOUS_CLASS, same=how, classes=sorted(by_class))
    else:
        for members in by_class.values():
            best = max(members, key=attrgetter("bytes"))  # of the largest, the first
            for image in members:
                if image is not best:
                    yield _drop(image.image_id, Reason.DUPLICATE_IMAGE, same=how, same_as=best.image_id)


def _placeholder_rule(same: Sequence[Any], settings: SelectSettings) -> str | None:
    """The rule by which the files of one image are a placeholder: `classes`, `host`, or none."""
    spread = _spread(same)
    if min(spread["classes"], spread["addresses"]) >= settings.placeholder_classes:
        return "classes"
    if spread["addresses"] < settings.placeholder_addresses:
        return None
    hosts = Counter(host for host, _ in {(_host(image), image.url) for image in same} if host)
    return "host" if hosts and max(hosts.values()) >= settings.placeholder_addresses else None


def _spread(same: Sequence[Any]) -> dict[str, Any]:
    """How far the files of one image are spread."""
    return {
        "classes": len({image.landmark_id for image in same}),
        "addresses": len({image.url for image in same}),
        "hosts": len({_host(image) for image in same} - {None}),
        "images": len(same),
        "examples": [image.image_id for image in same[:_EXAMPLES]],
    }


def _host(image: Any) -> str | None:
    """The host that sent a file, after redirects; None for a file of a folder."""
    address: str = image.final_url if isinstance(image.final_url, str) else image.url  # pandas has NaN for null
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _drop(image_id: str, reason: Reason, **evidence: Any) -> dict[str, str]:
    return {"image_id": image_id, "reason": str(reason), "evidence": json.dumps(evidence)}
