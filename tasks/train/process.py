"""A process that trains, as torchrun starts it: python -m torch.distributed.run … -m tasks.train.process JOB.

It is no part of the flow's process, so that a training that dies can't take the flow along.
"""

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from torch import nn

from storage.errors import InputError
from storage.images import get_image
from storage.parquet import read_bytes, read_table
from storage.parts import read_parts
from storage.root import Root
from storage.tables.spec import TableRef
from tasks.captions.npz import from_npz
from tasks.describe.descriptors import describe_image
from tasks.describe.network import Network, load_network
from tasks.describe.photographs import without_leaks
from tasks.describe.text import TextEmbedding, begin_text
from tasks.evaluate.photographs import read_scored_set, score_network
from tasks.evaluate.task import certificate_of
from tasks.train.captioned import join_captions
from tasks.train.checkpoint import Progress, ScoredAt, restore_checkpoint
from tasks.train.child import as_child
from tasks.train.contracts import NetworkInputs
from tasks.train.gradients import make_trainable
from tasks.train.instances import Instances
from tasks.train.job import AnyJob, InstanceJob, Outcome, SemanticJob, TrainJob
from tasks.train.keeping import KeptInRoot, files_of
from tasks.train.loop import train
from tasks.train.objective import Objective
from tasks.train.optimizing import make_optimizer
from tasks.train.processes import describe_environment, join_processes
from tasks.train.samples import Photograph, Samples, read_samples
from tasks.train.semantic import Semantics
from tasks.train.trainer import Keeper, Trainer


class _Task(NamedTuple):
    """What is trained for, with all photographs, and what was joined."""

    objective: Objective
    photographs: Sequence[Photograph]
    text: TextEmbedding | None = None
    joined: Mapping[str, int] = MappingProxyType({})


def main(path: str) -> None:
    """Trains, and leaves the outcome where the job says."""
    job = AnyJob.model_validate_json(Path(path).read_bytes()).root
    as_child(lambda: _train(job))


def _train(job: InstanceJob | SemanticJob) -> None:
    root, settings = Root(job.root), job.settings
    fabric = join_processes(settings.describe.device, job.inputs.processes)
    network = _load(root, job)
    make_trainable(network)
    task = _captions(root, job, network) if isinstance(job, SemanticJob) else _classes(root, job)
    learned = network if task.text is None else nn.ModuleDict({"images": network, "texts": task.text.to(fabric.device)})
    wrapped, optimizer = fabric.setup(network, make_optimizer(learned, settings.train.optimizer))
    certified = dict[str, str]()
    score, read = partial(_score, root, network, job.inputs, certified), partial(get_image, root)
    trainer = Trainer(fabric, wrapped, optimizer, task.photographs, settings.train, read, job.inputs.workers, score)
    progress, found = Progress(run=job.run), np.empty((0, 3), np.int64)
    for _, content in read_parts(root, job.checkpoints):
        progress, found = restore_checkpoint(content, learned, optimizer, job.run)
    first, files = fabric.global_rank == 0, files_of(network, task.text)
    keeper = KeptInRoot(job, root, learned, files, optimizer, progress) if first else Keeper()
    progress = train(trainer, task.objective, progress, found, keeper)
    if first:
        outcome = Outcome(
            progress=progress,
            photographs=len(task.photographs),
            joined=dict(task.joined),
            certificates=certified,
            environment=describe_environment(fabric),
        )
        root.write(job.outcome, outcome.model_dump_json().encode())


def _load(root: Root, job: TrainJob) -> Network:
    """The network that training begins with."""
    stored = (job.inputs.stored.whitening, job.inputs.stored.backbone)
    network = load_network(job.settings.describe, *(read_bytes(root, ref) if ref else None for ref in stored))
    if network.digest() != job.inputs.network:
        raise InputError("the network that training begins with is another one here; have the same packages everywhere")
    return network


def _classes(root: Root, job: InstanceJob) -> _Task:
    samples = _samples(root, job)
    return _Task(Instances(samples, job.settings.train), samples.photographs)


def _captions(root: Root, job: SemanticJob, network: Network) -> _Task:
    inputs, own = job.inputs, job.settings.train
    images = read_table(root, inputs.images, ["image_id", "sha256", "path"])
    safe = without_leaks(images, read_table(root, inputs.verdicts, ["image_id", "reason"]))
    captions = read_table(root, inputs.captions, ["row", "image_id"]).to_pandas()
    weights = from_npz(read_bytes(root, inputs.weights), inputs.weights.path, len(captions))
    triplets = read_table(root, inputs.triplets, ["query", "positive", "negative", "split"]).to_pandas()
    captioned = join_captions(safe.to_pandas(), captions, weights, triplets)
    layer = begin_text(weights.shape[1], network.dimensions, own.text.spread, own.draw.seed) if own.loss.texts else None
    return _Task(Semantics(captioned, own, layer), captioned.photographs, layer, captioned.joined)


def _samples(root: Root, job: InstanceJob) -> Samples:
    inputs = job.inputs
    wanted: dict[TableRef, list[str]] = {
        inputs.images: ["image_id", "path"],
        inputs.verdicts: ["image_id", "landmark_id", "verdict", "split"],
        inputs.groups: ["image_id", "copy_of"],
        inputs.pairs: ["image_a", "image_b"],
        inputs.boxes: ["image_id", "x1", "y1", "x2", "y2"],
    }
    return read_samples(*(read_table(root, ref, columns).to_pandas() for ref, columns in wanted.items()))


def _score(
    root: Root, network: Network, inputs: NetworkInputs, certified: dict[str, str], iteration: int
) -> list[ScoredAt]:
    """The scores of test sets after so many iterations; sets their certificates in `certified`."""
    found = []
    for name, asked in inputs.test_sets.items():
        scored = read_scored_set(name, asked.folder)
        if scored.digest() != asked.digest:
            raise InputError(f"test set {name!r}: {asked.folder} was changed meanwhile; run the same command again")
        every, all_scores = score_network(partial(describe_image, network), scored)
        certified[name] = certificate_of(root, asked.certificates, every)
        for protocol, scores in sorted(all_scores.items()):
            value = None if np.isnan(scores.mean) else scores.mean
            queries = int((~np.isnan(scores.average_precisions)).sum())
            found.append(
                ScoredAt(
                    iteration=iteration,
                    test_set=name,
                    protocol=protocol,
                    queries=queries,
                    score=value,
                )
            )
    return found


if __name__ == "__main__":
    main(sys.argv[1])
