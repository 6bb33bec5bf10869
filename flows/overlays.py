"""What lies over photographs of unrelated classes: learnt from a sample, and remembered while the list hardly changes.

Masks hang on it, and pairs on masks: learnt anew for each photograph that comes or goes, all would be matched again.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pydantic import BaseModel

from flows.settings import LeakSettings
from storage.newest import keep_newest, read_newest
from storage.parquet import is_intact, read_table
from storage.root import Root
from storage.tables.acquisition import ImagesRef
from storage.tables.features import SampleRef, TemplatesRef
from tasks.contracts import StageRunner
from tasks.features.known import KnownOverlays
from tasks.features.task import Extracted, JoinInputs, extract_features, join_overlays
from tasks.match.task import OverlayInputs, OverlayStageSettings, SampleInputs, learn_overlays, sample_pictures


class Overlays(NamedTuple):
    """Templates of overlays, and the share of the sampled photographs that came, went or changed their class since."""

    templates: TemplatesRef
    changed: float


class _Remembered(BaseModel):
    sample: SampleRef
    templates: TemplatesRef


def recall_overlays(
    runner: StageRunner,
    name: str,
    images: Mapping[str, ImagesRef],
    features: Mapping[str, Extracted],
    settings: LeakSettings,
    share: float,
    known: KnownOverlays | None = None,
) -> Overlays:
    """Returns the templates learnt last under this name; and new ones where the sample changed by more than a share.

    What was learnt once stays known: an agency's bar may be in a single class next week.

    Args:
        images, features: by packet. known: templates that were learnt elsewhere.
    """
    refs, overlays = list(images.values()), OverlayStageSettings(overlays=settings.overlays, match=settings.match)
    sample = runner.one(sample_pictures, SampleInputs(images=refs), settings.overlays).sample
    others = sample_pictures.identity(settings.overlays), extract_features.identity(settings.features)
    identity = learn_overlays.identity(overlays, *others)
    last = read_newest(runner.root, learn_overlays.name, identity, name, _Remembered)
    if last and is_intact(runner.root, last.sample) and is_intact(runner.root, last.templates):
        changed = _changed(runner.root, last.sample, sample)
        if changed <= share:
            return Overlays(_with_known(runner, last.templates, known, settings), changed)
    inputs = OverlayInputs(sample=sample, images=refs, features=[features[packet].features for packet in images])
    templates = runner.one(learn_overlays, inputs, overlays).templates
    if last and is_intact(runner.root, last.templates):
        both = JoinInputs(learnt=[templates, last.templates])
        templates = runner.one(join_overlays, both, settings.overlays).templates
    keep_newest(runner.root, learn_overlays.name, identity, name, _Remembered(sample=sample, templates=templates))
    return Overlays(_with_known(runner, templates, known, settings), 0.0)


def _with_known(
    runner: StageRunner, templates: TemplatesRef, known: KnownOverlays | None, settings: LeakSettings
) -> TemplatesRef:
    if known is None:
        return templates
    return runner.one(join_overlays, JoinInputs(learnt=[templates], known=known), settings.overlays).templates


def _changed(root: Root, before: SampleRef, after: SampleRef) -> float:
    """The share of the sampled photographs that came, went or are of another class."""
    old, new = (
        {(row["sha256"], row["landmark_id"]) for row in read_table(root, ref).to_pylist()} for ref in (before, after)
    )
    return 1 - len(old & new) / max(len(old), len(new), 1)
