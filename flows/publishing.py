"""The last phase of a curation: pictures for the report, and the version."""

from collections.abc import Mapping
from typing import NamedTuple

from flows.grouping import Groups
from flows.leaks import Leaks
from flows.request import CurationRequest
from flows.settings import CurateSettings
from storage.manifest import CurationFacts, Matching
from storage.tables.acquisition import DrawingsRef, DropsRef
from storage.tables.versions import ThumbnailsRef
from tasks.acquire.task import Acquired, Selected, Sources
from tasks.boxes.task import Boxed
from tasks.contracts import StageRunner
from tasks.match.audit import missed_pairs
from tasks.match.task import Matched
from tasks.publish.contracts import ClassDrawingInputs, GroupEvidence, IllustrateInputs, PublishedVersion, PublishInputs
from tasks.publish.drawing_task import illustrate_classes, illustrate_packet
from tasks.publish.task import publish_dataset

STAGES = (illustrate_packet, illustrate_classes, publish_dataset)
"""The stages that `illustrate` and `publish` run."""


class Curation(NamedTuple):
    """What the stages before have written; `dropped` is all that was dropped before the groups."""

    sources: Sources
    acquired: dict[str, Acquired]
    drawings: list[DrawingsRef]
    selected: Selected
    dropped: list[DropsRef]
    leaks: Leaks
    groups: Groups
    boxes: dict[str, Boxed]


def illustrate(runner: StageRunner, request: CurationRequest, made: Curation) -> list[ThumbnailsRef]:
    """Draws every image small, and what those that go were dropped for."""
    leaks, groups = made.leaks, made.groups
    packets = {f"{name}-dropped": IllustrateInputs(images=ref) for name, ref in made.selected.dropped.items()}
    packets |= {
        name: IllustrateInputs(
            images=packet.images,
            overlaps=leaks.drawing(name, request.test_sets),
            groups=GroupEvidence(
                pairs=groups.pairs[name].pairs,
                near_misses=groups.pairs[name].near_misses,
                groups=groups.groups[name].groups,
                cuts=groups.groups[name].cuts,
            ),
        )
        for name, packet in leaks.packets.items()
    }
    drawn = runner.each(illustrate_packet, packets, None)
    classes = ClassDrawingInputs(
        images=[packet.images for packet in leaks.packets.values()],
        class_pairs=groups.related.class_pairs,
        drops=list(groups.related.drops.values()),
    )
    return [found.thumbnails for found in drawn.values()] + [runner.one(illustrate_classes, classes, None).thumbnails]


def publish(
    runner: StageRunner,
    request: CurationRequest,
    settings: CurateSettings,
    made: Curation,
    thumbnails: list[ThumbnailsRef],
) -> PublishedVersion:
    """Publishes the version."""
    leaks, groups = made.leaks, list(made.groups.groups.values())
    reassigned = made.groups.related.drops.values()
    inputs = PublishInputs(
        name=request.name,
        sources=made.sources.sources,
        drops=[*made.dropped, *(grouped.drops for grouped in groups), *reassigned],
        images=[shard.images for shard in made.acquired.values()],
        drawings=made.drawings,
        fetch_log=[shard.fetch_log for shard in made.acquired.values()],
        templates=leaks.templates,
        masks=[packet.masks for packet in leaks.packets.values()],
        leaks=leaks.evidence(request.test_sets, [made.sources.passed_over]),
        pairs=[matched.pairs for matched in made.groups.pairs.values()],
        groups=[grouped.groups for grouped in groups],
        class_groups=[grouped.class_groups for grouped in groups],
        cuts=[grouped.cuts for grouped in groups],
        class_pairs=made.groups.related.class_pairs,
        boxes=[boxed.boxes for boxed in made.boxes.values()],
        thumbnails=thumbnails,
        facts=_facts(request, settings, made),
    )
    return runner.one(publish_dataset, inputs, settings.publish)


def _facts(request: CurationRequest, settings: CurateSettings, made: Curation) -> CurationFacts:
    return CurationFacts(
        note=request.note,
        settings=settings.model_dump(mode="json", exclude={"polite"}),
        overrides=request.overrides.model_dump(),
        test_sets=made.leaks.test_sets,
        crashed_pictures=made.leaks.crashed_pictures,
        related_classes=made.groups.related.related,
        matching=_matching(made.groups.pairs),
        overlays_changed=made.leaks.overlays_changed,
    )


def _matching(pairs: Mapping[str, Matched]) -> Matching:
    """What was done with the pairs of all packets, with what the audits say was missed."""
    names = ("possible", "compared", "skipped", "verified", "audited", "audit_found")
    counts = {name: sum(getattr(matched, name) for matched in pairs.values()) for name in names}
    unseen = counts["possible"] - counts["compared"] - counts["skipped"]
    missed, low, high = missed_pairs(unseen, counts["audited"], counts["audit_found"])
    return Matching(**counts, missed=missed, missed_low=low, missed_high=high)
