"""The flow `train`: from a published version to a network that was trained on it, published as a version of its own."""

from pathlib import Path

from prefect import flow, get_run_logger

from flows.describing import learn_network, pack_version
from flows.networks import TrainedVersion, announce_network, network_inputs, training_facts
from flows.runtime.naming import run_name
from flows.runtime.publication import publish_once
from flows.settings import RunSettings, TrainFlowSettings, TrainRunSettings
from flows.train_request import TrainRequest, check_train_request
from storage.manifest import Manifest, NetworkManifest
from storage.root import Root
from storage.tables.acquisition import IMAGES
from storage.tables.groups import BOXES, GROUPS, PAIRS
from storage.tables.spec import FileRef
from storage.tables.versions import VERDICTS
from storage.versions import version_ref
from tasks.acquire.task import pack_images
from tasks.contracts import StageRunner
from tasks.describe.contracts import load_stored
from tasks.describe.network import Stored
from tasks.describe.task import learn_from_moments, take_moments
from tasks.publish.contracts import Published
from tasks.train.contracts import ClassifyInputs, PublishNetworkInputs, TrainInputs
from tasks.train.job import ClassifyingSettings, TrainingSettings
from tasks.train.task import classify_photographs, publish_network, train_network

STAGES = (classify_photographs, pack_images, take_moments, learn_from_moments, train_network, publish_network)
"""All stages, in their order."""


@flow(name="train", flow_run_name=run_name("name", "version"), persist_result=False)
def train(
    version: str = "latest",
    root: str = "./data",
    name: str | None = None,
    settings: TrainFlowSettings = TrainFlowSettings(),
    test_sets: dict[str, Path] | None = None,
    run: TrainRunSettings = TrainRunSettings(),
) -> TrainedVersion:
    """Trains a network on the kept photographs of a version, and scores it on the way.

    Args:
        version: as `cairn versions` lists it.
        root: dataset root, a folder or any URL that fsspec opens.
        name: of the dataset; not needed where the root holds only one.
        settings: what decides the result.
        test_sets: name to folder of each.
        run: how it runs.
    """
    request = check_train_request(version, name, root, test_sets or {})
    store = Root(root)

    def work(runner: StageRunner) -> str:
        return run_training(runner, request, settings, run).folder

    made, is_new = publish_once(
        store, request.version.name, NetworkManifest, STAGES, RunSettings(pages=run.pages), work, announce_network
    )
    return TrainedVersion(version=made, is_new=is_new)


def run_training(
    runner: StageRunner, request: TrainRequest, settings: TrainFlowSettings, run: TrainRunSettings
) -> Published:
    """Runs the stages, in their order."""
    version, describe = request.version, settings.describe
    backbone = _classify(runner, version, settings, run) if settings.train.classify.iterations else None
    packets = pack_version(runner, version)
    start = learn_network(runner, version, packets, describe, settings.whiten, backbone)
    inputs = TrainInputs(
        **dict(network_inputs(runner.root, version, request.test_sets, start, run)),
        groups=version_ref(version, GROUPS),
        pairs=version_ref(version, PAIRS),
        boxes=version_ref(version, BOXES),
    )
    training = TrainingSettings(describe=describe, train=settings.train)
    trained = runner.each_here(train_network, {"": inputs}, training, 1)[""]
    facts = training_facts(settings.model_dump(mode="json"), version, start, trained)
    published = PublishNetworkInputs(name=version.name, trained=trained, facts=facts)
    return runner.one(publish_network, published, None)


def _classify(runner: StageRunner, version: Manifest, settings: TrainFlowSettings, run: TrainRunSettings) -> FileRef:
    """Trains a classifier of the version's classes, whose weights ranking begins with."""
    own = settings.train
    inputs = ClassifyInputs(
        images=version_ref(version, IMAGES),
        verdicts=version_ref(version, VERDICTS),
        network=load_stored(runner.root, settings.describe, Stored())[1],
        processes=run.processes,
        workers=run.workers,
    )
    classifying = ClassifyingSettings(describe=settings.describe, classify=own.classify, optimizer=own.optimizer)
    made = runner.each_here(classify_photographs, {"": inputs}, classifying, 1)[""]
    for path, reason in made.left_out.items():
        get_run_logger().warning("%s was not read, and the classifier learned nothing from it: %s", path, reason)
    return made.backbone
