"""The stages `train` and `train-semantic`, which start the processes that do, and `publish-network`."""

from collections.abc import Iterator

from storage.manifest import NetworkFacts, NetworkManifest
from storage.parquet import read_table, write_bytes
from storage.parts import read_parts
from storage.tables.captions import CAPTION_VOCABULARY
from storage.tables.spec import TableRef
from storage.tables.training import LEFT_OUT, LOSSES, NETWORK_FILES, SCORES, TEXT_FILES
from storage.versions import publish_version
from tasks.contracts import Run, stage
from tasks.describe.contracts import NETWORKS
from tasks.describe.network import load_network
from tasks.publish.contracts import Published, published
from tasks.software import RETRIEVAL, describe_software
from tasks.train.children import carry_out
from tasks.train.contracts import (
    ClassifiedNetwork,
    ClassifyInputs,
    PublishNetworkInputs,
    SemanticInputs,
    Trained,
    TrainInputs,
)
from tasks.train.job import (
    Classified,
    ClassifyingSettings,
    ClassifyJob,
    InstanceJob,
    Outcome,
    SemanticJob,
    SemanticTrainingSettings,
    TrainingSettings,
    TrainJob,
)
from tasks.train.report import render_card, render_report

_TRAINING = (*NETWORKS, "safetensors", "scipy", "faiss-cpu")


@stage("classify", version=1, software=(*NETWORKS, "safetensors"), threads=None, retries=0)
def classify_photographs(run: Run, inputs: ClassifyInputs, settings: ClassifyingSettings) -> ClassifiedNetwork:
    """Trains a backbone as a classifier of a version's classes, dropped photographs included unless they are leaks.

    It is the first step of Gordo et al. 2017, Cls-Full. After a kill it goes on from its last checkpoint.

    Raises:
        InputError: the version has no two classes, training diverges, or its processes end before their time.
    """
    job = ClassifyJob(root=run.root.url, partial=run.partial, run=_digest(run), inputs=inputs, settings=settings)
    carry_out(run, "tasks.train.classifying", job, inputs.processes, settings.classify.iterations)
    outcome = Classified.model_validate_json(run.root.read(job.outcome))
    (content,) = (content for _, content in read_parts(run.root, job.weights))
    return ClassifiedNetwork(
        backbone=run.write_file("backbone.safetensors", content),
        classes=outcome.classes,
        losses=outcome.progress.losses[-1:],
        left_out=outcome.progress.left_out,
    )


@stage("train", version=2, software=_TRAINING, threads=None, retries=0)
def train_network(run: Run, inputs: TrainInputs, settings: TrainingSettings) -> Trained:
    """Trains a network on the kept photographs of a version, in processes of their own, and gives the best there was.

    After a kill it goes on from its last checkpoint.

    Raises:
        InputError: the version has nothing to train on, training diverges, or its processes end before their time.
    """
    job = InstanceJob(root=run.root.url, partial=run.partial, run=_digest(run), inputs=inputs, settings=settings)
    return _carry_out(run, job)


@stage("train-semantic", version=1, software=_TRAINING, threads=None, retries=0)
def train_semantic_network(run: Run, inputs: SemanticInputs, settings: SemanticTrainingSettings) -> Trained:
    """Trains a network on the images and triplets of captions, by the same loop, and gives the best there was.

    Raises:
        InputError: images and captions have no triplet in common, training diverges, or its processes end before
            their time.
    """
    job = SemanticJob(root=run.root.url, partial=run.partial, run=_digest(run), inputs=inputs, settings=settings)
    return _carry_out(run, job)


def _digest(run: Run) -> str:
    """That of what is trained on and how."""
    return run.key.rpartition("-")[2]


def _carry_out(run: Run, job: TrainJob) -> Trained:
    own, inputs = job.settings, job.inputs
    carry_out(run, "tasks.train.process", job, inputs.processes, own.train.iterations)
    outcome = Outcome.model_validate_json(run.root.read(job.outcome))
    progress, best = outcome.progress, _best(run, job, outcome)
    network = load_network(own.describe, best["whitening"], best["backbone"])
    rows_of = {"backbone": len(network.network.state_dict()), "whitening": network.dimensions}
    written = {
        kind: write_bytes(run.root, run.path(kind, ".safetensors"), content, rows_of.get(kind, 1))
        for kind, content in best.items()
    }
    rate_at = own.train.optimizer.rate_at
    losses = [{"iteration": i, "loss": loss, "rate": rate_at(i)} for i, loss in enumerate(progress.losses)]
    left_out = [{"path": path, "reason": reason} for path, reason in sorted(progress.left_out.items())]
    scores = sorted((one.model_dump() for one in progress.scores), key=lambda row: [row[key] for key in SCORES.key])
    return Trained(
        backbone=written["backbone"],
        whitening=written["whitening"],
        text=written.get("text"),
        losses=run.write_rows(LOSSES, losses),
        scores=run.write_rows(SCORES, scores),
        left_out=run.write_rows(LEFT_OUT, left_out),
        network=network.digest(),
        dimensions=network.dimensions,
        photographs=outcome.photographs,
        joined=outcome.joined,
        iterations=len(losses),
        best=progress.best,
        certificates=outcome.certificates,
        environment=outcome.environment,
    )


def _best(run: Run, job: TrainJob, outcome: Outcome) -> dict[str, bytes]:
    """The files of the best network there was; of one that learned no texts, none for these."""
    name = f"{outcome.progress.best:09}"
    kept = {kind: dict(read_parts(run.root, job.best(kind))) for kind in (*NETWORK_FILES, *TEXT_FILES)}
    return {kind: found[name] for kind, found in kept.items() if kind in NETWORK_FILES or found}


@stage("publish-network", version=2)
def publish_network(run: Run, inputs: PublishNetworkInputs, settings: None) -> Published:
    """Publishes a trained network as a version of its own, with a card and a report."""
    root, trained = run.root, inputs.trained
    tables: dict[str, TableRef] = {
        LOSSES.name: trained.losses,
        SCORES.name: trained.scores,
        LEFT_OUT.name: trained.left_out,
        "backbone": trained.backbone,
        "whitening": trained.whitening,
    }
    if trained.text and inputs.vocabulary:
        tables |= {"text": trained.text, CAPTION_VOCABULARY.name: inputs.vocabulary}
    software = describe_software((*RETRIEVAL, "lightning-fabric", "tensorboard"))
    losses, scores = (read_table(root, ref).to_pandas() for ref in (trained.losses, trained.scores))
    left_out = read_table(root, trained.left_out).to_pylist()

    def render(manifest: NetworkManifest) -> Iterator[tuple[str, bytes]]:
        yield "README.md", render_card(manifest, scores).encode()
        yield from render_report(manifest, losses, scores, left_out)

    facts = NetworkFacts(**dict(inputs.facts), software=software)
    made = publish_version(root, inputs.name, tables, facts, render, NetworkManifest)
    return published(root, made, "manifest.json")
