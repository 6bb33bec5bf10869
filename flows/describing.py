"""The phase of `index` that describes the images of a version, by a new network or by that of an earlier index."""

from collections.abc import Mapping
from typing import NamedTuple

from flows.settings import IndexFlowSettings
from storage.manifest import IndexManifest, Manifest
from storage.parquet import read_bytes
from storage.tables.acquisition import IMAGES, ImagesRef
from storage.tables.spec import FileRef, MatrixRef
from storage.tables.versions import VERDICTS
from storage.versions import version_ref, version_table
from tasks.acquire.task import PackInputs, pack_images
from tasks.contracts import StageRunner
from tasks.describe.contracts import load_once
from tasks.describe.settings import DescribeSettings
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
    """The network that describes: its digest, its whitening, and the version that this was learned from."""

    digest: str
    whitening: FileRef
    learnt_from: str


def describe_version(
    runner: StageRunner, version: Manifest, settings: IndexFlowSettings, like: IndexManifest | None
) -> tuple[NetworkUsed, list[Described]]:
    """Describes all readable images of a version, packet by packet: each has all cores, or the GPU.

    Args:
        like: the index whose network is taken; None has whitening learned from what is no leak.
    """
    packets = runner.one(pack_images, PackInputs(images=[version_ref(version, IMAGES)]), None).packets
    network = network_of(like) if like else _learn_network(runner, version, packets, settings)
    return network, _describe(runner, version.name, packets, network, settings.describe)


def network_of(index: IndexManifest) -> NetworkUsed:
    """The network of an index."""
    whitening = version_table(index, "whitening")
    return NetworkUsed(index.network, FileRef(path=whitening.path, digest=whitening.digest), index.learnt_from)


def matrix_of(index: IndexManifest) -> MatrixRef:
    """The index itself, from the root."""
    return MatrixRef.model_validate(version_table(index, "index").model_dump())


def _learn_network(
    runner: StageRunner, version: Manifest, packets: Mapping[str, ImagesRef], settings: IndexFlowSettings
) -> NetworkUsed:
    verdicts = version_ref(version, VERDICTS)
    _, plain = load_once(settings.describe)
    to_learn = {name: MomentsInputs(images=ref, verdicts=verdicts, network=plain) for name, ref in packets.items()}
    moments = [taken.moments for taken in runner.each_here(take_moments, to_learn, settings.describe, 1).values()]
    whitening = runner.one(learn_from_moments, WhitenInputs(moments=moments), settings.whiten).whitening
    _, network = load_once(settings.describe, read_bytes(runner.root, whitening))
    return NetworkUsed(network, whitening, version.folder.removeprefix(f"{Manifest.shelf}/"))


def _describe(
    runner: StageRunner,
    name: str,
    packets: Mapping[str, ImagesRef],
    network: NetworkUsed,
    settings: DescribeSettings,
) -> list[Described]:
    pictures = {
        packet: DescribeInputs(
            images=ref, network=network.digest, whitening=network.whitening, shard=f"{name}-{packet}"
        )
        for packet, ref in packets.items()
    }
    return list(runner.each_here(describe_images, pictures, settings, 1).values())
