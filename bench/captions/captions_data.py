"""Visual Genome at full scale, made up: real phrases and objects drawn again, with new words among them.

The phrases of 15 real images are far too few words for 108,077 images. So each image draws its phrases from two of the
real ones, and half of the words that say something are replaced by invented ones, drawn with a Zipf-like spread from
60,000 stems with the usual endings. Sizes are those of the official files: 50 phrases and 35 objects an image. What is
made is synthetic: good for time and memory, and for nothing about language.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.harness.surroundings import SHARED_DATA

FULL_SCALE = 108_077
_PHRASES, _OBJECTS = 50, 35
_STEMS, _EXPONENT = 60_000, 1.05
_ENDINGS = ("", "", "", "s", "ing", "ed")
_COMMON = 60
"""The words that most phrases have, such as `the`, are never replaced."""

_WORD = re.compile(r"[A-Za-z]+")


@dataclass(frozen=True)
class _Genome:
    """What is drawn from: of each real image its phrases, each as text between words and words; and all objects."""

    phrases: list[list[list[str]]]
    objects: list[dict[str, Any]]
    common: frozenset[str]
    words: list[str]


def write_genome(folder: Path, images: int) -> None:
    """Writes `region_descriptions.json` and `objects.json` of so many images; the same bytes whenever it is called."""
    genome = _read_genome()
    with (folder / "region_descriptions.json").open("w") as regions, (folder / "objects.json").open("w") as objects:
        for file in (regions, objects):
            file.write("[")
        for image in range(1, images + 1):
            random = np.random.default_rng(image)
            before = ", " if image > 1 else ""
            regions.write(before + json.dumps({"regions": list(_regions(genome, image, random)), "id": image}))
            objects.write(before + json.dumps({"image_id": image, "objects": list(_objects(genome, random))}))
        for file in (regions, objects):
            file.write("]")


def _read_genome() -> _Genome:
    if not SHARED_DATA.is_dir():
        raise SystemExit(f"this bench needs the annotations in {SHARED_DATA}")
    records = json.loads((SHARED_DATA / "visual_genome/slice_15/region_graphs.json").read_text())
    phrases = [[_split(region["phrase"]) for region in record["regions"]] for record in records]
    counts = Counter(word.lower() for phrase in chain(*phrases) for word in phrase[1::2])
    objects = json.loads((SHARED_DATA / "visual_genome/slice_15/objects.json").read_text())
    common = frozenset(word for word, _ in counts.most_common(_COMMON))
    return _Genome(phrases, [entry for record in objects for entry in record["objects"]], common, _invent())


def _split(phrase: str) -> list[str]:
    """Text and words by turns: the words are at the odd indices."""
    return re.split(f"({_WORD.pattern})", phrase)


def _invent() -> list[str]:
    """Words of letters, by hashes of their ranks; the endings of one stem are neighbours."""
    stems = (hashlib.sha256(str(rank).encode()).digest() for rank in range(_STEMS))
    letters = ("".join(chr(97 + byte % 26) for byte in digest[: 4 + digest[8] % 5]) for digest in stems)
    return [stem + ending for stem in letters for ending in _ENDINGS]


def _regions(genome: _Genome, image: int, random: np.random.Generator) -> Iterator[dict[str, Any]]:
    topics = random.integers(len(genome.phrases), size=2)
    chosen = [genome.phrases[topic] for topic in topics]
    boxes = random.integers(1, 400, (_PHRASES, 4)).tolist()
    fresh = iter(_zipf(random, 16 * _PHRASES))
    keep = iter((random.random(16 * _PHRASES) < 0.5).tolist())
    for number, (x, y, width, height) in enumerate(boxes):
        pool = chosen[number % 2]
        phrase = list(pool[int(random.integers(len(pool)))])
        for index in range(1, min(len(phrase), 32), 2):
            if phrase[index].lower() not in genome.common and next(keep):
                phrase[index] = genome.words[next(fresh)]
        yield {
            "region_id": image * 100 + number, "width": width, "height": height, "image_id": image,
            "phrase": "".join(phrase), "y": y, "x": x,
        }  # fmt: skip


def _zipf(random: np.random.Generator, count: int) -> list[int]:
    """Indices of invented words: ranks by a power law cut off at the number of stems, endings alike."""
    shares: NDArray[np.float64] = 1 - random.random(count)
    tail = (_STEMS + 1) ** (1 - _EXPONENT)
    ranks = ((tail + shares * (1 - tail)) ** (1 / (1 - _EXPONENT))).astype(np.int64) - 1
    endings = random.integers(len(_ENDINGS), size=count)
    indices: list[int] = (np.clip(ranks, 0, _STEMS - 1) * len(_ENDINGS) + endings).tolist()
    return indices


def _objects(genome: _Genome, random: np.random.Generator) -> Iterator[dict[str, Any]]:
    for index in random.integers(len(genome.objects), size=_OBJECTS).tolist():
        yield {name: genome.objects[index][name] for name in ("synsets", "h", "object_id", "names", "w", "y", "x")}
