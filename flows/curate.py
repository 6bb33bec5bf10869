"""The flow `curate`: from a noisy list of image addresses to a published, boxed, leak-free version."""

from functools import partial
from pathlib import Path

from prefect import flow, get_run_logger
from pydantic import BaseModel, ConfigDict

from flows import grouping, leaks, publishing
from flows.announce import announce
from flows.fetching import acquire, look_for_drawings, policy_of
from flows.grouping import find_boxes, find_groups
from flows.leaks import find_leaks
from flows.publishing import Curation, illustrate, publish
from flows.request import CurationRequest, check_request
from flows.review.gates import why_not_latest
from flows.runtime.naming import run_name
from flows.runtime.publication import publish_once
from flows.settings import CurateSettings, CurationGate, RunSettings, find_overrides
from storage.manifest import Manifest
from storage.root import Root
from tasks.acquire.drawings_task import find_drawings
from tasks.acquire.settings import FetchPolicy, ListSettings
from tasks.acquire.task import ListInputs, SelectInputs, acquire_shard, list_sources, select_packets
from tasks.cluster.settings import Overrides
from tasks.contracts import StageRunner
from tasks.features.detect import check_installed
from tasks.publish.contracts import PublishedVersion

STAGES = (
    *(list_sources, acquire_shard, find_drawings, select_packets),
    *(*leaks.STAGES, *grouping.STAGES, *publishing.STAGES),
)
"""All stages, in the order of the method."""


class Curated(BaseModel):
    """What the flow returns: the version that now is the latest, and whether that is news."""

    model_config = ConfigDict(frozen=True)

    version: Manifest
    is_new: bool


@flow(name="curate", flow_run_name=run_name("name"), persist_result=False)
def curate(
    source: ListSettings,
    name: str,
    root: str = "./data",
    test_sets: dict[str, Path] | None = None,
    settings: CurateSettings = CurateSettings(),
    run: RunSettings = RunSettings(),
    note: str = "",
    overrides: Overrides | Path = Overrides(),
    aliases: Path | None = None,
    overlays: Path | None = None,
    gate: CurationGate = CurationGate(),
) -> Curated:
    """Curates a list of landmark images into a version of a dataset.

    Args:
        source: the list. name: of the dataset; its versions are numbered.
        root: dataset root, a folder or any URL that fsspec opens.
        test_sets: name to folder, or signature, of each test set that must not leak into the dataset.
        settings: what decides the result. run: how it runs. note: a sentence or two for the card and the report.
        overrides: what a person decided instead; or the TOML file of it, on the worker or in the root, read each run.
        aliases: file of further spellings of test sets' landmarks; classes named so are listed.
        overlays: table `templates` of another version: what overlays look like that this list's classes may not teach.
        gate: what the version must hold to become the latest.

    Raises:
        GateError: the version is published, but is not what `gate` asks for, keeps nothing, or was rejected.
    """
    check_installed(settings.features)
    decided = find_overrides(overrides, Root(root))
    request = check_request(source, name, root, test_sets or {}, settings, note, decided, aliases, overlays, run.anyway)
    for remark in request.remarks:
        get_run_logger().info("%s", remark)
    judge = partial(why_not_latest, Root(root), gate=gate)

    def work(runner: StageRunner) -> str:
        return run_curation(runner, request, settings, policy_of(run, settings.polite)).folder

    version, is_new = publish_once(Root(root), name, Manifest, STAGES, run, work, announce, judge)
    return Curated(version=version, is_new=is_new)


def run_curation(
    runner: StageRunner, request: CurationRequest, settings: CurateSettings, policy: FetchPolicy
) -> PublishedVersion:
    """Runs the method, phase by phase."""
    # Read the list, and fetch and inspect what it names, shard by shard of rows.
    longest = settings.acquire.max_bytes if request.folder else None
    listed = ListInputs(content=request.list_digest, merge=request.overrides.merge, longest=longest)
    sources = runner.one(list_sources, listed, request.source)
    acquired = acquire(runner, sources.shards, request.name, request.folder, settings.acquire, policy)

    # Drop placeholders, copies, drawings if asked for, and small classes. From here on, packets of whole classes.
    drawings = look_for_drawings(runner, request.name, acquired)
    images = [shard.images for shard in acquired.values()]
    readable = SelectInputs(sources=sources.sources, images=images, drawings=drawings)
    selected = runner.one(select_packets, readable, settings.select)

    # What the test sets show must go: copies, images of their landmarks, classes that show one.
    known, remember = request.overlays, settings.remember
    found = find_leaks(runner, request.name, selected.packets, request.test_sets, settings, remember, known)

    # Match the rest inside each class, keep the largest or the pinned group, and box what its images have in common.
    dropped = [shard.drops for shard in acquired.values()] + [part.drops for part in found.expanded.values()]
    dropped += [sources.drops, selected.drops]
    groups = find_groups(runner, request.name, found, dropped, request.overrides, settings)
    boxes = find_boxes(runner, found, groups, settings)

    # Illustrate what was kept and what was dropped for which evidence, split, and publish.
    curation = Curation(sources, acquired, drawings, selected, dropped, found, groups, boxes)
    thumbnails = illustrate(runner, request, curation)
    return publish(runner, request, settings, curation, thumbnails)
