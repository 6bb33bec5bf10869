"""Finding an image of the report by its id or its address, from disk: sorted keys in small scripts.

Pages opened from disk may load scripts, but not data. The first key of every script is in `lookup/index.js`, so that a
look-up, by a whole key or by its start, loads one script or two, however long the list is.
"""

import json
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_KEYS = 2000
"""Most keys in a script."""


def lookup_files(rows: pa.Table, pages: Sequence[str], page_of: NDArray[np.int64]) -> Iterator[tuple[str, bytes]]:
    """Yields the scripts as (path, bytes).

    Args:
        rows: image_id, url, row and reason of every row of the list. pages: paths of pages. page_of: int64 (rows,), the
            page on which each row is.
    """
    firsts: dict[str, list[str]] = {}
    for name, key in (("ids", "image_id"), ("urls", "url")):
        order = pc.sort_indices(rows, [(key, "ascending"), ("row", "ascending")]).to_numpy()
        firsts[name] = []
        for number, start in enumerate(range(0, len(order), _KEYS)):
            chosen = order[start : start + _KEYS]
            part = rows.take(pa.array(chosen))
            firsts[name].append(part[key][0].as_py())
            yield f"lookup/{name}-{number}.js", _script(f"{name}-{number}", part, key, pages, page_of[chosen])
    yield "lookup/index.js", f"const LOOKUP = {_compact(firsts)};\n".encode()


def _script(name: str, part: pa.Table, key: str, pages: Sequence[str], page_of: NDArray[np.int64]) -> bytes:
    """Calls `lookupKeys` with the name, the pages that are named, and [key, index of its page, row, reason, id]s."""
    numbers, indices = np.unique(page_of, return_inverse=True)
    columns = [part[key].to_pylist(), indices.tolist(), *(part[column].to_pylist() for column in ("row", "reason"))]
    ids = part["image_id"].to_pylist() if key != "image_id" else [None] * len(part)
    entries = [
        [*entry, image_id] if image_id is not None else list(entry)
        for *entry, image_id in zip(*columns, ids, strict=True)
    ]
    return f"lookupKeys({_compact(name)}, {_compact([pages[n] for n in numbers])}, {_compact(entries)});\n".encode()


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
