"""The claim: what is no photograph is told apart, and photographs are not.

Every file of both collections that developers have beside the repository (`SHARED_DATA`) was looked at, at 165 pixels
and where in doubt at 300. `drawn.csv` has, by the sha256 of the file, those that are no plain photograph: drawings
(line art, engravings, plans, flat art), paintings, cards with a title, collages, stills of a screen, cutouts; and two
kinds that are not counted: `render`, which looks like a photograph, and `unclear`, such as a photograph on a card or in
one tone. All others are photographs, and so are those of the test sets. None was held out when the thresholds were
chosen.
"""

import hashlib
from pathlib import Path
from time import process_time

import pandas as pd

from bench.harness.collection import QUICK_CLASSES, read_photographs
from bench.harness.result import Comparison, Figure, Result
from bench.harness.surroundings import SHARED_DATA
from tasks.acquire.drawings import look_at

_LABELS = Path(__file__).with_name("drawn.csv")
_DRAWN = ("drawing", "painting", "card", "collage", "screen", "cutout")
_TARGETS: dict[str, tuple[Comparison, float]] = {"found": (">=", 0.9), "photographs_taken_for_drawn": ("<=", 0.01)}


def measure(quick: bool) -> Result:
    """Looks at every file, and counts by kind which have a sign."""
    labels = pd.read_csv(_LABELS).drop_duplicates("sha256").set_index("sha256")["kind"]
    contents = {
        "search": [p.content for p in read_photographs(QUICK_CLASSES if quick else None)],
        "few": [] if quick else [p.content for p in read_photographs(collection="landmarks_few")],
        "test_sets": [file.read_bytes() for file in sorted((SHARED_DATA / "testsets").rglob("*.jpg"))],
    }
    begun, rows = process_time(), []
    for part, files in contents.items():
        for content in files:
            kind = labels.get(hashlib.sha256(content).hexdigest(), "photograph")
            rows.append((part, kind, look_at(content) is not None))
    seen = pd.DataFrame(rows, columns=["part", "kind", "has_sign"])
    figures: dict[str, Figure] = {"looked_at": len(seen), "ms_each": 1000 * (process_time() - begun) / len(seen)}
    drawn, photographs = seen[seen.kind.isin(_DRAWN)], seen[seen.kind == "photograph"]
    figures |= {"drawn": len(drawn), "found": float(drawn.has_sign.mean())}
    for kind in (*_DRAWN, "render", "unclear"):
        own = seen[seen.kind == kind].has_sign
        figures |= {f"{kind}s": len(own), f"{kind}s_with_a_sign": int(own.sum())}
    taken = photographs.groupby("part").has_sign.sum()
    figures |= {"photographs": len(photographs), "photographs_taken_for_drawn": float(photographs.has_sign.mean())}
    figures |= {f"taken_of_{part}": int(taken.get(part, 0)) for part in contents}
    return Result(figures, {} if quick else _TARGETS)
