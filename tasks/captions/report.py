"""The card and the report of a version of captions: what was counted, what is alike, and triplets to judge by eye."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from storage.manifest import CaptionManifest
from storage.tables.captions import CAPTION_MATRICES, CAPTION_TABLES
from tasks.captions.coco import is_coco
from tasks.captions.pictures import find_pictures
from tasks.captions.samples import Samples
from tasks.pages.pictures import thumbnail
from tasks.pages.rendering import style_sheet, template_environment
from tasks.pages.words import flatten

_TEMPLATES = Path(__file__).parent / "templates"
_HEAD, _TAIL = 30, 60
_LISTED = 60
_PHRASES = 6
_BARS = 30


def render_card(manifest: CaptionManifest) -> str:
    """Returns the card as Markdown with YAML front matter."""
    environment = template_environment(_TEMPLATES)
    return environment.get_template("captions.md").render(
        manifest=manifest, coco=_of_coco(manifest), specs=CAPTION_TABLES, matrices=CAPTION_MATRICES
    )


def render_report(
    manifest: CaptionManifest,
    tables: Mapping[str, pa.Table],
    samples: Samples,
    phrases: Mapping[str, list[str]],
    folder: Path | None,
) -> Iterator[tuple[str, bytes]]:
    """Yields every file of the report as (path below `report/`, bytes).

    Args:
        tables: `caption_images`, `caption_vocabulary`, `object_vocabulary`, `caption_triplets`, `empty_vectors`,
            `skipped_records`. samples, phrases: what is shown of the images, and the phrases of all that are.
        folder: holds the user's pictures, named by image id, or None.
    """
    pictures = find_pictures(folder, samples.image_ids()) if folder else {}
    for image_id, path in pictures.items():
        yield f"pictures/{image_id}.jpg", thumbnail(path.read_bytes())
    images, vocabularies = tables["caption_images"], {n: tables[f"{n}_vocabulary"] for n in ("caption", "object")}
    environment = template_environment(_TEMPLATES)
    page = environment.get_template("captions.html").render(
        base="",
        manifest=manifest,
        coco=_of_coco(manifest),
        splits=_count(images["split"]),
        phrases=int(np.sum(images["phrases"].to_numpy())),
        lengths={
            "Words of an image": histogram(images["tokens"].to_numpy()),
            "Different stems of an image": histogram(images["distinct_stems"].to_numpy()),
        },
        heads={name: _head(table) for name, table in vocabularies.items()},
        tail=_tail(vocabularies["caption"]),
        curve=curve(vocabularies["caption"]["df"].to_numpy()),
        gaps=histogram(tables["caption_triplets"]["gap"].to_numpy()),
        samples=samples,
        said=phrases,
        shown=_PHRASES,
        pictures=pictures,
        empty=tables["empty_vectors"].slice(0, _LISTED).to_pylist(),
        empties=tables["empty_vectors"].num_rows,
        skipped=tables["skipped_records"].slice(0, _LISTED).to_pylist(),
        settings=list(flatten(manifest.settings)),
    )
    yield "index.html", page.encode()
    yield style_sheet()
    yield "captions.css", (_TEMPLATES / "captions.css").read_bytes()


def histogram(values: NDArray[Any]) -> list[dict[str, float]]:
    """Makes bars of equal width from the smallest to the largest value: `low`, `high`, `count`, `share` of the longest.

    Whole numbers get bars of whole width.
    """
    if not len(values):
        return []
    low, high = float(values.min()), float(values.max())
    whole = np.issubdtype(values.dtype, np.integer)
    width = max(1, np.ceil((high - low + 1) / _BARS)) if whole else max((high - low) / _BARS, 1e-9)
    counts = np.bincount(np.minimum(((values - low) / width).astype(int), _BARS - 1))
    return [
        {"low": low + n * width, "high": low + (n + 1) * width, "count": int(count), "share": count / counts.max()}
        for n, count in enumerate(counts)
    ]


def curve(df: NDArray[Any]) -> str:
    """Returns document frequency by rank, both logarithmic: points of a polyline in a box of 100 × 40."""
    if not len(df) or df.max() < 2 or len(df) < 2:
        return ""
    ranks = np.unique(np.geomspace(1, len(df), 120).astype(int))
    ordered = np.sort(df)[::-1][ranks - 1]
    x = 100 * np.log(ranks) / np.log(len(df))
    y = 40 - 40 * np.log(np.maximum(ordered, 1)) / np.log(df.max())
    return " ".join(f"{a:.2f},{b:.2f}" for a, b in zip(x, y, strict=True))


def _of_coco(manifest: CaptionManifest) -> bool:
    return any(is_coco(source.kind) for source in manifest.sources)


def _count(column: pa.ChunkedArray) -> dict[str, int]:
    return {entry["values"]: entry["counts"] for entry in column.value_counts().to_pylist()}


def _head(vocabulary: pa.Table) -> list[dict[str, Any]]:
    order = np.lexsort((np.arange(vocabulary.num_rows), -vocabulary["df"].to_numpy()))[:_HEAD]
    rows: list[dict[str, Any]] = vocabulary.take(pa.array(order, pa.int64())).to_pylist()
    return rows


def _tail(vocabulary: pa.Table) -> list[dict[str, Any]]:
    """Some of the rarest, from all over the alphabet."""
    df = vocabulary["df"].to_numpy()
    rarest = np.flatnonzero(df == df.min()) if len(df) else np.empty(0, int)
    chosen = rarest[np.unique(np.linspace(0, len(rarest) - 1, _TAIL).astype(int))] if len(rarest) else rarest
    rows: list[dict[str, Any]] = vocabulary.take(pa.array(chosen, pa.int64())).to_pylist()
    return rows
