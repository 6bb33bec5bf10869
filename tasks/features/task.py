"""The stages `features`, the keypoints of a packet's pictures, each picture once, and `mask`, which of them to mask.

`known-overlays` puts together what overlays look like, as learnt now, before, and elsewhere.
"""

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from storage.images import get_image
from storage.newest import RowsByPicture, keep_newest, read_newest
from storage.parquet import read_rows, read_table, write_rows
from storage.tables.acquisition import ImagesRef
from storage.tables.features import FEATURES, MASKS, TEMPLATES, FeaturesRef, MasksRef, TemplatesRef
from tasks.contracts import Inputs, Output, Run, Unkeyed, stage
from tasks.features.extract import Extractor
from tasks.features.known import KnownOverlays, read_overlays, table_of, templates_of
from tasks.features.overlays import join_templates, mask_overlays
from tasks.features.packed import NOTHING, pack, unpack
from tasks.features.settings import FeatureSettings, OverlaySettings

DETECTION = ("numpy", "pillow", "opencv-contrib-python-headless", "pycolmap", "pyhesaff")
"""The packages that keypoints depend on; the last two are optional detectors."""


class FeatureInputs(Inputs):
    """What `features` reads."""

    images: ImagesRef
    shard: Annotated[str, Unkeyed("a picture has the same keypoints wherever they were found before")]
    """Of what the images are a packet: under it, the root keeps the newest keypoints."""


class Extracted(Output):
    """What `features` writes."""

    features: FeaturesRef
    crashed: int
    """Pictures that killed their detector and so have no keypoints."""


@stage("features", version=5, software=DETECTION)
def extract_features(run: Run, inputs: FeatureInputs, settings: FeatureSettings) -> Extracted:
    """Detects and describes the keypoints of every picture of which the root has none by these settings."""
    images = read_table(run.root, inputs.images, ["sha256", "path"]).to_pylist()
    pictures, crashed = sorted({(image["sha256"], image["path"]) for image in images}), 0
    identity = extract_features.identity(settings)

    def extract() -> Iterator[dict[str, Any]]:
        nonlocal crashed
        for number, (sha256, path) in enumerate(pictures):
            run.report(number, len(pictures), "pictures")
            row = known.find(sha256)
            if row is None:
                features = extractor.extract(get_image(run.root, path))
                row = {"sha256": sha256, **pack(features or NOTHING), "crashed": features is None}
            crashed += row["crashed"]
            yield row

    newest = read_newest(run.root, extract_features.name, identity, inputs.shard, Extracted)
    known = RowsByPicture(run.root, newest.features if newest else None)
    with Extractor(settings) as extractor:
        written = write_rows(run.root, run.path("features"), FEATURES, extract())
    extracted = Extracted(features=written, crashed=crashed)
    keep_newest(run.root, extract_features.name, identity, inputs.shard, extracted)
    return extracted


class MaskInputs(Inputs):
    """What `mask` reads; `images` has the pictures' sizes."""

    images: ImagesRef
    features: FeaturesRef
    templates: TemplatesRef


class Masked(Output):
    """What `mask` writes, and how many keypoints there are, and how many of them are masked."""

    masks: MasksRef
    detected: int
    masked: int


@stage("mask", version=1, software=("numpy", "scipy", "faiss-cpu"))
def mask_pictures(run: Run, inputs: MaskInputs, settings: OverlaySettings) -> Masked:
    """Masks the keypoints that look like one of the templates."""
    templates = templates_of(read_table(run.root, inputs.templates))
    images = read_table(run.root, inputs.images, ["sha256", "width", "height"]).to_pylist()
    longer = {image["sha256"]: max(image["width"], image["height"]) for image in images}
    rows = []
    for row in read_rows(run.root, inputs.features):
        mask = mask_overlays(unpack(row), templates, longer[row["sha256"]], settings)
        rows.append(
            {
                "sha256": row["sha256"],
                "detected": len(mask.keypoints),
                "masked": int(mask.keypoints.sum()),
                "bits": np.packbits(mask.keypoints).tobytes(),
                "regions": mask.regions.ravel().tolist(),
                "points": mask.points.ravel().tolist(),
            }
        )
    return Masked(
        masks=run.write_rows(MASKS, rows),
        detected=sum(row["detected"] for row in rows),
        masked=sum(row["masked"] for row in rows),
    )


class JoinInputs(Inputs):
    """What `known-overlays` reads: templates of this root, the newest first, and a file of others."""

    learnt: list[TemplatesRef]
    known: KnownOverlays | None = None


class Joined(Output):
    """What `known-overlays` writes."""

    templates: TemplatesRef


@stage("known-overlays", version=1, software=("numpy", "faiss-cpu"))
def join_overlays(run: Run, inputs: JoinInputs, settings: OverlaySettings) -> Joined:
    """Puts templates together, each pattern once.

    Raises:
        InputError: the file changed since it was checked.
    """
    parts = [templates_of(read_table(run.root, ref)) for ref in inputs.learnt]
    if inputs.known:
        parts.append(read_overlays(inputs.known))
    return Joined(templates=run.write(TEMPLATES, table_of(join_templates(parts, settings))))
