"""The flow `index`: from a published version to an index of its images, scored on test sets."""

import base64
from pathlib import Path
from typing import NamedTuple

from prefect import flow, get_run_logger
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from pydantic import BaseModel, ConfigDict

from flows.evaluate import codes_of, score_sets
from flows.index_request import IndexRequest, check_index_request
from flows.runtime.prefect_runner import PrefectRunner
from flows.runtime.publication import publish_once
from flows.runtime.task_runner import task_runner
from flows.settings import IndexFlowSettings, RunSettings
from storage.manifest import BuiltFacts, IndexManifest, Manifest
from storage.parquet import read_bytes
from storage.root import Root
from storage.tables.acquisition import IMAGES
from storage.tables.spec import FileRef
from storage.tables.versions import VERDICTS
from storage.versions import read_version_table, version_ref
from tasks.acquire.task import PackInputs, pack_images
from tasks.contracts import StageRunner
from tasks.describe.contracts import load_once
from tasks.describe.task import (
    Described,
    DescribeInputs,
    MomentsInputs,
    WhitenInputs,
    describe_images,
    learn_from_moments,
    take_moments,
)
from tasks.evaluate.task import score_test_set
from tasks.index.contracts import IndexInputs, PublishIndexInputs, WorstPage
from tasks.index.report import draw_plot
from tasks.index.task import build_index, publish_index
from tasks.publish.contracts import Published

STAGES = (
    *(pack_images, take_moments, learn_from_moments, describe_images),
    *(build_index, score_test_set, publish_index),
)
"""All stages, in their order."""


class IndexedVersion(BaseModel):
    """What the flow returns: the index that now is the latest, and whether that is news."""

    model_config = ConfigDict(frozen=True)

    version: IndexManifest
    is_new: bool


@flow(name="index", flow_run_name="{version}", persist_result=False)
def index(
    version: str = "latest",
    root: str = "./data",
    name: str | None = None,
    settings: IndexFlowSettings = IndexFlowSettings(),
    test_sets: dict[str, Path] | None = None,
    run: RunSettings = RunSettings(),
) -> IndexedVersion:
    """Describes all readable images of a version, indexes them, and scores the network on test sets.

    Args:
        version: as `cairn versions` lists it.
        root: dataset root, a folder or any URL that fsspec opens.
        name: of the dataset; not needed where the root holds only one.
        settings: what decides the result.
        test_sets: name to folder of each.
        run: how it runs.
    """
    request = check_index_request(version, name, root, test_sets or {})
    store = Root(root)

    def work() -> str:
        with task_runner(run) as runner:
            return run_index(PrefectRunner(store, runner, STAGES), request, settings).folder

    made, is_new = publish_once(store, request.version.name, IndexManifest, work, _announce)
    return IndexedVersion(version=made, is_new=is_new)


def run_index(runner: StageRunner, request: IndexRequest, settings: IndexFlowSettings) -> Published:
    """The stages, in their order."""
    version = request.version
    images, verdicts = version_ref(version, IMAGES), version_ref(version, VERDICTS)
    made = _describe(runner, version, settings)
    built = runner.one(
        build_index,
        IndexInputs(
            images=images,
            verdicts=verdicts,
            descriptors=[one.descriptors for one in made.described],
            undescribed=[one.undescribed for one in made.described],
        ),
        settings.index,
    )
    source = version.folder.removeprefix(f"{Manifest.shelf}/")
    codes = codes_of(built.index, built.chosen.factory)
    scored = score_sets(runner, request.test_sets, source, made.network, made.whitening, settings.describe, codes)
    facts = BuiltFacts(
        settings=settings.model_dump(mode="json"),
        source=source,
        source_digest=version.digest,
        network=made.network,
        dimensions=built.dimensions,
        chosen=built.chosen,
        tried=built.tried,
        not_indexed=built.not_indexed,
    )
    inputs = PublishIndexInputs(
        name=version.name,
        indexed=built.indexed,
        index=built.index,
        vectors=built.vectors,
        whitening=made.whitening,
        results=[one.results for one in scored.values()],
        worst={name: WorstPage(page=one.page, pictures=one.pictures) for name, one in scored.items()},
        facts=facts,
    )
    return runner.one(publish_index, inputs, None)


class Describing(NamedTuple):
    """The digest of the network that whitens, its whitening, and the descriptors of all packets."""

    network: str
    whitening: FileRef
    described: list[Described]


def _describe(runner: StageRunner, version: Manifest, settings: IndexFlowSettings) -> Describing:
    """Learns whitening from what is no leak, and describes all readable images by the network that whitens.

    Packets are described one after another: each has all cores, or the GPU.
    """
    images, verdicts = version_ref(version, IMAGES), version_ref(version, VERDICTS)
    packets = runner.one(pack_images, PackInputs(images=[images]), None).packets
    _, plain = load_once(settings.describe)
    to_learn = {name: MomentsInputs(images=ref, verdicts=verdicts, network=plain) for name, ref in packets.items()}
    moments = [taken.moments for taken in runner.each_here(take_moments, to_learn, settings.describe, 1).values()]
    whitening = runner.one(learn_from_moments, WhitenInputs(moments=moments), settings.whiten).whitening
    _, network = load_once(settings.describe, read_bytes(runner.root, whitening))
    pictures = {
        name: DescribeInputs(images=ref, network=network, whitening=whitening, shard=f"{version.name}-{name}")
        for name, ref in packets.items()
    }
    described = runner.each_here(describe_images, pictures, settings.describe, 1)
    return Describing(network, whitening, list(described.values()))


def _announce(root: Root, version: IndexManifest, *, is_new: bool) -> None:
    """Logs what came of the run, and shows scores, the plot and the way to the report as artifacts."""
    logger = get_run_logger()
    news = "published" if is_new else "nothing new: the latest index is"
    chosen = version.chosen
    logger.info("%s %s: %s, recall %.3f", news, version.folder, chosen.factory, chosen.recall)
    for reason, number in version.not_indexed.items():
        logger.warning("%d readable images are not in the index: %s", number, reason)
    if rows := read_version_table(root, version, "results").to_pylist():
        create_table_artifact(rows, key="index-results", description=f"Scores of the network: {version.folder}")
    plot = base64.b64encode(draw_plot(version).encode()).decode()
    create_markdown_artifact(
        f"![Recall against bytes](data:image/svg+xml;base64,{plot})",
        key="index-recall",
        description="Kinds of index that were tried",
    )
    report = f"{root.url}/{version.folder}/report/index.html"
    link = f"file://{report}" if root.is_local else report
    create_link_artifact(link, link_text=report, key="index-report", description="Open it from disk")
