"""A process that trains, as torchrun starts it: python -m torch.distributed.run … -m tasks.train.process JOB.

It is no part of the flow's process, so that a training that dies can't take the flow along.
"""

import sys
from functools import partial
from pathlib import Path

import numpy as np

from storage.errors import InputError
from storage.images import get_image
from storage.parquet import read_bytes, read_table
from storage.parts import read_parts
from storage.root import Root
from storage.tables.spec import TableRef
from tasks.describe.descriptors import describe_image
from tasks.describe.network import Network, load_network
from tasks.evaluate.photographs import read_scored_set, score_network
from tasks.evaluate.task import certificate_of
from tasks.train.checkpoint import Progress, ScoredAt, restore_checkpoint
from tasks.train.child import as_child
from tasks.train.contracts import TrainInputs
from tasks.train.gradients import make_trainable
from tasks.train.job import Job, Outcome
from tasks.train.keeping import KeptInRoot
from tasks.train.loop import train
from tasks.train.optimizing import make_optimizer
from tasks.train.processes import describe_environment, join_processes
from tasks.train.samples import Samples, read_samples
from tasks.train.trainer import Keeper, Trainer


def main(path: str) -> None:
    """Trains, and leaves the outcome where the job says."""
    job = Job.model_validate_json(Path(path).read_bytes())
    as_child(lambda: _train(job))


def _train(job: Job) -> None:
    root, settings = Root(job.root), job.settings
    fabric = join_processes(settings.describe.device, job.inputs.processes)
    stored = (job.inputs.stored.whitening, job.inputs.stored.backbone)
    network = load_network(settings.describe, *(read_bytes(root, ref) if ref else None for ref in stored))
    if network.digest() != job.inputs.network:
        raise InputError("the network that training begins with is another one here; have the same packages everywhere")
    make_trainable(network)
    wrapped, optimizer = fabric.setup(network, make_optimizer(network, settings.train.optimizer))
    samples, read = _samples(root, job), partial(get_image, root)
    certified = dict[str, str]()
    score = partial(_score, root, network, job.inputs, certified)
    trainer = Trainer(fabric, wrapped, optimizer, samples, settings.train, read, job.inputs.workers, score)
    progress, mined = Progress(run=job.run), np.empty((0, 3), np.int64)
    for _, content in read_parts(root, job.checkpoints):
        progress, mined = restore_checkpoint(content, network, optimizer, job.run)
    keeper = KeptInRoot(job, root, network, optimizer, progress) if fabric.global_rank == 0 else Keeper()
    progress = train(trainer, progress, mined, keeper)
    if fabric.global_rank == 0:
        outcome = Outcome(
            progress=progress,
            photographs=len(samples.photographs),
            certificates=certified,
            environment=describe_environment(fabric),
        )
        root.write(job.outcome, outcome.model_dump_json().encode())


def _samples(root: Root, job: Job) -> Samples:
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
    root: Root, network: Network, inputs: TrainInputs, certified: dict[str, str], iteration: int
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
                    mean_average_precision=value,
                )
            )
    return found


if __name__ == "__main__":
    main(sys.argv[1])
