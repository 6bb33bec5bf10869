"""The flow `train-semantic`: from images and captions of them to a network that sees what people would say."""

from pathlib import Path

from prefect import flow

from flows.describing import learn_network, pack_version
from flows.networks import TrainedVersion, announce_network, network_inputs, training_facts
from flows.runtime.naming import run_name
from flows.runtime.publication import publish_once
from flows.settings import RunSettings, SemanticFlowSettings, TrainRunSettings
from flows.train_request import SemanticRequest, check_semantic_request
from storage.manifest import NetworkManifest
from storage.root import Root
from storage.tables.captions import CAPTION_IMAGES, CAPTION_TRIPLETS, CAPTION_VOCABULARY
from storage.tables.spec import MatrixRef
from storage.versions import source_of, version_ref, version_table
from tasks.acquire.task import pack_images
from tasks.contracts import StageRunner
from tasks.describe.task import learn_from_moments, take_moments
from tasks.publish.contracts import Published
from tasks.train.contracts import PublishNetworkInputs, SemanticInputs
from tasks.train.job import SemanticTrainingSettings
from tasks.train.task import publish_network, train_semantic_network

STAGES = (pack_images, take_moments, learn_from_moments, train_semantic_network, publish_network)
"""All stages, in their order."""


@flow(name="train-semantic", flow_run_name=run_name("name", "version"), persist_result=False)
def train_semantic(
    version: str = "latest",
    root: str = "./data",
    name: str | None = None,
    captions: str | None = None,
    settings: SemanticFlowSettings = SemanticFlowSettings(),
    test_sets: dict[str, Path] | None = None,
    run: TrainRunSettings = TrainRunSettings(),
) -> TrainedVersion:
    """Trains a network on images of a version by triplets of captions, and scores it on the way.

    Args:
        version: as `cairn versions` lists it; its images have the ids that the captions know them by.
        root: dataset root, a folder or any URL that fsspec opens.
        name: of the dataset; not needed where the root holds only one.
        captions: NAME, or NAME/VERSION, of captions; not needed where the root holds only one name of them.
        settings: what decides the result.
        test_sets: name to folder of each.
        run: how it runs.
    """
    request = check_semantic_request(version, name, root, captions, test_sets or {})
    store = Root(root)

    def work(runner: StageRunner) -> str:
        return run_semantic_training(runner, request, settings, run).folder

    made, is_new = publish_once(
        store, request.version.name, NetworkManifest, STAGES, RunSettings(pages=run.pages), work, announce_network
    )
    return TrainedVersion(version=made, is_new=is_new)


def run_semantic_training(
    runner: StageRunner, request: SemanticRequest, settings: SemanticFlowSettings, run: TrainRunSettings
) -> Published:
    """Runs the stages, in their order."""
    version, captions, describe = request.version, request.captions, settings.describe
    start = learn_network(runner, version, pack_version(runner, version), describe, settings.whiten)
    common = network_inputs(runner.root, version, request.test_sets, start, run)
    inputs = SemanticInputs(
        **dict(common),
        captions=version_ref(captions, CAPTION_IMAGES),
        weights=MatrixRef.model_validate(version_table(captions, "caption_weights").model_dump()),
        triplets=version_ref(captions, CAPTION_TRIPLETS),
    )
    training = SemanticTrainingSettings(describe=describe, train=settings.train)
    trained = runner.each_here(train_semantic_network, {"": inputs}, training, 1)[""]
    told = {**settings.model_dump(mode="json"), "encode": captions.settings["encode"]}
    facts = training_facts(told, version, start, trained).model_copy(
        update={"captions": source_of(captions), "captions_digest": captions.digest}
    )
    vocabulary = version_ref(captions, CAPTION_VOCABULARY)
    published = PublishNetworkInputs(name=version.name, trained=trained, facts=facts, vocabulary=vocabulary)
    return runner.one(publish_network, published, None)
