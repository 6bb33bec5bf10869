"""How rows go to shards and classes to packets. What one row or class does never moves another."""

import hashlib
from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict, Field


class Partition(BaseModel):
    """Fixed in a dataset root at its first run, so that a longer list does not move what is already computed."""

    model_config = ConfigDict(frozen=True)

    shards: int = Field(description="number of row shards")
    packets: int = Field(description="number of packets that share the ordinary classes")
    large_class: int = Field(description="rows from which a class is a packet of its own")


def choose_partition(rows: int) -> Partition:
    """Chooses a partition for so many rows: 50 a packet and 1,000 a shard, until Prefect bears no more tasks.

    At most 128 shards, 96 packets and, at the first run, 88 large classes: with ten tasks each, two of them drawings,
    they stay below 2,000.
    """
    return Partition(
        shards=int(np.clip(rows // 1000, 4, 128)),
        packets=int(np.clip(rows // 50, 4, 96)),
        large_class=max(1000, rows // 88),
    )


def bucket_of(key: str, buckets: int) -> int:
    """Returns the bucket, 0 to buckets − 1, that a key always goes to."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) % buckets


def shards_of(urls: Sequence[str], partition: Partition) -> np.ndarray:
    """Returns the shard of each row by its address, int64 (n,)."""
    return np.array([bucket_of(url, partition.shards) for url in urls], np.int64)


def packet_of(landmark_id: str, size: int, partition: Partition) -> str:
    """Returns the packet of a class with so many rows in the list, as a name for file and task."""
    if size >= partition.large_class:
        return f"class-{hashlib.sha256(landmark_id.encode()).hexdigest()[:12]}"
    return f"{bucket_of(landmark_id, partition.packets):03d}"
