"""Match's Prefect face: all pairs of images inside each class of a packet, as published."""

from itertools import combinations
from operator import itemgetter
from typing import Any

import pyarrow as pa

from storage.parquet import read_table, write_table
from storage.root import Root
from storage.tables import PAIRS
from tasks.features.packed import unpack
from tasks.match.settings import MatchSettings
from tasks.match.verify import pair_seed, verify
from tasks.orchestration import Inputs, Output, reference, stage, stage_path


@stage("match", version=1)
def match_pairs(root_url: str, key: str, inputs: Inputs, settings: MatchSettings) -> Output:
    """Verifies the pairs inside each class of `images`, but for the images in `drops`, by their `features`."""
    root = Root(root_url)
    dropped = set(read_table(root, reference(inputs, "drops"), ["image_id"])["image_id"].to_pylist())
    images = read_table(root, reference(inputs, "images")).to_pylist()
    features = {row["sha256"]: unpack(row) for row in read_table(root, reference(inputs, "features")).to_pylist()}
    rows, compared = [], 0
    by_class: dict[str, list[dict[str, Any]]] = {}
    for image in images:
        if image["image_id"] not in dropped:
            by_class.setdefault(image["landmark_id"], []).append(image)
    for landmark, members in sorted(by_class.items()):
        for a, b in combinations(sorted(members, key=itemgetter("image_id")), 2):
            compared += 1
            seed = pair_seed(a["sha256"], b["sha256"])
            found = verify(features[a["sha256"]], features[b["sha256"]], (b["width"], b["height"]), settings, seed)
            if found:
                rows.append(
                    {"landmark_id": landmark, "image_a": a["image_id"], "image_b": b["image_id"], **found.cells()}
                )
    table = pa.Table.from_pylist(rows, PAIRS.schema)
    return Output(
        tables={"pairs": write_table(root, stage_path(key, "pairs"), PAIRS, table)},
        counts={"compared": compared, "verified": len(rows)},
    )
