"""The claim: what an image costs hardly depends on how many test photographs there are, and nothing is lost among many.

Synthetic but for what is to be found: the features of real search results, with noise, stand for training images (of
seven landmarks) and for test photographs (of six others), beside the real test photographs. Among the images are the
real photographs of the Eiffel Tower, and of each real test photograph a crop to 30 % and a tile of a collage. The stage
runs in a process of its own. Needs the photographs that developers have beside the repository (`SHARED_DATA`).
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from bench.harness.collection import Collection, describe, one_native_thread
from bench.harness.result import Figure, Result
from bench.leaks.copies import COLLAGE
from bench.leaks.overlap import SHOWN, plant, search_results, sign
from bench.matching.match_inputs import UNREAD
from storage.parquet import write_rows, write_table
from storage.root import Root
from storage.tables.acquisition import IMAGES
from storage.tables.features import FEATURES, SIGNATURE, SignatureRef
from tasks.features.packed import Features, pack

_SIZES = ((2_000, 130), (6_300, 410), (20_000, 1_300))
_QUICK_SIZES = ((150, 100), (300, 130))
_PROJECTED = (200_000, 13_000)
_BEYOND = 300  # images against as many test photographs as are projected to
_PACKET = 500
_HARD = ("cropped to 30 % of the area", COLLAGE)
_KEPT, _NOISE, _SHIFT = 0.8, 35, 0.01  # share of keypoints; of a descriptor's bytes, at most; of the picture's size


class Source(NamedTuple):
    """What images are made from: the real ones to be found, with the test photographs that they should be found by."""

    tests: Sequence[Mapping[str, Any]]
    signed: Sequence[Features]
    planted: Collection
    others: Collection


@dataclass(frozen=True)
class Cost:
    """Of one size: images, test photographs, CPU seconds to build the index and of the rest, bytes, pairs, recalls."""

    images: int
    photographs: int
    index: float
    seconds: float
    peak: int
    disk: int
    compared: int
    shown: float
    copies: float

    def line(self) -> str:
        """For people."""
        each, pairs = 1000 * self.seconds / self.images, self.compared / self.images
        return (
            f"{self.images:7,} {self.photographs:7,} {self.index:8.1f} {each:9.1f} {pairs:8.1f} {self.peak / 1e9:7.2f} "
            f"{self.disk / 1e9:7.2f} {self.shown:7.0f} {self.copies:7.3f}"
        )


def measure(quick: bool) -> Result:
    """Runs a few images against as many test photographs as are projected to, then each size."""
    with one_native_thread():
        source = _describe(quick)
    print(" images   tests  index s  ms/image    pairs peak GB disk GB  Eiffel  copies")
    costs = []
    for images, photographs in _QUICK_SIZES if quick else ((_BEYOND, _PROJECTED[1]), *_SIZES):
        costs.append(_run(source, images, photographs))
        print(costs[-1].line(), flush=True)
    return Result(_figures(costs if quick else costs[1:], costs[0]), {})


def _describe(quick: bool) -> Source:
    tests, contents = sign(quick)
    results = search_results(quick)
    shown = [one for one in results if one.landmark_id == SHOWN]
    copies = [copy.photograph for copy in plant(contents, ["copies"]) if copy.transformation in _HARD]
    others = describe((one for one in results if one.landmark_id != SHOWN), masked=False)
    return Source(tests.photographs, list(tests.features), describe([*shown, *copies], masked=False), others)


def _run(source: Source, images: int, photographs: int) -> Cost:
    with tempfile.TemporaryDirectory() as folder:
        root = Root(folder)
        signature = _write_tests(root, source, photographs)
        packets = [_write_packet(root, source, start, images) for start in range(0, images, _PACKET)]
        request = [{**packet, "signatures": [signature.model_dump()]} for packet in packets]
        root.write("request.json", json.dumps(request).encode())
        done = subprocess.run(
            [sys.executable, "-m", "bench.leaks.overlap_once", folder], stdout=subprocess.PIPE, text=True, check=True
        )
        found = json.loads(done.stdout.splitlines()[-1])
        disk = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()) + found.pop("spooled")
    names = set(found.pop("found"))
    ids = [str(image["image_id"]) for image in source.planted.members][:images]
    shown, copies = (
        [name in names for name in ids if (name.split(" ")[0] == SHOWN) == is_shown] for is_shown in (True, False)
    )
    return Cost(images, photographs, disk=disk, shown=sum(shown), copies=float(np.mean(copies)), **found)


def _write_tests(root: Root, source: Source, count: int) -> SignatureRef:
    """The signature: noisy features of the first classes, and the real test photographs."""
    own = [
        {**facts, "test_image": f"{facts['test_set']}/{facts['test_image']}", **pack(features)}
        for facts, features in zip(source.tests, source.signed, strict=True)
    ]
    indices = _halves(source.others)[0]

    def generated() -> Iterator[dict[str, Any]]:
        names = {"test_set": "generated", "site": "none", "role": "positive"}
        for number in range(count - len(own)):
            image, features = _noisy(source.others, indices, number, "test")
            size = {name: image[name] for name in ("width", "height")}
            yield {**names, "test_image": f"generated/{number:06}", **size, **pack(features)}

    real = sorted(own, key=lambda row: str(row["test_image"]))
    return write_rows(root, "signature.parquet", SIGNATURE, chain(generated(), real))


def _write_packet(root: Root, source: Source, start: int, images: int) -> dict[str, Any]:
    """Images and features from a number on: the real ones first, then generated ones."""
    planted = source.planted
    described = list[tuple[dict[str, Any], Features]]()
    halves = _halves(source.others)
    for number in range(start, min(start + _PACKET, images)):
        if number < len(planted.members):
            described.append((planted.members[number], planted.features[number]))
        else:
            described.append(_noisy(source.others, halves[1], number, "train"))
    rows = [{**image, **UNREAD} for image, _ in described]
    table = pa.Table.from_pylist(rows, IMAGES.schema)
    features = sorted((image["sha256"], own) for image, own in described)
    by_digest = ({"sha256": sha256, **pack(own), "crashed": False} for sha256, own in features)
    refs = {
        "images": write_table(root, f"packets/{start}/images.parquet", IMAGES, table),
        "features": write_rows(root, f"packets/{start}/features.parquet", FEATURES, by_digest),
    }
    return {name: ref.model_dump() for name, ref in refs.items()}


def _halves(others: Collection) -> tuple[list[int], list[int]]:
    """The indices of the photographs of six classes, and of the others."""
    classes = list(others.classes.values())
    first, second = classes[: len(classes) // 2], classes[len(classes) // 2 :]
    return [position for part in first for position in part], [position for part in second for position in part]


def _noisy(others: Collection, indices: list[int], number: int, kind: str) -> tuple[dict[str, Any], Features]:
    """A photograph's features with noise, and facts that go with them."""
    position, name = indices[number % len(indices)], f"{kind} {number:06}"
    image, own = others.members[position], others.features[position]
    random = np.random.default_rng([number, kind == "test"])
    kept = random.random(len(own.keypoints)) < _KEPT
    keypoints, descriptors = own.keypoints[kept].copy(), own.descriptors[kept].astype(np.int16)
    keypoints[:, :2] += random.normal(0, _SHIFT * image["width"], (len(keypoints), 2))
    descriptors += random.integers(-_NOISE, _NOISE + 1, descriptors.shape, dtype=np.int16)
    facts = {**image, "image_id": name, "landmark_id": f"class {number % 97}", "sha256": name}
    return facts, Features(keypoints, np.clip(descriptors, 0, 255).astype(np.uint8))


def _figures(costs: list[Cost], beyond: Cost) -> dict[str, Figure]:
    """Costs at each size, the exponents by test photographs, and the projection."""
    images, photographs = _PROJECTED
    measured: dict[str, list[float]] = {
        "ms_per_image": [cost.seconds / cost.images for cost in costs],
        "index_seconds": [cost.index for cost in costs],
        "peak": [cost.peak for cost in costs],
    }
    sizes = np.log([cost.photographs for cost in costs])
    exponents = {name: float(np.polyfit(sizes, np.log(values), 1)[0]) for name, values in measured.items()}
    last = costs[-1]
    growth = (photographs / last.photographs) ** exponents["ms_per_image"]
    fitted = images * last.seconds / last.images * growth
    each = {f"ms_per_image_{cost.photographs}": 1000 * cost.seconds / cost.images for cost in (*costs, beyond)}
    return {
        **each,
        **{f"peak_gigabytes_{cost.photographs}": cost.peak / 1e9 for cost in (*costs, beyond)},
        **{f"exponent_of_{name}": value for name, value in exponents.items()},
        "projected_core_hours_by_exponent": (fitted + beyond.index) / 3600,
        "projected_core_hours_by_sample": (images * beyond.seconds / beyond.images + beyond.index) / 3600,
        "projected_disk_gigabytes": images * last.disk / last.images / 1e9,
        **{f"eiffel_found_{cost.photographs}": cost.shown for cost in (*costs, beyond)},
        **{f"hard_copies_found_{cost.photographs}": cost.copies for cost in (*costs, beyond)},
    }
