"""The stages `describe`, descriptors of pictures; `moments` and `whiten`, what whitening is learned from, and it."""

import json
from contextlib import suppress
from functools import reduce
from typing import Annotated

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from storage.errors import DamagedTableError
from storage.images import get_image
from storage.newest import keep_newest, read_newest
from storage.parquet import read_bytes, read_table
from storage.parts import drop_parts, keep_part, read_parts
from storage.reasons import Reason
from storage.tables.acquisition import ImagesRef
from storage.tables.descriptors import UNDESCRIBED, DescriptorsRef, UndescribedRef, descriptors_of
from storage.tables.spec import FileRef
from storage.tables.versions import VerdictsRef
from tasks.contracts import Inputs, Output, Run, Unkeyed, stage
from tasks.describe.contracts import NETWORKS, Describer, Found, Pace, load_promised
from tasks.describe.descriptors import UndecodableError, vectors_to_whiten
from tasks.describe.network import Network, Stored
from tasks.describe.packed import pack_descriptors
from tasks.describe.photographs import without_leaks
from tasks.describe.settings import DescribeSettings, WhitenSettings
from tasks.describe.whiten import Moments, export_moments, export_whitening, learn_whitening, read_moments

_NAME = "describe"
_FOLDED = 64  # pictures whose moments are taken together


class DescribeInputs(Inputs):
    """What `describe` reads: pictures, and by which network they are described.

    Attributes:
        network: the digest of all that decides what the network makes of a picture.
        shard: of what the pictures are a part, such as the name of a packet: under it, the root keeps the newest
            descriptors of each network.
    """

    images: ImagesRef
    network: str
    stored: Annotated[Stored, Unkeyed("the network's digest has it")]
    shard: Annotated[str, Unkeyed("a picture has the same descriptor wherever it was found before")]


class Described(Output):
    """What `describe` writes, and how many of the pictures the root had no descriptor of."""

    descriptors: DescriptorsRef
    undescribed: UndescribedRef
    computed: int


@stage(_NAME, version=1, software=NETWORKS, threads=None)
def describe_images(run: Run, inputs: DescribeInputs, settings: DescribeSettings) -> Described:
    """Describes the pictures that the root has no descriptor of by this network.

    What can't be decoded has a row in `undescribed`.

    Raises:
        InputError: the network is not the one that was promised.
        DamagedTableError: the bytes of a picture are gone, or changed.
    """
    network = load_promised(run, inputs.network, settings, inputs.stored)
    describe = Describer(run, network, inputs.network)
    pictures = pictures_of(read_table(run.root, inputs.images, ["sha256", "path"]))
    known = _newest(run, inputs, describe) | describe.known
    found = {sha256: known[sha256] for sha256 in pictures if sha256 in known}
    missing = {sha256: path for sha256, path in pictures.items() if sha256 not in known}
    undescribed = list[dict[str, str]]()
    for number, (sha256, path) in enumerate(missing.items()):
        run.report(number, len(missing), "pictures")
        try:
            found[sha256] = describe(get_image(run.root, path))
        except UndecodableError as error:
            evidence = json.dumps({"decoder": str(error)})
            undescribed.append({"sha256": sha256, "path": path, "reason": Reason.BROKEN_IMAGE, "evidence": evidence})
    table = pack_descriptors(found, inputs.network, network.dimensions)
    written = run.write(descriptors_of(network.dimensions), table)
    keep_newest(run.root, _NAME, inputs.network, inputs.shard, written)
    unread = run.write_rows(UNDESCRIBED, undescribed)
    return Described(descriptors=written, undescribed=unread, computed=len(missing))


def pictures_of(images: pa.Table) -> dict[str, str]:
    """Returns the paths of pictures by their sha256, in its order, each once."""
    return dict(sorted(zip(images["sha256"].to_pylist(), images["path"].to_pylist(), strict=True)))


def _newest(run: Run, inputs: DescribeInputs, describe: Describer) -> Found:
    """What the root has of the shard by this network."""
    newest = read_newest(run.root, _NAME, inputs.network, inputs.shard, DescriptorsRef)
    if newest is not None:
        with suppress(DamagedTableError):  # then they are computed again
            return describe.unpack(read_table(run.root, newest))
    return Found()


class MomentsInputs(Inputs):
    """What `moments` reads: images of a version with its verdicts, and the digest of a network without whitening."""

    images: ImagesRef
    verdicts: VerdictsRef
    network: str
    stored: Annotated[Stored, Unkeyed("the network's digest has it")]


class Taken(Output):
    """What `moments` writes, and of how many pictures; so many others could not be decoded."""

    moments: FileRef
    pictures: int
    undecodable: int


@stage("moments", version=1, software=NETWORKS, threads=None)
def take_moments(run: Run, inputs: MomentsInputs, settings: DescribeSettings) -> Taken:
    """Takes the moments of what the network would whiten, over pictures that a version keeps or drops.

    Pictures that leak, or that were not compared with test sets, are left out.

    Raises:
        InputError: the network is not the one that was promised.
        DamagedTableError: the bytes of a picture are gone, or changed.
    """
    network = load_promised(run, inputs.network, settings, inputs.stored)
    images = read_table(run.root, inputs.images, ["image_id", "sha256", "path"])
    verdicts = read_table(run.root, inputs.verdicts, ["image_id", "reason"])
    pictures = list(pictures_of(without_leaks(images, verdicts)).values())
    looked, undecodable, moments = _moments_so_far(run, network.channels)
    pace = Pace()
    for begin in range(looked, len(pictures), _FOLDED):  # the same pictures together after a kill, for the same sums
        run.report(begin, len(pictures), "pictures")
        paths = pictures[begin : begin + _FOLDED]
        vectors = [found for path in paths if (found := _to_whiten(run, network, path)) is not None]
        undecodable += len(paths) - len(vectors)
        moments = moments.plus(Moments.of(np.concatenate([np.empty((0, network.channels)), *vectors])))
        if pace.is_due():
            name = f"{begin + len(paths):09}-{undecodable}"
            keep_part(run.root, run.partial, name, export_moments(moments))
            drop_parts(run.root, run.partial, but=name)
    written = run.write_file("moments.safetensors", export_moments(moments))
    return Taken(moments=written, pictures=len(pictures) - undecodable, undecodable=undecodable)


def _to_whiten(run: Run, network: Network, path: str) -> NDArray[np.float32] | None:
    try:
        return vectors_to_whiten(network, get_image(run.root, path))
    except UndecodableError:
        return None


def _moments_so_far(run: Run, channels: int) -> tuple[int, int, Moments]:
    """How many pictures a killed run of this stage had looked at, how many it could not decode, and their moments."""
    found = 0, 0, Moments.of(np.empty((0, channels)))
    for name, content in read_parts(run.root, run.partial):
        looked, undecodable = map(int, name.split("-"))
        found = looked, undecodable, read_moments(content)
    return found


class WhitenInputs(Inputs):
    """What `whiten` reads: the moments of all shards, in their order."""

    moments: list[FileRef]


class Whitened(Output):
    """What `whiten` writes, and how many vectors it was learned from."""

    whitening: FileRef
    vectors: int


@stage("whiten", version=1, software=("numpy", "safetensors"))
def learn_from_moments(run: Run, inputs: WhitenInputs, settings: WhitenSettings) -> Whitened:
    """Learns the whitening of all pictures whose moments were taken.

    Raises:
        InputError: these are too few.
    """
    moments = reduce(Moments.plus, (read_moments(read_bytes(run.root, ref)) for ref in inputs.moments))
    layers = learn_whitening(moments, settings.dimensions, settings.power)
    written = run.write_file("whitening.safetensors", export_whitening(layers))
    return Whitened(whitening=written, vectors=moments.count)
