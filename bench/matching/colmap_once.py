"""COLMAP's own way over a folder of photographs, in a process of its own; prints what it cost as a line of JSON.

`python -m bench.matching.colmap_once FOLDER LONGEST_SIDE KEYPOINTS PAIRS`: PAIRS random pairs, or all of them
where it is 0.
"""

import json
import random
import sqlite3
import sys
from contextlib import closing
from itertools import combinations
from pathlib import Path
from time import process_time

import pycolmap


def main(folder: str, longest_side: int, keypoints: int, pairs: int) -> dict[str, float]:
    """Extracts, matches and verifies with one thread; seconds are CPU."""
    pycolmap.logging.minloglevel = pycolmap.logging.ERROR.value
    images, database = Path(folder), Path(folder) / "colmap.db"
    names = sorted(file.name for file in images.glob("*.jpg"))
    extraction = pycolmap.FeatureExtractionOptions(max_image_size=longest_side, num_threads=1, use_gpu=False)
    extraction.sift.max_num_features = keypoints
    matching = pycolmap.FeatureMatchingOptions(num_threads=1, use_gpu=False)
    begun = process_time()
    pycolmap.extract_features(database, images, names, extraction_options=extraction, device=pycolmap.Device.cpu)
    extracted = process_time()
    if pairs:
        listed = images / "pairs.txt"
        chosen = random.Random(0).sample(list(combinations(names, 2)), pairs)
        listed.write_text("".join(f"{a} {b}\n" for a, b in chosen))
        imported = pycolmap.ImportedPairingOptions(match_list_path=str(listed))
        pycolmap.match_image_pairs(database, matching, imported, device=pycolmap.Device.cpu)
    else:
        pycolmap.match_exhaustive(database, matching, device=pycolmap.Device.cpu)
    matched = process_time()
    with closing(sqlite3.connect(database)) as tables:
        (compared,) = tables.execute("SELECT COUNT(*) FROM matches").fetchone()
        (verified,) = tables.execute("SELECT COUNT(*) FROM two_view_geometries WHERE rows > 0").fetchone()
    return {
        "photographs": len(names),
        "extract_seconds": extracted - begun,
        "match_seconds": matched - extracted,
        "compared": compared,
        "verified": verified,
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], *map(int, sys.argv[2:]))))
