"""Keeping a training under the dataset root while it runs, and showing how it goes."""

from collections.abc import Callable, Mapping

from torch import nn
from torch.optim import Optimizer
from torch.utils.tensorboard import SummaryWriter

from storage.parts import drop_parts, keep_part
from storage.root import Root
from tasks.describe.network import Network
from tasks.describe.text import TextEmbedding, export_text
from tasks.describe.weights import export_weights
from tasks.describe.whiten import Whiten, export_whitening
from tasks.train.checkpoint import Progress, export_checkpoint
from tasks.train.children import Told, tell
from tasks.train.job import TrainJob
from tasks.train.mining import Indices
from tasks.train.objective import VALIDATION
from tasks.train.trainer import Keeper

Files = Mapping[str, Callable[[], bytes]]


def files_of(network: Network, text: TextEmbedding | None) -> Files:
    """Returns what a network is kept as, by the names of its files: each is made when it is called for."""
    whitening = network.whitening
    assert isinstance(whitening, Whiten)
    files: dict[str, Callable[[], bytes]] = {
        "backbone": lambda: export_weights(network.network),
        "whitening": lambda: export_whitening(whitening),
    }
    return files if text is None else {**files, "text": lambda: export_text(text)}


class KeptInRoot(Keeper):
    """Keeps the best network and the newest checkpoint, tells each iteration in a line, and writes for TensorBoard.

    Args:
        learned: all that learns, the network included.
        files: what the best network is kept as, by the names of its files.
        progress: that the run goes on from; what TensorBoard has of later iterations is dropped.
    """

    def __init__(
        self, job: TrainJob, root: Root, learned: nn.Module, files: Files, optimizer: Optimizer, progress: Progress
    ) -> None:
        self._job, self._root, self._learned, self._optimizer = job, root, learned, optimizer
        self._files = files
        self._scores, folder = len(progress.scores), job.inputs.tensorboard
        own = folder and str(folder / job.run[:12])  # of other settings, other curves
        self._board = SummaryWriter(own, purge_step=len(progress.losses)) if own else None

    def keep_best(self, iteration: int) -> None:
        """Keeps the network as it is; the best before it stays until a checkpoint knows of this one."""
        for kind, export in self._files.items():
            keep_part(self._root, self._job.best(kind), f"{iteration:09}", export())

    def keep(self, progress: Progress, mined: Indices) -> None:
        """Keeps a checkpoint, and drops what it makes needless."""
        name = f"{len(progress.losses):09}"
        content = export_checkpoint(self._learned, self._optimizer, mined, progress)
        keep_part(self._root, self._job.checkpoints, name, content)
        drop_parts(self._root, self._job.checkpoints, but=name)
        for kind in self._files:
            drop_parts(self._root, self._job.best(kind), but=f"{progress.best:09}")

    def tell(self, progress: Progress) -> None:
        """Tells the last iteration, and the scores that are new."""
        done = len(progress.losses)
        newest = next((one for one in reversed(progress.scores) if one.test_set == VALIDATION), None)
        loss = f"loss {progress.losses[-1]:.4f}" if progress.losses else "scoring"
        value = newest.score if newest else None
        note = loss if value is None else f"{loss}, val {value:.3f}"
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
            if score.score is not None:
                board.add_scalar(f"scores/{score.test_set} {score.protocol}", score.score, done)
        board.flush()
