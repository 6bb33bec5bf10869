"""What flows that train networks have in common: what each begins with, what it tells, and how it is announced."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from pydantic import BaseModel, ConfigDict

from flows.describing import NetworkUsed
from flows.index_request import AskedSet
from flows.runtime.publication import News
from flows.settings import TrainRunSettings
from storage.manifest import Manifest, NetworkManifest, TrainedFacts
from storage.root import Root
from storage.tables.acquisition import IMAGES
from storage.tables.versions import VERDICTS
from storage.versions import read_version_table, source_of, version_ref
from tasks.train.contracts import NetworkInputs, TestFolder, Trained
from tasks.train.report import compare_scores, draw_training


class TrainedVersion(BaseModel):
    """What a flow that trains returns: the network that now is the latest, and whether that is news."""

    model_config = ConfigDict(frozen=True)

    version: NetworkManifest
    is_new: bool


def network_inputs(
    root: Root, version: Manifest, test_sets: dict[str, AskedSet], start: NetworkUsed, run: TrainRunSettings
) -> NetworkInputs:
    """Returns what every training reads.

    Args:
        test_sets: by name.
        start: the network that it begins with.
    """
    return NetworkInputs(
        images=version_ref(version, IMAGES),
        verdicts=version_ref(version, VERDICTS),
        network=start.digest,
        stored=start.stored,
        test_sets={
            name: TestFolder(digest=asked.digest, certificates=asked.certificates, folder=asked.folder)
            for name, asked in test_sets.items()
        },
        processes=run.processes,
        workers=run.workers,
        tensorboard=_board(root, version, run),
    )


def _board(root: Root, version: Manifest, run: TrainRunSettings) -> Path | None:
    """Where TensorBoard's files go: where that is told, or beside the networks of a root on this machine."""
    if run.tensorboard or not root.is_local:
        return run.tensorboard
    return Path(root.path(f"tensorboard/{source_of(version)}"))


def training_facts(
    settings: Mapping[str, Any], version: Manifest, start: NetworkUsed, trained: Trained
) -> TrainedFacts:
    """Returns what every training tells of its network.

    Args:
        settings: that decided it, as JSON has them.
    """
    return TrainedFacts(
        settings=dict(settings),
        source=source_of(version),
        source_digest=version.digest,
        joined=trained.joined,
        start=start.digest,
        network=trained.network,
        dimensions=trained.dimensions,
        photographs=trained.photographs,
        iterations=trained.iterations,
        best=trained.best,
        certificates=trained.certificates,
        environment=trained.environment,
    )


def announce_network(root: Root, version: NetworkManifest, news: News[NetworkManifest]) -> None:
    """Logs what came of the run, and shows scores, curves and the way to the report as artifacts."""
    logger = get_run_logger()
    logger.info("%s: the best of %d iterations was %d", news.tell(version), version.iterations, version.best)
    losses, scores, left_out = (read_version_table(root, version, name) for name in ("losses", "scores", "left_out"))
    for row in left_out.to_pylist():
        logger.warning("%s was not read, and nothing learned from it: %s", row["path"], row["reason"])
    for what, count in version.joined.items():
        logger.info("%s: %d", what, count)
    rows = compare_scores(version, scores.to_pandas())
    create_table_artifact(rows, key="train-scores", description=f"Scores before and after: {version.folder}")
    for name, plot in draw_training(version.best, losses.to_pandas(), scores.to_pandas()).items():
        told = f"Over the iterations: {name}"
        drawn = base64.b64encode(plot.encode()).decode()
        create_markdown_artifact(
            f"![{name}](data:image/svg+xml;base64,{drawn})", key=f"train-{name}-curve", description=told
        )
    news.link_report(root, version, "train-report")
