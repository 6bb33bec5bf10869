"""The phase that describes the images of a version: by a new network, a trained one, or that of an earlier index."""

from collections.abc import Mapping
from typing import NamedTuple

from flows.settings import IndexFlowSettings
from storage.manifest import IndexManifest, Manifest, NetworkManifest
from storage.root import Root
from storage.tables.acquisition import IMAGES, ImagesRef
from storage.tables.spec import FileRef, MatrixRef
from storage.tables.versions import VERDICTS
from storage.versions import read_source, source_of, version_ref, version_table
from tasks.acquire.task import PackInputs, pack_images
from tasks.contracts import StageRunner
from tasks.describe.contracts import load_stored
from tasks.describe.network import Stored
from tasks.describe.settings import DescribeSettings, WhitenSettings
from tasks.describe.task import (
    Described,
    DescribeInputs,
    MomentsInputs,
    WhitenInputs,
    describe_images,
    learn_from_moments,
    take_moments,
)


class NetworkUsed(NamedTuple):
    """The network that describes: its digest, its files, and the version that it, or its whitening, learned from."""

    digest: str
    stored: Stored
    learnt_from: str


def describe_version(
    runner: StageRunner, version: Manifest, settings: IndexFlowSettings, known: IndexManifest | NetworkManifest | None
) -> tuple[NetworkUsed, list[Described]]:
    """Describes all readable images of a version, packet by packet: each has all cores, or the GPU.

    Args:
        known: the index whose network is taken, or a trained one; None has whitening learned from what is no leak.
    """
    packets = pack_version(runner, version)
    if isinstance(known, NetworkManifest):
        network = trained_network(runner.root, known, settings.describe)
    elif known:
        network = network_of(runner.root, known)
    else:
        network = learn_network(runner, version, packets, settings.describe, settings.whiten)
    return network, _describe(runner, version.name, packets, network, settings.describe)


def pack_version(runner: StageRunner, version: Manifest) -> dict[str, ImagesRef]:
    """Returns the packets of a version's images, by name."""
    return runner.one(pack_images, PackInputs(images=[version_ref(version, IMAGES)]), None).packets


def network_of(root: Root, index: IndexManifest) -> NetworkUsed:
    """Returns the network of an index."""
    trained = read_source(root, index.trained, NetworkManifest) if index.trained else None
    backbone = version_table(trained, "backbone") if trained else None
    stored = Stored(whitening=version_table(index, "whitening"), backbone=backbone)
    return NetworkUsed(index.network, stored, index.learnt_from)


def trained_network(root: Root, trained: NetworkManifest, settings: DescribeSettings) -> NetworkUsed:
    """Returns a trained network, which these settings may have describe at other sizes than it was trained at."""
    stored = Stored(whitening=version_table(trained, "whitening"), backbone=version_table(trained, "backbone"))
    return NetworkUsed(load_stored(root, settings, stored)[1], stored, trained.source)


def matrix_of(index: IndexManifest) -> MatrixRef:
    """Returns the index itself, from the root."""
    return MatrixRef.model_validate(version_table(index, "index").model_dump())


def learn_network(
    runner: StageRunner,
    version: Manifest,
    packets: Mapping[str, ImagesRef],
    describe: DescribeSettings,
    whiten: WhitenSettings,
    backbone: FileRef | None = None,
) -> NetworkUsed:
    """Returns the network whose whitening is learned from all photographs of a version that are no leaks.

    Args:
        backbone: weights that take the place of those that the settings name.
    """
    plain, verdicts = Stored(backbone=backbone), version_ref(version, VERDICTS)
    _, digest = load_stored(runner.root, describe, plain)
    to_learn = {
        name: MomentsInputs(images=ref, verdicts=verdicts, network=digest, stored=plain)
        for name, ref in packets.items()
    }
    moments = [taken.moments for taken in runner.each_here(take_moments, to_learn, describe, 1).values()]
    whitening = runner.one(learn_from_moments, WhitenInputs(moments=moments), whiten).whitening
    stored = Stored(whitening=whitening, backbone=backbone)
    return NetworkUsed(load_stored(runner.root, describe, stored)[1], stored, source_of(version))


def _describe(
    runner: StageRunner,
    name: str,
    packets: Mapping[str, ImagesRef],
    network: NetworkUsed,
    settings: DescribeSettings,
) -> list[Described]:
    pictures = {
        packet: DescribeInputs(images=ref, network=network.digest, stored=network.stored, shard=f"{name}-{packet}")
        for packet, ref in packets.items()
    }
    return list(runner.each_here(describe_images, pictures, settings, 1).values())
