"""One piece of work over captions in a process of its own; prints what it cost as a line of JSON.

`python -m bench.captions.captions_once flow|ours|plain|neighbours FOLDER ROOT`, where FOLDER holds Visual Genome's
files, and ROOT is a dataset root; `neighbours` takes the matrix of the version that `flow` left there.
"""

import json
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import process_time, time
from typing import Any

NAME = "bench"
_CHECKED_ROWS = 200


def main(what: str, folder: str, root: str) -> None:
    """Carries it out, and prints the costs."""
    pieces: dict[str, Callable[[Path, str], dict[str, Any]]] = {
        "flow": _flow,
        "ours": _encode_with_stages,
        "plain": _encode_plainly,
        "neighbours": _neighbours,
    }
    found = pieces[what](Path(folder), root)
    # Of this process from its first breath, imports included, and of its largest child, should it have had any.
    peak = 1024 * (_high_water() + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    print(json.dumps({**found, "peak": peak}))


@contextmanager
def _timed(costs: dict[str, Any]) -> Iterator[None]:
    """CPU and wall time, once all is imported."""
    cpu, begun = process_time(), time()
    yield
    costs.update(cpu=process_time() - cpu, seconds=time() - begun)


def _flow(folder: Path, root: str) -> dict[str, Any]:
    """The whole flow with two workers; its Prefect server is that of PREFECT_API_URL."""
    from flows.captions import captions
    from flows.settings import CaptionsSettings, RunSettings

    costs: dict[str, Any] = {}
    with _timed(costs):
        version = captions([folder], NAME, root, CaptionsSettings(), RunSettings(workers=2)).version
    return {**costs, "digest": version.digest, "images": version.encodings["captions"].images}


def _encode_with_stages(folder: Path, root: str) -> dict[str, Any]:
    """Parses and encodes the phrases by the flow's own stages."""
    from bench.harness.collection import one_native_thread
    from storage.root import Root
    from tasks.captions.contracts import ParseInputs, PhraseInputs, SplitInputs
    from tasks.captions.settings import EncodeSettings, ParseSettings, SplitSettings
    from tasks.captions.task import encode_captions, parse_file, split_images
    from tasks.contracts import Run

    file = ParseInputs(kind="region_descriptions", content="", path=str(folder / "region_descriptions.json"))
    run = Run(Root(root), "bench-captions")
    costs: dict[str, Any] = {}
    with _timed(costs), one_native_thread():
        regions = parse_file(run, file, ParseSettings()).tables.regions
        named = SplitInputs(image_data=None, regions=regions, objects=None)
        images = split_images(run, named, SplitSettings()).images
        facts = encode_captions(run, PhraseInputs(images=images, phrases=regions), EncodeSettings()).facts
    return {**costs, "terms": facts.terms, "images": facts.images}


def _encode_plainly(folder: Path, _: str) -> dict[str, Any]:
    """The same as one would write it in a few lines: all in memory, and each token stemmed."""
    import nltk
    from nltk.stem.snowball import SnowballStemmer
    from sklearn.feature_extraction.text import TfidfVectorizer

    from tasks.captions.settings import SplitSettings
    from tasks.captions.split import split_of

    costs: dict[str, Any] = {}
    with _timed(costs):
        with (folder / "region_descriptions.json").open() as file:
            records = json.load(file)
        stemmer = SnowballStemmer("english")

        def stems(record: dict[str, Any]) -> list[str]:
            phrases = (region["phrase"].lower() for region in record["regions"])
            return [stemmer.stem(word) for phrase in phrases for word in nltk.word_tokenize(phrase, preserve_line=True)]

        documents = [stems(record) for record in records]
        splits = [split_of(str(record["id"]), SplitSettings()) for record in records]
        vectorizer = TfidfVectorizer(analyzer=lambda document: document, smooth_idf=False)
        vectorizer.fit([document for document, split in zip(documents, splits, strict=True) if split == "train"])
        weights = vectorizer.transform(documents)
    return {**costs, "terms": weights.shape[1], "images": weights.shape[0]}


def _neighbours(_: Path, root: str) -> dict[str, Any]:
    """The nearest 100 of every image by the pure module, one thread; some of them checked against brute force."""
    from bench.harness.collection import one_native_thread
    from storage.manifest import CaptionManifest
    from storage.root import Root
    from storage.versions import find_version
    from tasks.captions.neighbours import Neighbours
    from tasks.captions.npz import from_npz

    store = Root(root)
    version = find_version(store, NAME, "latest", CaptionManifest)
    path = f"{version.folder}/caption_weights.npz"
    weights = from_npz(store.read(path), path, version.tables["caption_weights"].rows)
    costs: dict[str, Any] = {"checked": 0, "wrong": 0, "pairs": 0}
    checked = set(range(0, weights.shape[0], max(1, weights.shape[0] // _CHECKED_ROWS)))
    kept = {}
    with _timed(costs), one_native_thread():
        for row, (rows, similarities) in enumerate(Neighbours(weights).of(0, weights.shape[0], 100)):
            costs["pairs"] += len(rows)
            if row in checked:
                kept[row] = (rows, similarities)
    peak = _high_water()
    for row, found in kept.items():
        costs["checked"] += 1
        costs["wrong"] += _is_wrong(weights, row, *found)
    return {**costs, "images": weights.shape[0], "peak_before_check": 1024 * peak}


def _is_wrong(weights: Any, row: int, rows: Any, similarities: Any) -> bool:
    """Whether they are not the nearest 100 of the row, all products taken one by one in float64 and sorted.

    Which of several come first whose similarities differ by rounding alone is not held against them.
    """
    import numpy as np

    products = weights.astype(np.float64) @ weights[[row]].astype(np.float64).toarray()[0]
    products[row] = 0
    nearest = np.sort(products)[::-1][: len(rows)]
    same = all(np.allclose(them, similarities, rtol=0, atol=1e-7) for them in (nearest, products[rows]))
    return not same or len(set(rows.tolist())) != len(rows) or len(rows) != min(100, int((products > 0).sum()))


def _high_water() -> int:
    """The most kilobytes of memory that this process had. `getrusage` counts those of its parent too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
