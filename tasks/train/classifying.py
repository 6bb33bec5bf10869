"""A process that trains a classifier, as torchrun starts it with the path of a job; see `tasks.train.process`."""

import sys
from functools import partial
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from storage.errors import InputError
from storage.images import get_image
from storage.parquet import read_table
from storage.parts import drop_parts, keep_part, read_parts
from storage.root import Root
from tasks.describe.network import load_network
from tasks.describe.photographs import without_leaks
from tasks.describe.weights import export_weights
from tasks.train.checkpoint import Progress, export_checkpoint, restore_checkpoint
from tasks.train.child import as_child
from tasks.train.children import Told, tell
from tasks.train.classifier import Classifier, Labelled, load_squares, move, read_labelled
from tasks.train.gradients import make_trainable
from tasks.train.job import Classified, ClassifyJob
from tasks.train.loading import load_pictures
from tasks.train.optimizing import make_optimizer
from tasks.train.processes import join_processes
from tasks.train.trainer import with_left_out

_NOTHING = np.empty((0, 3), np.int64)
_EVERY = 64  # iterations that a kill may cost


def main(path: str) -> None:
    """Trains, and leaves the weights and the outcome where the job says."""
    job = ClassifyJob.model_validate_json(Path(path).read_bytes())
    as_child(lambda: _train(job))


def _train(job: ClassifyJob) -> None:
    root, own = Root(job.root), job.settings
    fabric = join_processes(own.describe.device, job.inputs.processes)
    network = load_network(own.describe)
    if network.digest() != job.inputs.network:
        raise InputError("the network that training begins with is another one here; have the same packages everywhere")
    labelled = _labelled(root, job)
    classifier = Classifier(network, len(labelled.names), own.classify.seed).to(fabric.device)
    make_trainable(classifier)
    wrapped, optimizer = fabric.setup(classifier, make_optimizer(classifier, own.optimizer))
    progress, first = Progress(run=job.run), fabric.global_rank == 0
    for _, content in read_parts(root, job.checkpoints):
        progress, _ = restore_checkpoint(content, classifier, optimizer, job.run)
    load = partial(load_pictures, partial(get_image, root), workers=job.inputs.workers)
    for squares in load_squares(fabric, labelled, own.classify, len(progress.losses), load):
        done = len(progress.losses)
        for group in optimizer.param_groups:
            group["lr"] = own.optimizer.rate_at(done)
        loss = move(fabric, wrapped, optimizer, squares.pixels, squares.classes, own.classify.batch)
        try:
            progress = with_left_out(progress, squares.left_out).with_loss(loss)
        except ValidationError as error:
            raise InputError(f"the classifier's loss is {loss}: lower [train.optimizer] rate") from error
        if first:
            tell(Told(iterations=done + 1, note=f"loss {loss:.4f}"))
            if (done + 1) % _EVERY == 0:
                content = export_checkpoint(classifier, optimizer, _NOTHING, progress)
                keep_part(root, job.checkpoints, f"{done + 1:09}", content)
                drop_parts(root, job.checkpoints, but=f"{done + 1:09}")
    if first:
        keep_part(root, job.weights, "backbone", export_weights(network.network))
        outcome = Classified(progress=progress, classes=len(labelled.names))
        root.write(job.outcome, outcome.model_dump_json().encode())


def _labelled(root: Root, job: ClassifyJob) -> Labelled:
    images = read_table(root, job.inputs.images, ["image_id", "sha256", "path"])
    verdicts = read_table(root, job.inputs.verdicts, ["image_id", "landmark_id", "reason"])
    return read_labelled(without_leaks(images, verdicts).to_pandas(), verdicts.to_pandas())


if __name__ == "__main__":
    main(sys.argv[1])
