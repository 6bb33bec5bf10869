"""The flow `curate`: from a noisy list of image addresses to a published, boxed, leak-free version."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from pydantic import BaseModel, ConfigDict

from flows.announce import announce
from flows.fetching import acquire, policy_of
from flows.latest import NotLatestError, why_not_latest
from flows.leaks import find_leaks
from flows.packets import gather, join, pick, tables
from flows.question import Question, ask
from flows.runner import task_runner
from flows.settings import CurateSettings, RunSettings
from storage.manifest import Manifest, Matching
from storage.root import Root
from storage.runs import one_run
from storage.versions import list_folders, point_latest, read_manifest
from tasks.acquire.settings import FetchPolicy
from tasks.acquire.task import DROPPED, ListSettings, list_sources, select_packets
from tasks.boxes.task import estimate_boxes
from tasks.cluster.settings import Overrides
from tasks.cluster.task import check_pins, cluster_images, regroup_images
from tasks.features.detect import check_installed
from tasks.match.audit import missed_pairs
from tasks.match.task import match_pairs
from tasks.orchestration import Inputs, Output, PrefectRoad, Road
from tasks.overlap.task import (
    ClassStageSettings,
    compare_classes,
)
from tasks.publish.task import illustrate_classes, illustrate_packet, publish_dataset

STAGES = 18
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
    aliases: Path | None = None,
) -> Curated:
    """Curates a list of landmark images into a version of a dataset.

    Args:
        source: the list.
        name: name of the dataset; its versions are numbered.
        root: dataset root, a folder or any URL that fsspec opens.
        test_sets: name to folder, or signature, of each test set that must not leak into the dataset.
        settings: what decides the result.
        run: how it runs.
        note: a sentence or two for the card and the report, such as where the list comes from.
        overrides: what a person decided instead of the method.
        aliases: file of further spellings of test sets' landmarks; classes named so are listed.

    Raises:
        NotLatestError: the version is published, but nobody can use it, or it keeps far less than the one before.
    """
    check_installed(settings.features)
    question = ask(source, name, root, test_sets or {}, settings, note, overrides, aliases, run.anyway)
    for remark in question.remarks:
        get_run_logger().info("%s", remark)
    store = Root(root)
    with one_run(store, Manifest.shelf, name):
        before = list_folders(store, name)
        with task_runner(run) as runner:
            published = travel(PrefectRoad(store, runner, STAGES), question, settings, policy_of(run, settings.polite))
        folder = Path(published.tables["record"].path).parent.name
        version = read_manifest(store, name, folder)
        held_back = why_not_latest(store, version, run.latest_share)
        if not held_back:
            point_latest(store, version)
    is_new = folder not in before
    announce(store, version, is_new=is_new)
    if held_back:
        raise NotLatestError(held_back, version)
    return Curated(version=version, is_new=is_new)


def travel(road: Road, question: Question, settings: CurateSettings, policy: FetchPolicy) -> Output:
    """The whole road, in the order of the method."""
    # Read the list, and fetch and inspect what it names, shard by shard of rows.
    listed: Inputs = {
        "content": question.list_digest,
        "merge": json.dumps(question.overrides.merge, sort_keys=True),
        "longest": settings.acquire.max_bytes if question.folder else None,
    }
    sources = road.one(list_sources, listed, question.source)
    acquired = acquire(road, sources, question.name, question.folder, settings.acquire, policy)

    # Drop placeholders, copies and small classes. From here on, packets of whole classes.
    readable: Inputs = {"sources": sources.tables["sources"], "images": tables(acquired, "images")}
    selected = road.one(select_packets, readable, settings.select)
    packets: dict[str, Inputs] = {name: {"images": ref} for name, ref in selected.tables.items() if name != "drops"}
    images = {name: packet for name, packet in packets.items() if not name.endswith(DROPPED)}

    # What the test sets show must go: copies, images of their landmarks, classes that show one.
    leaks = find_leaks(road, images, question.test_sets, settings)
    described, overlaps = leaks.described, leaks.overlaps

    # Match the rest inside each class, keep the largest or the pinned group, and box what its images have in common.
    gone = [ref for part in (acquired, overlaps) for ref in tables(part, "drops")]
    gone += [sources.tables["drops"], selected.tables["drops"]]
    pins: Inputs = {"pins": json.dumps(question.overrides.pin, sort_keys=True)}
    road.one(check_pins, {**pins, "drops": gone}, None)
    pairs = road.each(match_pairs, join(described, pick(overlaps, "drops")), settings.match)
    edges = join(images, pick(pairs, "pairs"))
    without: dict[str, Inputs] = {name: {"drops": [part.tables["drops"]], **pins} for name, part in overlaps.items()}
    groups = road.each(cluster_images, join(edges, without), settings.cluster)

    # Classes may show the same landmark: an image goes where most photographs match it. Group the rest anew, box it.
    compared = ClassStageSettings(classes=settings.classes, match=settings.match)
    grouped = join(described, edges, pick(groups, "groups"))
    meeting = gather(grouped, ("images", "features", "masks", "pairs", "groups"))
    related = road.one(compare_classes, {**meeting, **pins, "packets": json.dumps(list(images))}, compared)
    lost = {name: related.tables[name] for name in images}
    without = {name: {"drops": [part.tables["drops"], lost[name]], **pins} for name, part in overlaps.items()}
    groups = road.each(regroup_images, join(edges, without), settings.cluster)
    edges = join(edges, pick(groups, "groups"))
    boxes = road.each(estimate_boxes, edges, settings.boxes)

    # Illustrate what was kept and what was dropped for which evidence, split, and publish.
    folders = dict.fromkeys(images, question.test_sets.photographs)
    shown = join(edges, pick(groups, "cuts"), pick(overlaps, "overlaps"), folders)
    pictures = road.each(illustrate_packet, {**packets, **shown}, None)
    meetings: Inputs = {"class_pairs": related.tables["class_pairs"], "lost": list(lost.values())}
    drawn = road.one(illustrate_classes, {**gather(images, ("images",)), **meetings}, None)
    parts: dict[str, Any] = {
        "sources": sources.tables["sources"],
        "drops": [*gone, *tables(groups, "drops"), *lost.values()],
        "images": tables(acquired, "images"),
        "fetch_log": tables(acquired, "fetch_log"),
        **gather(described, ("masks",)),
        **leaks.certified(question.test_sets, [sources.tables["passed_over"]]),
        "pairs": tables(pairs, "pairs"),
        "groups": tables(groups, "groups"),
        "class_groups": tables(groups, "class_groups"),
        "cuts": tables(groups, "cuts"),
        "class_pairs": related.tables["class_pairs"],
        "boxes": tables(boxes, "boxes"),
        "thumbnails": [*tables(pictures, "thumbnails"), drawn.tables["thumbnails"]],
    }
    facts = {
        "note": question.note,
        "settings": settings.model_dump(mode="json", exclude={"polite"}),
        "overrides": question.overrides.model_dump(),
        "test_sets": leaks.test_sets,
        "crashed_pictures": leaks.crashed_pictures,
        "related_classes": related.counts["related"],
        "matching": _matching(pairs).model_dump(),
    }
    named = {"name": question.name, "facts": json.dumps(facts)}
    return road.one(publish_dataset, {**parts, **named}, settings.publish)


def _matching(pairs: Mapping[str, Output]) -> Matching:
    """What was done with the pairs of all packets, with what the audits say was missed."""
    names = ("possible", "compared", "skipped", "verified", "audited", "audit_found")
    counts = {name: sum(output.counts[name] for output in pairs.values()) for name in names}
    unseen = counts["possible"] - counts["compared"] - counts["skipped"]
    missed, low, high = missed_pairs(unseen, counts["audited"], counts["audit_found"])
    return Matching(**counts, missed=missed, missed_low=low, missed_high=high)
