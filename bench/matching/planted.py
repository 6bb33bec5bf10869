"""The claim: what software lays over the photographs of one, two or three classes joins none of them, and parts none.

Real photographs, with a layer of known place over each (`bench.matching.layers`). A pair rests on it where most inliers
lie on it in both pictures. True pairs are found without it, too, and by masks alone beneath it. Needs the photographs
that developers have beside the repository (`SHARED_DATA`).
"""

import io
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import product
from multiprocessing import get_context
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import Image

from bench.harness.collection import Collection, Photograph, describe, mask, one_native_thread, read_photographs
from bench.harness.result import Comparison, Figure, Result
from bench.matching.layers import KINDS, STRENGTHS, Mask, plant
from tasks.acquire.decode import decode
from tasks.match.pairwise import match_class
from tasks.match.settings import MatchSettings

_CARRIERS = ("machu_picchu", "petra_jordan", "palace_of_versailles")
_OTHERS = ("colosseum_rome", "taj_mahal", "hagia_sophia")
_EACH = 30  # photographs of a class
_QUALITY = 85  # of the JPEG files
_SMALLEST = 0.7  # what they are shrunk to, at most, once the layer is on
_NEAR = 0.01  # how far from the layer its keypoints may lie, as a share of the width
_HARDLY, _MOSTLY = 0.25, 0.5  # shares of a pair's inliers on the layer: of a true pair, and of one that rests on it
_BLIND = MatchSettings(layer_distance=0)  # which tells no layer
Pair = tuple[str, str]

_TARGETS: dict[str, tuple[Comparison, float]] = {"resting": ("<=", 0.01), "lost": ("<=", 0.02)}


class Outcome(NamedTuple):
    """Of one kind, strength and number of classes: true pairs, those lost, and those on the layer, now and before."""

    kind: str
    strength: int
    carriers: int
    true: int
    lost: int
    resting: int
    resting_before: int


def measure(quick: bool) -> Result:
    """Plants every kind at every strength in one, two and three classes."""
    strengths = STRENGTHS[1:2] if quick else STRENGTHS
    carriers = (1,) if quick else tuple(range(1, len(_CARRIERS) + 1))
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        jobs = [pool.submit(_look, kind, strength, carriers) for kind, strength in product(KINDS, strengths)]
        outcomes = [outcome for job in jobs for outcome in _told(job.result())]
    figures: dict[str, Figure] = _shares(outcomes)
    for kind in KINDS:
        figures |= {f"{kind}_{name}": share for name, share in _shares(o for o in outcomes if o.kind == kind).items()}
    return Result(figures, {} if quick else _TARGETS)


def _told(outcomes: list[Outcome]) -> list[Outcome]:
    for one in outcomes:
        print(*(f"{name} {value}" for name, value in one._asdict().items()), sep="  ", flush=True)
    return outcomes


def _shares(outcomes: Iterator[Outcome] | list[Outcome]) -> dict[str, Figure]:
    """Pairs that rest on a layer, of those that do by masks alone, and lost ones, of the true ones, in shares."""
    true, lost, resting, before = np.sum([one[3:] for one in outcomes], axis=0)
    shares = {"resting": resting / max(before, 1), "lost": lost / max(true, 1)}
    return {"true": int(true), "resting_before": int(before), **{name: float(share) for name, share in shares.items()}}


def _look(kind: str, strength: int, carriers: tuple[int, ...]) -> list[Outcome]:
    with one_native_thread():
        planted, found = _planted(kind, strength), list[Outcome]()
        for count in carriers:
            names = _CARRIERS[:count]
            collection = _put_together(planted, names)
            before, after = (_match(collection, names, settings) for settings in (_BLIND, MatchSettings()))
            plain = {pair: copy for name in names for pair, copy in _plain_pairs(name).items()}
            on_layer, still = (
                {pair: 0.0 if plain.get(pair) else _on_layer(row, planted.masks) for pair, row in pairs.items()}
                for pairs in (before, after)
            )
            true = {pair for pair, share in on_layer.items() if pair in plain and share < _HARDLY}
            resting_before = {pair for pair, share in on_layer.items() if share > _MOSTLY}
            resting = {pair for pair, share in still.items() if share > _MOSTLY}
            lost = true - after.keys()
            found.append(Outcome(kind, strength, count, len(true), len(lost), len(resting), len(resting_before)))
    return found


class _Carriers(NamedTuple):
    collection: Collection
    masks: dict[str, Mask]


@cache
def _plain() -> Collection:
    """The photographs of all classes as they are."""
    return describe(_some(), masked=False)


@cache
def _masked() -> Collection:
    return mask(_plain())


@cache
def _plain_pairs(name: str) -> dict[Pair, bool]:
    """The verified pairs of a class as it is, and whether they are copies, which are the same all over."""
    return {pair: row["copy"] for pair, row in _match(_masked(), (name,), MatchSettings()).items()}


@cache
def _some() -> list[Photograph]:
    chosen: dict[str, list[Photograph]] = {}
    for photograph in read_photographs((*_CARRIERS, *_OTHERS)):
        chosen.setdefault(photograph.landmark_id, []).append(photograph)
    return [photograph for own in chosen.values() for photograph in own[:_EACH]]


def _planted(kind: str, strength: int) -> _Carriers:
    masks: dict[str, Mask] = {}

    def planted() -> Iterator[Photograph]:
        for number, photograph in enumerate(_some()):
            if photograph.landmark_id in _CARRIERS:
                pixels = np.asarray(decode(photograph.content))
                made = plant(kind, pixels, strength, 0)
                content, masks[photograph.image_id] = _save(made.pixels, made.mask, number)
                yield photograph._replace(content=content)

    collection = describe(planted(), masked=False)
    return _Carriers(collection, masks)


def _save(pixels: np.ndarray, laid: Mask, number: int) -> tuple[bytes, Mask]:
    """The JPEG file, shrunk a little, and where the layer lies in it."""
    share = np.random.default_rng(number).uniform(_SMALLEST, 1)
    size = tuple(round(side * share) for side in pixels.shape[1::-1])
    reach = 2 * round(_NEAR * pixels.shape[1]) + 1
    near = cv2.dilate(laid.astype(np.uint8), np.ones((reach, reach), np.uint8))
    sink = io.BytesIO()
    Image.fromarray(pixels).resize((size[0], size[1]), Image.Resampling.LANCZOS).save(sink, "JPEG", quality=_QUALITY)
    return sink.getvalue(), cv2.resize(near, (size[0], size[1]), interpolation=cv2.INTER_NEAREST) > 0


def _put_together(carriers: _Carriers, names: tuple[str, ...]) -> Collection:
    """All classes: these with their layers, the others as they are; overlays are learnt from all, and masked."""
    plain = _plain()
    left = [n for n, image in enumerate(plain.members) if image["landmark_id"] not in names]
    laid = [n for n, image in enumerate(carriers.collection.members) if image["landmark_id"] in names]
    parts = ((plain, left), (carriers.collection, laid))
    members = [own.members[n] for own, chosen in parts for n in chosen]
    features = [own.features[n] for own, chosen in parts for n in chosen]
    return mask(Collection(members, features))


def _match(collection: Collection, names: tuple[str, ...], settings: MatchSettings) -> dict[Pair, dict[str, Any]]:
    """The verified pairs inside these classes."""
    found: dict[Pair, dict[str, Any]] = {}
    for name in names:
        part = collection.part(collection.classes[name], name)
        rows, _ = match_class(part.members, part.features, settings)
        found |= {(row["image_a"], row["image_b"]): row for row in rows}
    return found


def _on_layer(row: dict[str, Any], masks: dict[str, Mask]) -> float:
    """The share of a pair's inliers that lie on the layer in both pictures."""
    points = np.asarray(row["points"]).reshape(-1, 4).astype(int)
    inside = np.ones(len(points), np.bool_)
    for image, columns in (("image_a", points[:, :2]), ("image_b", points[:, 2:])):
        laid = masks[row[image]]
        x, y = np.minimum(columns, np.array(laid.shape[::-1]) - 1).T
        inside &= laid[y, x]
    return float(inside.mean())
