"""The flow `index`: from a published version to an index of its images, scored on test sets."""

import base64
from functools import partial
from pathlib import Path

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from pydantic import BaseModel, ConfigDict

from flows.describing import NetworkUsed, describe_version, matrix_of
from flows.evaluate import codes_of, score_sets
from flows.index_request import IndexRequest, check_index_request, settings_like
from flows.review.gates import why_index_not_latest
from flows.runtime.naming import run_name
from flows.runtime.publication import News, publish_once
from flows.settings import IndexFlowSettings, IndexGate, RunSettings
from storage.manifest import BuiltFacts, IndexManifest
from storage.root import Root
from storage.tables.acquisition import IMAGES
from storage.tables.retrieval import INDEXED
from storage.tables.versions import VERDICTS
from storage.versions import read_version_table, source_of, version_ref
from tasks.acquire.task import pack_images
from tasks.contracts import StageRunner
from tasks.describe.settings import settings_of_network
from tasks.describe.task import describe_images, learn_from_moments, take_moments
from tasks.evaluate.task import score_test_set
from tasks.index.contracts import EarlierIndex, Indexed, IndexInputs, PublishIndexInputs, WorstPage
from tasks.index.report import NEAREST, draw_plot
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


@flow(name="index", flow_run_name=run_name("name", "version"), persist_result=False)
def index(
    version: str = "latest",
    root: str = "./data",
    name: str | None = None,
    settings: IndexFlowSettings = IndexFlowSettings(),
    test_sets: dict[str, Path] | None = None,
    like: str | None = None,
    network: str | None = None,
    backbone: str | None = None,
    run: RunSettings = RunSettings(),
    gate: IndexGate = IndexGate(),
) -> IndexedVersion:
    """Describes all readable images of a version, indexes them, and scores the network on test sets.

    Args:
        version: as `cairn versions` lists it.
        root: dataset root, a folder or any URL that fsspec opens.
        name: of the dataset; not needed where the root holds only one.
        settings: what decides the result.
        test_sets: name to folder of each.
        like: index, as `cairn indexes` lists it, whose settings, network and codes this one has: what both have is
            neither described nor coded again. Its settings stand in place of `settings`.
        network: trained one that describes, as `cairn networks` lists it; without one, an untrained one does, whose
            whitening is learned from the version. Of the settings, sizes and device count then.
        backbone: MODULE:NAME of your own that this index may import.
        run: how it runs.
        gate: what the index must hold to become the latest.

    Raises:
        GateError: the index is published, but is not what `gate` asks for.
    """
    request = check_index_request(version, name, root, test_sets or {}, like, network)
    chosen, store = _choose_settings(request, settings, backbone), Root(root)

    def work(runner: StageRunner) -> str:
        return run_index(runner, request, chosen).folder

    judge, name = partial(why_index_not_latest, store, gate=gate), request.version.name
    made, is_new = publish_once(store, name, IndexManifest, STAGES, run, work, _announce, judge)
    return IndexedVersion(version=made, is_new=is_new)


def _choose_settings(request: IndexRequest, given: IndexFlowSettings, backbone: str | None) -> IndexFlowSettings:
    """The settings that are given, but for those that an index to be like, or a trained network, brings along."""
    if request.like:
        return settings_like(request.like, backbone)
    if request.trained:
        own = settings_of_network(request.trained.settings.get("describe", {}), given.describe)
        return given.model_copy(update={"describe": own})
    return given


def run_index(runner: StageRunner, request: IndexRequest, settings: IndexFlowSettings) -> Published:
    """Runs the stages, in their order."""
    version, like = request.version, request.like
    network, described = describe_version(runner, version, settings, like or request.trained)
    assert network.stored.whitening, "each way to a network gives its whitening"
    built = runner.one(
        build_index,
        IndexInputs(
            images=version_ref(version, IMAGES),
            verdicts=version_ref(version, VERDICTS),
            descriptors=[one.descriptors for one in described],
            undescribed=[one.undescribed for one in described],
            earlier=_earlier(like) if like else None,
        ),
        settings.index,
    )
    codes = codes_of(built.index, built.chosen.factory)
    scored = score_sets(runner, request.test_sets, network, settings.describe, codes)
    inputs = PublishIndexInputs(
        name=version.name,
        indexed=built.indexed,
        index=built.index,
        vectors=built.vectors,
        nearest=built.nearest,
        whitening=network.stored.whitening,
        results=[one.results for one in scored.values()],
        worst={name: WorstPage(page=one.page, pictures=one.pictures) for name, one in scored.items()},
        facts=_facts(request, settings, network, built),
    )
    return runner.one(publish_index, inputs, None)


def _facts(request: IndexRequest, settings: IndexFlowSettings, network: NetworkUsed, built: Indexed) -> BuiltFacts:
    return BuiltFacts(
        settings=settings.model_dump(mode="json"),
        source=source_of(request.version),
        source_digest=request.version.digest,
        network=network.digest,
        trained=_trained(request),
        dimensions=built.dimensions,
        whitened_on=network.learnt_from,
        grown_from=source_of(request.like) if request.like else "",
        chosen=built.chosen,
        tried=built.tried,
        not_indexed=built.not_indexed,
    )


def _trained(request: IndexRequest) -> str:
    """The trained network that describes, itself or since the index that this one is like was made by it."""
    if request.like:
        return request.like.trained
    return source_of(request.trained) if request.trained else ""


def _earlier(like: IndexManifest) -> EarlierIndex:
    return EarlierIndex(index=matrix_of(like), indexed=version_ref(like, INDEXED), factory=like.chosen.factory)


def _announce(root: Root, version: IndexManifest, news: News[IndexManifest]) -> None:
    """Logs what came of the run, and shows scores, the plot and the way to the report as artifacts."""
    logger = get_run_logger()
    chosen = version.chosen
    logger.info("%s: %s, recall %.3f", news.tell(version), chosen.factory, chosen.recall)
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
    sheet = base64.b64encode(root.read(f"{version.folder}/report/nearest.jpg")).decode()
    create_markdown_artifact(
        f"{NEAREST}\n\n![Nearest images](data:image/jpeg;base64,{sheet})",
        key="index-contact-sheet",
        description="Some images and what is nearest to each",
    )
    news.link_report(root, version, "index-report")
