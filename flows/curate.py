"""The flow `curate`: from a noisy list of image addresses to a published, boxed, leak-free version."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prefect import flow
from pydantic import BaseModel, ConfigDict

from flows.announce import announce
from flows.question import Question, ask
from flows.runner import make_runner
from flows.settings import CurateSettings, RunSettings
from storage.manifest import Manifest, Matching
from storage.root import Root
from storage.tables import TableRef
from storage.versions import list_versions, point_latest, read_manifest
from tasks.acquire.settings import Refetch
from tasks.acquire.task import DROPPED, ListSettings, acquire_shard, list_sources, next_generation, select_packets
from tasks.boxes.task import estimate_boxes
from tasks.cluster.settings import Overrides
from tasks.cluster.task import check_pins, cluster_images
from tasks.features.detect import check_installed
from tasks.features.task import extract_features, mask_pictures
from tasks.match.audit import missed_pairs
from tasks.match.task import OverlayStageSettings, learn_overlays, match_pairs
from tasks.orchestration import Inputs, Output, PrefectRoad, Road, reference
from tasks.overlap.task import (
    ClassStageSettings,
    OverlapStageSettings,
    compare_classes,
    find_overlaps,
    sign_test_set,
)
from tasks.publish.task import illustrate_classes, illustrate_packet, publish_dataset

STAGES = 16
"""How many stages `travel` runs; for the progress."""


class Curated(BaseModel):
    """What the flow returns: the version that now is the latest, and whether that is news."""

    model_config = ConfigDict(frozen=True)

    version: Manifest
    is_new: bool


@flow(name="curate", flow_run_name="{name}", persist_result=False)
def curate(
    source: ListSettings,
    name: str,
    root: str = "./data",
    test_sets: dict[str, Path] | None = None,
    settings: CurateSettings = CurateSettings(),
    run: RunSettings = RunSettings(),
    note: str = "",
    overrides: Overrides = Overrides(),
) -> Curated:
    """Curates a list of landmark images into a version of a dataset.

    Args:
        source: the list.
        name: name of the dataset; its versions are numbered.
        root: dataset root, a folder or any URL that fsspec opens.
        test_sets: name to folder of each test set that must not leak into the dataset.
        settings: what decides the result.
        run: how it runs.
        note: a sentence or two for the card and the report, such as where the list comes from.
        overrides: what a person decided instead of the method.
    """
    check_installed(settings.features)
    question = ask(source, name, root, test_sets or {}, note, overrides)
    store = Root(root)
    before = {version.digest for version in list_versions(store, name)}
    with make_runner(run) as runner:
        published = travel(PrefectRoad(store, runner, STAGES), question, settings, run.refetch)
    version = read_manifest(store, name, Path(published.tables["verdicts"].path).parent.name)
    point_latest(store, version)
    is_new = version.digest not in before
    announce(store, version, is_new=is_new)
    return Curated(version=version, is_new=is_new)


def travel(road: Road, question: Question, settings: CurateSettings, refetch: Refetch) -> Output:
    """The whole road, in the order of the method."""
    # Read the list, and fetch and inspect what it names, shard by shard of rows.
    listed: Inputs = {"content": question.list_digest, "merge": json.dumps(question.overrides.merge, sort_keys=True)}
    sources = road.one(list_sources, listed, question.source)
    acquired = road.each(acquire_shard, _shards(road.root, sources, question, refetch), settings.acquire)

    # Drop placeholders, copies and small classes. From here on, packets of whole classes.
    readable: Inputs = {"sources": sources.tables["sources"], "images": _tables(acquired, "images")}
    selected = road.one(select_packets, readable, settings.select)
    packets: dict[str, Inputs] = {name: {"images": ref} for name, ref in selected.tables.items() if name != "drops"}
    images = {name: packet for name, packet in packets.items() if not name.endswith(DROPPED)}

    # Describe each picture once, and each photograph of a test set.
    features = road.each(extract_features, images, settings.features)
    signatures = road.each(sign_test_set, _test_sets(question), settings.features)

    # What photographs of unrelated classes have in common lies over them: mask it.
    described = _join(images, _pick(features, "features"))
    shared = _gather(described, ("images", "features"))
    overlays = OverlayStageSettings(overlays=settings.overlays, match=settings.match)
    learnt = road.one(learn_overlays, shared, overlays)
    templates: dict[str, Inputs] = {packet: {"templates": learnt.tables["templates"]} for packet in images}
    masks = road.each(mask_pictures, _join(described, templates), settings.overlays)

    # What the test sets show must go: copies, images of their landmarks, classes that show one.
    described = _join(described, _pick(masks, "masks"))
    signed = {packet: {"signatures": _tables(signatures, "signature")} for packet in images}
    verification = OverlapStageSettings(overlap=settings.overlap, match=settings.match)
    overlaps = road.each(find_overlaps, _join(described, signed), verification)

    # Match the rest inside each class, keep the largest or the pinned group, and box what its images have in common.
    gone = [ref for part in (acquired, overlaps) for ref in _tables(part, "drops")] + [selected.tables["drops"]]
    pins: Inputs = {"pins": json.dumps(question.overrides.pin, sort_keys=True)}
    road.one(check_pins, {**pins, "drops": gone}, None)
    left = _pick(overlaps, "drops")
    pairs = road.each(match_pairs, _join(described, left), settings.match)
    edges = _join(images, _pick(pairs, "pairs"))
    groups = road.each(cluster_images, _join(edges, left, dict.fromkeys(images, pins)), settings.cluster)
    grouped = _join(edges, _pick(groups, "groups"))

    # Classes may show the same landmark: an image stays where most photographs match it. Box what is left.
    compared = ClassStageSettings(classes=settings.classes, match=settings.match)
    kept = _gather(_join(described, grouped), ("images", "features", "masks", "pairs", "groups"))
    at_least: Inputs = {"packets": json.dumps(list(images)), "min_group_size": settings.cluster.min_group_size}
    related = road.one(compare_classes, {**kept, **at_least}, compared)
    lost: dict[str, Inputs] = {packet: {"lost": related.tables[packet]} for packet in images}
    boxes = road.each(estimate_boxes, _join(grouped, lost), settings.boxes)

    # Illustrate what was kept and what was dropped for which evidence, split, and publish.
    folders = {packet: {"folders": json.dumps(question.folders)} for packet in images}
    shown = _join(grouped, _pick(groups, "cuts"), _pick(overlaps, "overlaps"), folders)
    pictures = road.each(illustrate_packet, {**packets, **shown}, None)
    meetings = _gather(_join(images, lost), ("images", "lost"))
    drawn = road.one(illustrate_classes, {**meetings, "class_pairs": related.tables["class_pairs"]}, None)
    parts: dict[str, Any] = {
        "sources": sources.tables["sources"],
        "drops": [*gone, *_tables(groups, "drops"), *(related.tables[packet] for packet in images)],
        "images": _tables(acquired, "images"),
        "masks": _tables(masks, "masks"),
        "fetch_log": _tables(acquired, "fetch_log"),
        "overlaps": _tables(overlaps, "overlaps"),
        "comparisons": _tables(overlaps, "comparisons"),
        "pairs": _tables(pairs, "pairs"),
        "groups": _tables(groups, "groups"),
        "class_groups": _tables(groups, "class_groups"),
        "cuts": _tables(groups, "cuts"),
        "class_pairs": related.tables["class_pairs"],
        "boxes": _tables(boxes, "boxes"),
        "thumbnails": [*_tables(pictures, "thumbnails"), drawn.tables["thumbnails"]],
    }
    facts = {
        "note": question.note,
        "settings": settings.model_dump(mode="json"),
        "overrides": question.overrides.model_dump(),
        "test_sets": {name: output.counts["photographs"] for name, output in signatures.items()},
        "unreadable_test_files": {
            name: output.counts["unreadable"] for name, output in signatures.items() if output.counts["unreadable"]
        },
        "crashed_pictures": sum(output.counts["crashed"] for output in features.values()),
        "related_classes": related.counts["related"],
        "matching": _matching(pairs).model_dump(),
    }
    named = {"name": question.name, "facts": json.dumps(facts), "checked": json.dumps(_checked(signatures))}
    return road.one(publish_dataset, {**parts, **named}, settings.publish)


def _shards(root: Root, sources: Output, question: Question, refetch: Refetch) -> dict[str, Inputs]:
    shards = {name: ref for name, ref in sources.tables.items() if name != "sources"}
    return {
        name: {
            "rows": ref,
            "dataset": question.name,
            "shard": name,
            "generation": next_generation(root, question.name, name, refetch),
            "folder": question.folder,
        }
        for name, ref in shards.items()
    }


def _test_sets(question: Question) -> dict[str, Inputs]:
    return {
        name: {"name": name, "folder": folder, "digest": question.test_digests[name]}
        for name, folder in question.folders.items()
    }


def _checked(signatures: Mapping[str, Output]) -> dict[str, dict[str, Any]]:
    """What the certificate says of each test set itself."""
    return {
        name: {**output.counts, "signature": output.tables["signature"].digest} for name, output in signatures.items()
    }


def _join(*parts: Mapping[str, Inputs]) -> dict[str, Inputs]:
    """The inputs of each packet, put together."""
    return {packet: {name: value for part in parts for name, value in part[packet].items()} for packet in parts[0]}


def _gather(packets: Mapping[str, Inputs], names: Sequence[str]) -> Inputs:
    """Some inputs of every packet, as lists in the order of the packets."""
    return {name: [reference(packet, name) for packet in packets.values()] for name in names}


def _pick(outputs: Mapping[str, Output], table: str) -> dict[str, Inputs]:
    """One table of each packet's output, as an input."""
    return {packet: {table: output.tables[table]} for packet, output in outputs.items()}


def _matching(pairs: Mapping[str, Output]) -> Matching:
    """What was done with the pairs of all packets, with what the audits say was missed."""
    names = ("possible", "compared", "skipped", "verified", "audited", "audit_found")
    counts = {name: sum(output.counts[name] for output in pairs.values()) for name in names}
    unseen = counts["possible"] - counts["compared"] - counts["skipped"]
    missed, low, high = missed_pairs(unseen, counts["audited"], counts["audit_found"])
    return Matching(**counts, missed=missed, missed_low=low, missed_high=high)


def _tables(outputs: Mapping[str, Output], table: str) -> list[TableRef]:
    """One table of every output."""
    return [output.tables[table] for output in outputs.values()]
