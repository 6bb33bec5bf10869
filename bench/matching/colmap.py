"""The claim: from photographs to verified pairs takes a fraction of the CPU that COLMAP's own pipeline takes.

SIFT on both sides, with the same longest side and number of keypoints; COLMAP extracts, compares all pairs and verifies
with its defaults, on one thread. All photographs as one class would take it hours: there, a random sample of its pairs
is measured and the rest extrapolated. Needs pycolmap, and the photographs that developers have beside the repository.
"""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import process_time

from bench.harness.collection import (
    QUICK_CLASSES,
    Collection,
    Photograph,
    describe,
    one_native_thread,
    read_photographs,
)
from bench.harness.result import Comparison, Figure, Result
from tasks.features.settings import FeatureSettings
from tasks.match.pairwise import match_class
from tasks.match.settings import MatchSettings

_CLASSES = ("angkor_wat", "cologne_cathedral", "hagia_sophia")  # of 80 photographs each
_QUICK_CLASS = "petra_jordan"
_SAMPLE = 120  # photographs of all classes, among which the sampled pairs are
_SAMPLED_PAIRS = 2000
_TARGETS: dict[str, tuple[Comparison, float]] = {"least_class_ratio": (">=", 4), "pooled_ratio": (">=", 20)}


@dataclass(frozen=True)
class Cost:
    """CPU seconds of COLMAP over some photographs; pairs compared, and those of them that it verifies."""

    photographs: int
    extract_seconds: float
    match_seconds: float
    compared: int
    verified: int

    def extrapolated(self, photographs: int) -> float:
        """CPU seconds for so many photographs and all of their pairs."""
        pairs = photographs * (photographs - 1) / 2
        return photographs * self.extract_seconds / self.photographs + pairs * self.match_seconds / self.compared


def measure(quick: bool) -> Result:
    """Takes both ways over whole classes, and over all photographs as one class."""
    if find_spec("pycolmap") is None:
        raise SystemExit("bench colmap compares with pycolmap, which is not installed: pip install pycolmap")
    photographs = read_photographs(QUICK_CLASSES if quick else None)
    with one_native_thread():
        collection = describe(photographs)
        ratios = [
            compare_class(collection, photographs, landmark) for landmark in ([_QUICK_CLASS] if quick else _CLASSES)
        ]
        figures: dict[str, Figure] = {"least_class_ratio": min(ratios), "mean_class_ratio": sum(ratios) / len(ratios)}
        if not quick:
            figures |= compare_pooled(collection, photographs)
    return Result(figures, {} if quick else _TARGETS)


def compare_class(collection: Collection, photographs: list[Photograph], landmark: str) -> float:
    """COLMAP's CPU seconds over ours, for one class."""
    theirs = _run_colmap([photograph for photograph in photographs if photograph.landmark_id == landmark], pairs=0)
    seconds, verified = match_seconds(collection, collection.classes[landmark], landmark)
    total = theirs.extract_seconds + theirs.match_seconds
    print(
        f"{landmark}: COLMAP {theirs.extract_seconds:.1f} + {theirs.match_seconds:.1f} s, {theirs.verified} verified; "
        f"Cairn {seconds:.1f} s, {verified} verified; {total / seconds:.1f} times less",
        flush=True,
    )
    return total / seconds


def compare_pooled(collection: Collection, photographs: list[Photograph]) -> dict[str, Figure]:
    """All photographs as one class, COLMAP's part extrapolated from a sample."""
    step = len(photographs) // _SAMPLE
    sample = _run_colmap(photographs[::step][:_SAMPLE], _SAMPLED_PAIRS)
    theirs = sample.extrapolated(len(photographs))
    ours, _ = match_seconds(collection, list(range(len(photographs))), "all")
    return {
        "colmap_ms_per_photograph": 1000 * sample.extract_seconds / sample.photographs,
        "colmap_ms_per_pair": 1000 * sample.match_seconds / sample.compared,
        "pooled_colmap_cpu_seconds": theirs,
        "pooled_cpu_seconds": ours,
        "pooled_ratio": theirs / ours,
    }


def match_seconds(collection: Collection, indices: list[int], landmark: str) -> tuple[float, int]:
    """CPU seconds of the whole pipeline for these photographs as one class, and how many pairs verify.

    Overlays are learnt from all photographs of the collection; these have their share of it.
    """
    part, begun = collection.part(indices, landmark), process_time()
    pairs, _ = match_class(part.members, part.features, MatchSettings())
    share = len(indices) / len(collection.members)
    return process_time() - begun + share * collection.feature_seconds, len(pairs)


def _run_colmap(photographs: list[Photograph], pairs: int) -> Cost:
    settings = FeatureSettings()
    with tempfile.TemporaryDirectory() as folder:
        for photograph in photographs:
            (Path(folder) / f"{photograph.image_id}.jpg").write_bytes(photograph.content)
        numbers = [str(number) for number in (settings.longest_side, settings.max_keypoints, pairs)]
        command = [sys.executable, "-m", "bench.matching.colmap_once", folder, *numbers]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Cost(**json.loads(done.stdout.splitlines()[-1]))
