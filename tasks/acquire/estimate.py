"""What a list asks for, before anything is fetched: its classes, its hosts, and the hours that politeness takes."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.acquire.address import host_and_port
from tasks.acquire.guard import Guard
from tasks.acquire.settings import PoliteSettings

_HOST = r"(?i)^https?://(?:[^/?#]*@)?(?P<host>[^/?#]+)"
_ORIGIN = r"(?i)^(?P<origin>https?://[^/?#]+)"
_ONE_IMAGE = ["image_id", "url", "landmark_id"]


@dataclass(frozen=True)
class Host:
    """A host and how many images of the list it is asked for."""

    name: str
    images: int


def different_images(sources: pa.Table) -> pa.Table:
    """Returns the table `sources` without its repeated rows, in columns image_id, url and landmark_id.

    In no certain order.
    """
    # An id has one address and one class: `read_sources` saw to it.
    return sources.group_by(_ONE_IMAGE).aggregate([])


def class_sizes(images: pa.Table) -> NDArray[np.int64]:
    """Returns how many of the images each class has, ascending: int64 (classes,)."""
    return np.sort(pc.value_counts(images["landmark_id"]).field("counts").to_numpy().astype(np.int64))


def hosts_of(urls: pa.ChunkedArray) -> list[Host]:
    """Returns the hosts of http and https addresses, by how many these are, then by name; other addresses have none."""
    names = pc.utf8_lower(pc.struct_field(pc.extract_regex(urls, _HOST), "host"))
    counted = pc.value_counts(names.drop_null())
    found = zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
    return sorted((Host(*pair) for pair in found), key=lambda host: (-host.images, host.name))


def blocked_hosts(urls: pa.ChunkedArray, guard: Guard) -> list[Host]:
    """Returns the hosts, as HOST:PORT, that are seen to be out of reach, by how many addresses these are, then by name.

    No name but `localhost` is resolved: others may turn out to be private too.
    """
    counted = pc.value_counts(pc.struct_field(pc.extract_regex(urls, _ORIGIN), "origin").drop_null())
    found: Counter[str] = Counter()
    for origin, count in zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True):
        name, _, port = host_and_port(origin).rpartition(":")
        if name and guard.forbids(name, int(port)):
            found[f"{name}:{port}"] += count
    return sorted((Host(*pair) for pair in found.items()), key=lambda host: (-host.images, host.name))


def polite_seconds(host: Host, settings: PoliteSettings) -> float:
    """Computes the least time that a host's images take at its rate, robots.txt included: no machine shortens it."""
    return (host.images + 1) / settings.host_rate


def fetch_seconds(hosts: list[Host], settings: PoliteSettings) -> float:
    """Returns the least time that fetching takes: that of the slowest host, since the others are fetched meanwhile."""
    return max((polite_seconds(host, settings) for host in hosts), default=0.0)
