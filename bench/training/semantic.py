"""The claim: a network that learns from captions sees what people would call alike, and brings texts to its images.

800 collages are captioned by what was pasted (`bench.training.semantic_collages`), the captions published by the flow
`captions`, and its triplets learned from. The trunk of EfficientNet-lite0 is frozen, and its maps computed once; the
last stage, shift, fully connected layer and text layer train. All scores are of collages that neither train nor
validate. Texts begin with nothing: no pretrained words are at hand, so a text is W of its tf-idf alone.
"""

import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from bench.harness.result import Comparison, Figure, Result
from bench.harness.surroundings import set_prefect_apart
from bench.training.cleaning_network import cache_maps, learn_start
from bench.training.semantic_collages import SIDE, make_collages, write_captions, write_pictures
from bench.training.semantic_run import RULE, Arm, Learned, Lesson, Steps, compare, learn
from tasks.captions.npz import from_npz
from tasks.describe.network import load_network
from tasks.describe.settings import DescribeSettings
from tasks.describe.whiten import export_whitening
from tasks.evaluate.methods import ByCaptions, by_chance
from tasks.train.captioned import join_captions

DESCRIBE = DescribeSettings(levels=2, longest_sides=(SIDE,))
_AT_RANDOM = 200_000  # so many that hardly one is drawn twice, or could be learned by heart
ARMS = {
    "V": Arm(texts=False),
    "V+T": Arm(texts=True),
    "V, at random": Arm(texts=False, at_random=_AT_RANDOM),
    "V+T, at random": Arm(texts=True, at_random=_AT_RANDOM),
}
_SPLIT = {"val_percent": 5, "test_percent": 25}
_PROCESSES = 2


def measure(quick: bool) -> Result:
    """Trains all arms with several seeds, and prints what they score before and after."""
    count, seeds, steps = (160, 1, Steps(6, 4, 1e-4)) if quick else (800, 3, Steps(150, 16, 1e-4))
    with tempfile.TemporaryDirectory() as folder:
        lesson = prepare(Path(folder), count)
    print(", ".join(f"{number:,} {what}" for what, number in lesson.captioned.joined.items()), flush=True)
    jobs = [(name, seed) for seed in range(seeds) for name in ARMS]
    with ProcessPoolExecutor(_PROCESSES, get_context("spawn")) as pool:
        runs = [pool.submit(learn, lesson, ARMS[name], steps, seed, DESCRIBE) for name, seed in jobs]
        found = {name: [run.result() for job, run in zip(jobs, runs, strict=True) if job[0] == name] for name in ARMS}
    return _report(lesson, found)


def prepare(folder: Path, count: int) -> Lesson:
    """Makes the collages, has their captions published, and computes what all arms begin with."""
    collages = make_collages(count)
    write_pictures(collages, folder)
    write_captions(collages, folder / "captions_collages.json")
    table, weights, triplets = _captions(folder)
    images = pd.DataFrame({"image_id": [str(own.image_id) for own in collages]})
    images["path"] = [str(folder / f"{own.image_id}.png") for own in collages]
    captioned = join_captions(images, table[["row", "image_id"]], weights, triplets)
    whole = load_network(DESCRIBE)
    maps = cache_maps(whole, images.path)
    splits = table.set_index("image_id").split
    tests = np.flatnonzero([splits[own.image_id] == "test" for own in captioned.photographs])
    return Lesson(captioned, tests, maps, export_whitening(learn_start(whole, maps.values())))


def _captions(folder: Path) -> tuple[pd.DataFrame, sp.csr_array, pd.DataFrame]:
    """What the flow `captions` publishes of them: images, tf-idf and triplets."""
    set_prefect_apart(folder / "prefect")
    from flows.captions import captions
    from flows.runtime.server import prefect_server
    from flows.settings import CaptionsSettings, RunSettings
    from tasks.captions.settings import SplitSettings

    settings = CaptionsSettings(split=SplitSettings(**_SPLIT), triplets=RULE)
    with prefect_server():
        made = captions([folder / "captions_collages.json"], "collages", str(folder), settings, RunSettings(workers=2))
    version = folder / made.version.folder
    table = pd.read_parquet(version / "caption_images.parquet")
    weights = from_npz((version / "caption_weights.npz").read_bytes(), "caption_weights.npz", len(table))
    return table, weights, pd.read_parquet(version / "caption_triplets.parquet")


def _report(lesson: Lesson, found: Mapping[str, Sequence[Learned]]) -> Result:
    """Prints a row for each arm and way of asking: means over seeds, before and after."""
    captions = ByCaptions(lesson.captioned.texts[lesson.tests])
    rows = {"captions themselves": compare(captions, captions)}
    rows["chance"] = _mean([compare(by_chance(len(lesson.tests), seed), captions) for seed in range(5)])
    start = {name.removeprefix("V "): value for name, value in found["V"][0].before.items()}
    rows["before training, V"] = start
    for arm, learned in found.items():
        for way in ("V", "VT") if ARMS[arm].texts else ("V",):
            rows[f"{arm}; asked by {way}"] = _mean([_of(one.after, way) for one in learned])
    print("| | agreement | NDCG | PCC |\n|---|---|---|---|")
    for name, row in rows.items():
        print(f"| {name} | {row['agreement']:.3f} | {row['NDCG']:.3f} | {row['PCC']:.3f} |")
    figures: dict[str, Figure] = {"start agreement": start["agreement"]}
    for arm, learned in found.items():
        rises = [one.after["V agreement"] - one.before["V agreement"] for one in learned]
        tenth = max(1, len(learned[0].losses) // 10)
        falls = [np.mean(one.losses[-tenth:]) / np.mean(one.losses[:tenth]) for one in learned]
        figures |= {f"{arm}: least rise": min(rises), f"{arm}: greatest rise": max(rises)}
        figures[f"{arm}: loss, last to first tenth"] = float(np.mean(falls))
        if ARMS[arm].texts:
            figures[f"{arm}: T recall@10, before"] = float(np.mean([one.before["T recall@10"] for one in learned]))
            figures[f"{arm}: T recall@10"] = float(np.mean([one.after["T recall@10"] for one in learned]))
    figures["T recall@10, chance"] = 10 / len(lesson.tests)
    targets: dict[str, tuple[Comparison, float]] = {f"{arm}: least rise": (">=", 0.02) for arm in ("V", "V+T")}
    targets |= {f"{arm}, at random: greatest rise": ("<=", 0.03) for arm in ("V", "V+T")}
    return Result(figures, targets | {"V+T: T recall@10": (">=", 30 / len(lesson.tests))})


def _of(scores: Mapping[str, float], way: str) -> dict[str, float]:
    return {what: scores[f"{way} {what}"] for what in ("agreement", "NDCG", "PCC")}


def _mean(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    values: NDArray[np.float64] = np.array([[row[what] for what in rows[0]] for row in rows])
    return dict(zip(rows[0], values.mean(axis=0).tolist(), strict=True))
