"""The flow `curate`: from a noisy list of image addresses to a published, boxed, leak-free version."""

import hashlib
import json
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner, ThreadPoolTaskRunner
from pydantic import BaseModel, ConfigDict

from flows.announce import announce
from flows.settings import CurateSettings, RunSettings
from storage.parquet import TableRef
from storage.root import Root
from storage.versions import Manifest, check_name, latest_version, point_latest, read_manifest
from tasks.acquire.settings import Refetch
from tasks.acquire.sources import read_sources
from tasks.acquire.task import ListSettings, acquire_shard, list_sources, next_generation, select_packets
from tasks.boxes.task import estimate_boxes
from tasks.cluster.task import cluster_images
from tasks.features.task import extract_features
from tasks.match.task import match_pairs
from tasks.orchestration import Output, Road
from tasks.overlap.task import OverlapStageSettings, find_overlaps, sign_test_set
from tasks.overlap.testsets import folder_digest
from tasks.publish.task import illustrate_packet, publish_dataset


class Curated(BaseModel):
    """What the flow returns: the version that now is the latest, and whether this run published it."""

    model_config = ConfigDict(frozen=True)

    version: Manifest
    is_new: bool


class Question(BaseModel):
    """What is asked of a curation, checked: the list, the name, the test sets with the digests of their contents."""

    source: ListSettings
    list_digest: str
    name: str
    test_sets: dict[str, Path]
    test_digests: dict[str, str]


@flow(name="curate", flow_run_name="{name}", validate_parameters=True)
def curate(
    source: ListSettings,
    name: str,
    root: str = "./data",
    test_sets: dict[str, Path] | None = None,
    settings: CurateSettings = CurateSettings(),
    run: RunSettings = RunSettings(),
) -> Curated:
    """Curates a list of landmark images into a version of a dataset.

    Args:
        source: the list.
        name: name of the dataset; its versions are numbered.
        root: dataset root, a folder or any URL that fsspec opens.
        test_sets: name to folder of each test set that must not leak into the dataset.
        settings: what decides the result.
        run: how it runs.
    """
    question = ask(source, name, root, test_sets or {})
    store = Root(root)
    before = latest_version(store, name)
    with open_runner(run) as runner:
        published = travel(Road(store, runner, stages=12), question, settings, run.refetch)
    version = read_manifest(store, name, Path(published.tables["verdicts"].path).parent.name)
    point_latest(store, version)
    curated = Curated(version=version, is_new=before is None or before.digest != version.digest)
    announce(store, curated.version, is_new=curated.is_new)
    return curated


def travel(road: Road, question: Question, settings: CurateSettings, refetch: Refetch) -> Output:
    """The whole road, in the order of the method."""
    # Read the list, and fetch what it names, shard by shard of rows.
    sources = road.one(list_sources, {"content": question.list_digest}, question.source)
    folder = str(question.source.path.absolute()) if question.source.path.is_dir() else None
    shards = {
        shard: {"rows": rows, "shard": shard, "generation": next_generation(road.root, shard, refetch), "folder": folder}
        for shard, rows in sources.tables.items()
        if shard != "sources"
    }
    acquired = road.each(acquire_shard, shards, settings.acquire)
    images = _tables(acquired, "images")

    # Drop placeholders, copies and small classes; from here on, packets of whole classes.
    selected = road.one(select_packets, {"sources": sources.tables["sources"], "images": images}, settings.select)
    packets = {name: ref for name, ref in selected.tables.items() if name not in ("drops", "dropped")}

    # Describe each picture once; what the test sets show must go.
    features = road.each(extract_features, {p: {"images": ref} for p, ref in packets.items()}, settings.features)
    tests = {
        name: {"name": name, "folder": str(folder), "digest": question.test_digests[name]}
        for name, folder in question.test_sets.items()
    }
    signatures = road.each(sign_test_set, tests, settings.features)
    described = {p: {"images": ref, "features": features[p].tables["features"]} for p, ref in packets.items()}
    signed = {"signatures": _tables(signatures, "signature")}
    shared = OverlapStageSettings(overlap=settings.overlap, match=settings.match)
    overlaps = road.each(find_overlaps, {p: {**described[p], **signed} for p in packets}, shared)

    # Match inside each class, keep the largest group, and box what its images have in common.
    drops = {p: {"drops": overlaps[p].tables["drops"]} for p in packets}
    pairs = road.each(match_pairs, {p: {**described[p], **drops[p]} for p in packets}, settings.match)
    edges = {p: {"images": packets[p], "pairs": pairs[p].tables["pairs"]} for p in packets}
    groups = road.each(cluster_images, {p: {**edges[p], **drops[p]} for p in packets}, settings.cluster)
    grouped = {p: {**edges[p], "groups": groups[p].tables["groups"]} for p in packets}
    boxes = road.each(estimate_boxes, grouped, settings.boxes)

    # Illustrate, and publish.
    folders = json.dumps({name: str(path) for name, path in sorted(question.test_sets.items())})
    shown = {p: {**grouped[p], "overlaps": overlaps[p].tables["overlaps"], "folders": folders} for p in packets}
    pictures = road.each(illustrate_packet, {**shown, "dropped": {"images": selected.tables["dropped"]}}, None)
    facts = {
        "settings": settings.model_dump(mode="json"),
        "test_sets": {name: output.counts["photographs"] for name, output in signatures.items()},
        "pairs_compared": sum(output.counts["compared"] for output in pairs.values()),
    }
    parts = {
        "sources": sources.tables["sources"],
        "images": images,
        "drops": [*_tables(acquired, "drops"), selected.tables["drops"], *_tables(overlaps, "drops"), *_tables(groups, "drops")],
        "overlaps": _tables(overlaps, "overlaps"),
        "pairs": _tables(pairs, "pairs"),
        "groups": _tables(groups, "groups"),
        "boxes": _tables(boxes, "boxes"),
        "fetch_log": _tables(acquired, "fetch_log"),
        "thumbnails": _tables(pictures, "thumbnails"),
    }
    return road.one(publish_dataset, {**parts, "name": question.name, "facts": json.dumps(facts)}, settings.publish)


def ask(source: ListSettings, name: str, root: str, test_sets: dict[str, Path]) -> Question:
    """Checks all that a user can get wrong, before any work and before anything is written.

    Raises:
        InputError: names the list's line, the test set, the name or the root, and says what to do.
    """
    check_name(name)
    for test_set in test_sets:
        check_name(test_set)
    resolved = ListSettings(**{field: path.absolute() if path else None for field, path in source})
    read_sources(resolved.path, resolved.md5, resolved.clean)
    folders = {test_set: folder.absolute() for test_set, folder in sorted(test_sets.items())}
    digests = {test_set: folder_digest(test_set, folder) for test_set, folder in folders.items()}
    Root(root).check_writable()
    return Question(source=resolved, list_digest=_list_digest(resolved), name=name, test_sets=folders, test_digests=digests)


def open_runner(run: RunSettings) -> TaskRunner[Any]:
    """The task runner that carries out the tasks of a run."""
    if run.runner == "threads":
        return ThreadPoolTaskRunner(max_workers=run.workers)
    if run.runner == "processes":
        return ProcessPoolTaskRunner(max_workers=run.workers)
    from prefect_dask import DaskTaskRunner  # the extra `dask`; curation does not need it

    return DaskTaskRunner(cluster_kwargs={"n_workers": run.workers, "threads_per_worker": 1})


def _list_digest(source: ListSettings) -> str:
    digest = hashlib.sha256()
    for path in (source.path, source.md5, source.clean):
        if path and path.is_dir():
            for file in sorted(path.glob("*/*")):
                facts = file.stat()
                digest.update(f"{file.relative_to(path)}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
        elif path:
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _tables(outputs: dict[str, Output], name: str) -> list[TableRef]:
    return [output.tables[name] for output in outputs.values()]
