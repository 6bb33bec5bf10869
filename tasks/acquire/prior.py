"""What a dataset root knows: its partition, the newest outcomes of a shard, whether they stand, and lost pictures."""

import hashlib
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pyarrow as pa
from pydantic import ValidationError

from storage.errors import DamagedTableError
from storage.heads import SPARE_IMAGES, SPARE_LOG, Head, Journal, Turn, interrupted, read_head, shard_folder
from storage.images import rotten_images
from storage.parquet import read_table
from storage.root import Root
from storage.tables.acquisition import DROPS, IMAGES, SourcesRef
from tasks.acquire.gathered import TABLES
from tasks.acquire.partition import Partition, choose_partition
from tasks.acquire.resume import PriorOutcome
from tasks.acquire.settings import LIMITS, AcquireSettings, FetchPolicy

VERSION = 5
"""Of the stage `acquire`: rises with what is told of a picture, and what is stored is looked at anew."""


def next_generation(
    root: Root,
    dataset: str,
    shard: str,
    rows: SourcesRef,
    settings: AcquireSettings,
    policy: FetchPolicy,
    stored: Mapping[str, int],
) -> int:
    """Returns the number that keys the shard's memo, which so can't be older than what the root knows.

    It stays while the newest outcome is of these very rows and settings, nothing is known since, its pictures are
    there, and the policy has nothing to ask again.

    Args:
        stored: the paths of all images of the root, with their lengths.
    """
    folder, (asking, looking) = shard_folder(dataset, shard), settings_digests(settings)
    head = read_head(root, folder)
    if turns := interrupted(root, folder, head):  # goes on, or knows more than all before
        return turns[-1].generation + (turns[-1][1:] != (asking, looking))
    if head is None:  # never, or it is gone: no memo may be met that was made before
        return time.time_ns() // 1_000_000
    stands = head.is_of(rows, Turn(head.generation, asking, looking))
    return head.generation + (not stands or _is_due(head, policy) or _has_lost_images(root, head, stored, policy))


def _is_due(head: Head, policy: FetchPolicy) -> bool:
    """Whether the policy has something to ask again."""
    match policy.refetch:
        case "never":
            return False
        case "failed":
            return head.failed > 0
        case "failed-older-than":
            assert policy.before is not None
            return head.oldest_failure is not None and head.oldest_failure < policy.before
        case "revalidate":
            return True


def _has_lost_images(root: Root, head: Head, stored: Mapping[str, int], policy: FetchPolicy) -> bool:
    tables = [head.tables[name] for name in (IMAGES.name, SPARE_IMAGES) if name in head.tables]
    try:
        images = [row for table in tables for row in read_table(root, table, ["path", "bytes"]).to_pylist()]
    except DamagedTableError:
        return True
    return bool(lost_images(root, images, stored, policy))


def lost_images(
    root: Root, images: Iterable[Mapping[str, Any]], stored: Mapping[str, int], policy: FetchPolicy
) -> set[str]:
    """Returns the paths of those rows of `images` whose files are gone, or hold other bytes.

    Lengths cost nothing. Bytes are read where the policy looks for what failed, about an hour for some millions.
    """
    sizes = {image["path"]: image["bytes"] for image in images}
    lost = {path for path, size in sizes.items() if stored.get(path) != size}
    return lost | (rotten_images(root, sizes.keys() - lost) if policy.reads_stored else set())


def settings_digests(settings: AcquireSettings) -> tuple[str, str]:
    """Returns the digests of what decides how hosts are asked, and of what decides which pictures are taken."""
    asking, looking = settings.model_dump_json(exclude=set(LIMITS)), settings.model_dump_json(include=set(LIMITS))
    digests = (hashlib.sha256(text.encode()).hexdigest()[:16] for text in (asking, f"{VERSION} {looking}"))
    return next(digests), next(digests)


def read_prior_outcomes(root: Root, folder: str, now: Turn, stored: Collection[str]) -> dict[str, PriorOutcome]:
    """Returns what is known of addresses: from the shard's last time, and since, from runs that were interrupted."""
    known: dict[str, PriorOutcome] = {}
    head = read_head(root, folder)
    try:
        if head:
            known = _outcomes_of_head(root, head, stored)
    except DamagedTableError:
        pass  # the outcome is worked out anew
    for turn in interrupted(root, folder, head):
        journal = Journal(root, f"{folder}/{turn.name}", TABLES)
        known |= _by_address(turn, *(journal.read(spec) for spec in TABLES), is_of_now=turn == now)
    return known


def _outcomes_of_head(root: Root, head: Head, stored: Collection[str]) -> dict[str, PriorOutcome]:
    tables = (read_table(root, head.tables[spec.name]) for spec in TABLES)
    known = _by_address(Turn(head.generation, head.asking, head.looking), *tables)
    if SPARE_IMAGES in head.tables:  # not in a root of long ago
        images, log = (read_table(root, head.tables[name]) for name in (SPARE_IMAGES, SPARE_LOG))
        for url, spare in _by_address(Turn(0, "", ""), images, DROPS.schema.empty_table(), log).items():
            if spare.image and spare.image["path"] in stored:
                known[url] = known.get(url, spare)._replace(log=spare.log, image=spare.image)
            else:  # what limits said of a picture that is gone: it is fetched
                known.pop(url, None)
    return known


def _by_address(
    turn: Turn, images: pa.Table, drops: pa.Table, logs: pa.Table, *, is_of_now: bool = False
) -> dict[str, PriorOutcome]:
    image_of, drop_of = ({row["image_id"]: row for row in table.to_pylist()} for table in (images, drops))
    rows = ((log, image_of.get(log["image_id"]), drop_of.get(log["image_id"])) for log in logs.to_pylist())
    return {
        log["url"]: PriorOutcome(log, image, drop, turn.asking, turn.looking, is_of_now)
        for log, image, drop in rows
        if image or drop
    }


def fixed_partition(root: Root, rows: int) -> Partition:
    """Returns the root's partition, chosen at its first run.

    Raises:
        DamagedTableError: its file is damaged.
    """
    path = "partition.json"
    if not root.exists(path):
        root.create(path, choose_partition(rows).model_dump_json().encode())  # another run's, where it was first
    try:
        return Partition.model_validate_json(root.read(path))
    except ValidationError as error:
        how = "put its copy back, or remove it: the next run chooses it anew, and may ask for known addresses again"
        raise DamagedTableError(f"{root.url}/{path} is damaged; {how}") from error
