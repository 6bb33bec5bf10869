"""Keeping a training under the dataset root while it runs, and showing how it goes."""

from torch.optim import Optimizer
from torch.utils.tensorboard import SummaryWriter

from storage.parts import drop_parts, keep_part
from storage.root import Root
from tasks.describe.network import Network
from tasks.describe.weights import export_weights
from tasks.describe.whiten import Whiten, export_whitening
from tasks.train.checkpoint import Progress, export_checkpoint
from tasks.train.children import Told, tell
from tasks.train.job import Job
from tasks.train.mining import Indices
from tasks.train.scoring import VALIDATION
from tasks.train.trainer import Keeper


class KeptInRoot(Keeper):
    """Keeps the best network and the newest checkpoint, tells each iteration in a line, and writes for TensorBoard.

    Args:
        progress: that the run goes on from; what TensorBoard has of later iterations is dropped.
    """

    def __init__(self, job: Job, root: Root, network: Network, optimizer: Optimizer, progress: Progress) -> None:
        self._job, self._root, self._network, self._optimizer = job, root, network, optimizer
        self._scores, folder = len(progress.scores), job.inputs.tensorboard
        own = folder and str(folder / job.run[:12])  # of other settings, other curves
        self._board = SummaryWriter(own, purge_step=len(progress.losses)) if own else None

    def keep_best(self, iteration: int) -> None:
        """Keeps the network as it is; the best before it stays until a checkpoint knows of this one."""
        assert isinstance(self._network.whitening, Whiten)
        name = f"{iteration:09}"
        keep_part(self._root, self._job.best("backbone"), name, export_weights(self._network.network))
        keep_part(self._root, self._job.best("whitening"), name, export_whitening(self._network.whitening))

    def keep(self, progress: Progress, mined: Indices) -> None:
        """Keeps a checkpoint, and drops what it makes needless."""
        name = f"{len(progress.losses):09}"
        content = export_checkpoint(self._network, self._optimizer, mined, progress)
        keep_part(self._root, self._job.checkpoints, name, content)
        drop_parts(self._root, self._job.checkpoints, but=name)
        for kind in ("backbone", "whitening"):
            drop_parts(self._root, self._job.best(kind), but=f"{progress.best:09}")

    def tell(self, progress: Progress) -> None:
        """Tells the last iteration, and the scores that are new."""
        done = len(progress.losses)
        newest = next((one for one in reversed(progress.scores) if one.test_set == VALIDATION), None)
        loss = f"loss {progress.losses[-1]:.4f}" if progress.losses else "scoring"
        value = newest.mean_average_precision if newest else None
        note = loss if value is None else f"{loss}, val mAP {value:.3f}"
        tell(Told(iterations=done, note=note))
        if self._board:
            self._draw(self._board, progress)
        self._scores = len(progress.scores)

    def _draw(self, board: SummaryWriter, progress: Progress) -> None:
        done = len(progress.losses)
        new = progress.scores[self._scores :]
        if progress.losses and not new:
            board.add_scalar("loss", progress.losses[-1], done - 1)
            board.add_scalar("learning rate", self._job.settings.train.optimizer.rate_at(done - 1), done - 1)
        for score in new:
            if score.mean_average_precision is not None:
                board.add_scalar(f"mAP/{score.test_set} {score.protocol}", score.mean_average_precision, done)
        board.flush()
