"""What the stages `train` and `publish-network` read and write."""

from pathlib import Path
from typing import Annotated

from storage.manifest import TrainedFacts
from storage.tables.acquisition import ImagesRef
from storage.tables.captions import CaptionImagesRef, CaptionTripletsRef, CaptionVocabularyRef
from storage.tables.features import SignatureRef
from storage.tables.groups import BoxesRef, GroupsRef, PairsRef
from storage.tables.spec import FileRef, MatrixRef
from storage.tables.training import LeftOutRef, LossesRef, ScoresRef
from storage.tables.versions import VerdictsRef
from tasks.contracts import Inputs, Output, Unkeyed
from tasks.describe.network import Stored

_IN_ORDER = "photographs come in the order that they are asked for"
_ROUNDING = "changes results by rounding alone"


class ClassifyInputs(Inputs):
    """What `classify` reads: the photographs of a version with its verdicts, and the network whose backbone is trained.

    Attributes:
        network: the digest of that network, without whitening.
        processes, workers: as of `TrainInputs`.
    """

    images: ImagesRef
    verdicts: VerdictsRef
    network: str
    processes: Annotated[int, Unkeyed(_ROUNDING)]
    workers: Annotated[int, Unkeyed(_IN_ORDER)]


class ClassifiedNetwork(Output):
    """What `classify` writes: weights of the backbone, the number of classes, the last loss, and what was not read."""

    backbone: FileRef
    classes: int
    losses: tuple[float, ...]
    left_out: dict[str, str]


class TestFolder(Inputs):
    """A test set that the network is scored on while it trains.

    Attributes:
        digest: of all that decides its scores.
        certificates: of the version against a set of this name: by digest, the signature of its photographs.
    """

    digest: str
    certificates: dict[str, SignatureRef]
    folder: Annotated[Path, Unkeyed("the digest of what is in it stands for it")]


class NetworkInputs(Inputs):
    """What every training reads: images of a version, the network that it begins with, and test sets by name.

    Attributes:
        network: the digest of that network, its whitening included.
        processes: that train, each on a card of its own where there are any.
        workers: that read and decode photographs, for each of them.
        tensorboard: folder for TensorBoard's event files.
    """

    images: ImagesRef
    verdicts: VerdictsRef
    network: str
    stored: Annotated[Stored, Unkeyed("the network's digest has it")]
    test_sets: dict[str, TestFolder]
    processes: Annotated[int, Unkeyed(_ROUNDING)]
    workers: Annotated[int, Unkeyed(_IN_ORDER)]
    tensorboard: Annotated[Path | None, Unkeyed("nothing that is read again")]


class TrainInputs(NetworkInputs):
    """What `train` reads beside that: what classes, copies, pairs and boxes the version has."""

    groups: GroupsRef
    pairs: PairsRef
    boxes: BoxesRef


class SemanticInputs(NetworkInputs):
    """What `train-semantic` reads beside that: the triplets of a version of captions, and its texts as tf-idf.

    Attributes:
        weights: tf-idf of the texts, a row for each of `captions`.
    """

    captions: CaptionImagesRef
    weights: MatrixRef
    triplets: CaptionTripletsRef


class Trained(Output):
    """What `train` and `train-semantic` write.

    Attributes:
        text: the layer that brings texts into the space of images, where one was learned.
        photographs: that there were to learn from.
        joined: of captions, what had its counterpart and what had none, by what it is.
        network: the digest of the trained network.
        iterations: that were carried out.
        best: after how many of them the network was the one that is given.
        certificates: by test set, the digest of the version's certificate against its photographs, or that there is
            none.
        environment: what it was trained on.
    """

    backbone: MatrixRef
    whitening: MatrixRef
    text: MatrixRef | None
    losses: LossesRef
    scores: ScoresRef
    left_out: LeftOutRef
    network: str
    dimensions: int
    photographs: int
    joined: dict[str, int]
    iterations: int
    best: int
    certificates: dict[str, str]
    environment: dict[str, str]


class PublishNetworkInputs(Inputs):
    """What `publish-network` reads.

    Attributes:
        vocabulary: of the texts that the network has learned from, where it has a layer for them.
    """

    name: str
    trained: Trained
    vocabulary: CaptionVocabularyRef | None = None
    facts: TrainedFacts
