"""Acquire's Prefect face: the stages `sources`, `acquire` (a shard of rows each) and `select` (all readable images)."""

import hashlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, ValidationError

from storage.errors import DamagedTableError, InputError
from storage.heads import (
    SPARE_IMAGES,
    SPARE_LOG,
    Head,
    Journal,
    Turn,
    interrupted,
    read_head,
    shard_folder,
    write_head,
)
from storage.images import get_image, put_image, rotten_images
from storage.parquet import read_table, write_table
from storage.reasons import Reason
from storage.root import Root
from storage.tables import DROPS, FETCH_LOG, IMAGES, PASSED_OVER, SOURCES, TableRef
from tasks.acquire.acquirer import Acquirer
from tasks.acquire.gathered import TABLES, Gathered
from tasks.acquire.outcome import Outcome
from tasks.acquire.packets import Partition, choose_partition, packet_of, shards_of
from tasks.acquire.resume import Known, Listed, Step, Steps, by_address
from tasks.acquire.select import select_images
from tasks.acquire.settings import LIMITS, AcquireSettings, FetchPolicy, SelectSettings
from tasks.acquire.shared import share
from tasks.acquire.sources import duplicate_rows, merge_classes, read_list, skipped_files
from tasks.orchestration import Inputs, Output, reference, references, stage, stage_path
from tasks.settings import StageSettings

SHARD = "shard-"
"""Begins the name of the table of a shard's rows."""
DROPPED = "-dropped"
"""Ends the name of a packet's table of readable images that go no further."""
_WRITTEN = {spec.name: spec for spec in TABLES} | {SPARE_IMAGES: IMAGES, SPARE_LOG: FETCH_LOG}
_VERSION = 4
"""Of the stage `acquire`: rises with what is told of a picture, and what is stored is looked at anew."""


class ListSettings(StageSettings):
    """The user's list."""

    path: Path = Field(
        description="a CSV or Parquet file of id, url, landmark_id; lines URL CLASS_ID; or a folder of class folders"
    )
    md5: Path | None = Field(None, description="file with one MD5 per line of the list")
    clean: Path | None = Field(
        None, description="Google-Landmarks v2's train_clean.csv: only the ids it names are kept"
    )


def fixed_partition(root: Root, rows: int) -> Partition:
    """The root's partition, chosen at its first run.

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


@stage("sources", version=3)
def list_sources(root_url: str, key: str, inputs: Inputs, settings: ListSettings) -> Output:
    """Reads the list into `sources`, the images without a class into `drops`, and those to fetch into shards.

    Each shard is a table of rows, repeated ones left out.

    The files of a folder that get no row are in `passed_over`.

    Inputs: `content`, digest of the list's files; `merge`, JSON of class to the class that its images count as;
    `any_depth`, 1 where the images of a folder may lie anywhere below it and need no class; `longest`, bytes of a
    folder's longest file that may be an image.
    """
    root, any_depth, longest = Root(root_url), bool(inputs.get("any_depth")), inputs.get("longest")
    assert longest is None or isinstance(longest, int)
    listed = read_list(settings.path, settings.md5, settings.clean, any_depth=any_depth, longest=longest)
    skipped = [{"test_set": "", **entry._asdict()} for entry in skipped_files(settings.path)]
    sources = merge_classes(listed.table, json.loads(str(inputs["merge"])))
    unique = sources.filter(pa.array(duplicate_rows(sources) == sources["row"].to_numpy()))
    drops = _unlabelled(unique, listed.unlabelled)
    unique = unique.filter(pc.invert(pc.is_in(unique["image_id"], value_set=drops["image_id"].combine_chunks())))
    # By address: rows that share one are in one shard, and it is fetched once.
    shards = shards_of(unique["url"].to_pylist(), fixed_partition(root, sources.num_rows))
    told = pa.Table.from_pylist(skipped, PASSED_OVER.schema)
    tables = {
        spec.name: write_table(root, stage_path(key, spec.name), spec, table)
        for spec, table in ((SOURCES, sources), (DROPS, drops), (PASSED_OVER, told))
    }
    for shard in np.unique(shards):
        name = f"{SHARD}{shard:03d}"
        rows = unique.filter(pa.array(shards == shard))
        # Positions change whenever a line is added above; a shard must not.
        rows = rows.set_column(0, SOURCES.schema.field("row"), pa.array(range(rows.num_rows), pa.int64()))
        tables[name] = write_table(root, stage_path(key, name), SOURCES, rows)
    classes = len(sources["landmark_id"].unique())
    return Output(tables=tables, counts={"rows": sources.num_rows, "classes": classes})


def _unlabelled(images: pa.Table, cells: Mapping[str, tuple[str, str]]) -> pa.Table:
    """The `drops` of rows of `sources` that still have no class.

    Args:
        cells: of images that go for want of one where they stand in the list, and what stands there.
    """
    without = images.filter(pc.equal(images["landmark_id"], ""))["image_id"].to_pylist()
    found = [(image, *cells[image]) for image in without if image in cells]
    common = {"stage": "sources", "reason": str(Reason.NO_CLASS)}
    rows = [
        {"image_id": image, **common, "evidence": json.dumps({"place": place, "label": label})}
        for image, place, label in found
    ]
    return pa.Table.from_pylist(rows, DROPS.schema)


def next_generation(
    root: Root,
    dataset: str,
    shard: str,
    rows: TableRef,
    settings: AcquireSettings,
    policy: FetchPolicy,
    stored: Mapping[str, int],
) -> int:
    """The number that keys the shard's memo, which so can't be older than what the root knows.

    It stays while the newest outcome is of these very rows and settings, nothing is known since, its pictures are
    there, and the policy has nothing to ask again.

    Args:
        stored: the paths of all images of the root, with their lengths.
    """
    place, (asking, looking) = shard_folder(dataset, shard), _digests(settings)
    head = read_head(root, place)
    if turns := interrupted(root, place, head):  # goes on, or knows more than all before
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
    return bool(_lost(root, images, stored, policy))


def _lost(root: Root, images: Iterable[Mapping[str, Any]], stored: Mapping[str, int], policy: FetchPolicy) -> set[str]:
    """The paths of those rows of `images` whose files are gone, or hold other bytes.

    Lengths cost nothing. Bytes are read where the policy looks for what failed, about an hour for some millions.
    """
    sizes = {image["path"]: image["bytes"] for image in images}
    lost = {path for path, size in sizes.items() if stored.get(path) != size}
    return lost | (rotten_images(root, sizes.keys() - lost) if policy.reads_stored else set())


@stage("acquire", version=_VERSION)
def acquire_shard(root_url: str, key: str, inputs: Inputs, settings: AcquireSettings) -> Output:
    """Fetches and inspects the rows of a shard, but for those whose newest outcome stands.

    Beside the shard's tables it writes down, by address, the stored pictures that are not among its images: those that
    limits refuse, and those that left the list.

    Inputs: `rows` (a shard of `sources`), `dataset` and `shard` (their names), `generation` (see `next_generation`),
    `folder` (base of the paths where the list is a folder), `how` (JSON of the `FetchPolicy`).
    """
    root, generation, rows = Root(root_url), inputs["generation"], reference(inputs, "rows")
    assert isinstance(generation, int)
    policy = FetchPolicy.model_validate_json(str(inputs["how"]))
    place = shard_folder(str(inputs["dataset"]), str(inputs["shard"]))
    sources = read_table(root, rows, list(Listed._fields))
    turn = Turn(generation, *_digests(settings))
    journal, stored = Journal(root, f"{place}/{turn.name}", TABLES), root.find("images")
    known = _known_by_address(root, place, turn, stored)
    steps = Steps(
        policy=policy,
        known=known,
        stored=stored.keys() - _lost(root, (row.image for row in known.values() if row.image), stored, policy),
        asking=turn.asking,
        looking=turn.looking,
        in_folder=bool(inputs["folder"]),
    )
    with share(settings, policy) as shared:
        folder = Path(str(inputs["folder"])) if inputs["folder"] else None
        acquirer = Acquirer(shared, partial(put_image, root), partial(get_image, root), folder, settings.max_bytes)
        found = _acquire(sources, acquirer, steps, journal)
    tables = {
        name: write_table(root, stage_path(key, name), spec, found[name], flush=False)
        for name, spec in _WRITTEN.items()
    }
    write_head(root, place, _head(found, tables, rows, turn))
    return Output(tables=tables, counts={"rows": sources.num_rows, "readable": found[IMAGES.name].num_rows})


def _digests(settings: AcquireSettings) -> tuple[str, str]:
    """Of what decides how hosts are asked, and of what decides which of the pictures that came are taken."""
    asking, looking = settings.model_dump_json(exclude=set(LIMITS)), settings.model_dump_json(include=set(LIMITS))
    digests = (hashlib.sha256(text.encode()).hexdigest()[:16] for text in (asking, f"{_VERSION} {looking}"))
    return next(digests), next(digests)


def _head(found: Mapping[str, pa.Table], tables: dict[str, TableRef], rows: TableRef, turn: Turn) -> Head:
    logs, urls = found[FETCH_LOG.name], found[SPARE_LOG]["url"].combine_chunks()
    without = pc.is_in(logs["image_id"], value_set=found[DROPS.name]["image_id"].combine_chunks())
    failed = logs.filter(pc.and_(without, pc.invert(pc.is_in(logs["url"], value_set=urls))))
    return Head(
        generation=turn.generation,
        rows=rows.digest,
        asking=turn.asking,
        looking=turn.looking,
        failed=failed.num_rows,
        oldest_failure=pc.min(failed["started_at"]).as_py(),
        tables=tables,
    )


def _acquire(sources: pa.Table, acquirer: Acquirer, steps: Steps, journal: Journal) -> dict[str, pa.Table]:
    """The rows of all tables; what is found out is written down in the journal on the way."""
    columns = [sources[name].combine_chunks() for name in Listed._fields]

    def listed(place: int) -> Listed:  # when it is asked for: of hundreds of thousands, few are under way
        return Listed(*(column[place].as_py() for column in columns))

    places: dict[str, tuple[int, ...]] = {}
    for place, url in enumerate(sources["url"].to_pylist()):
        places[url] = (*places.get(url, ()), place)
    urls: dict[Step, list[str]] = {step: [] for step in Step}
    for url, own in places.items():
        urls[steps.of(listed(own[0]))].append(url)
    found, spare = Gathered(journal.add), Gathered(lambda _: None)
    for url, known in steps.known.items():
        if known.image and url not in places and known.image["path"] in steps.stored:
            spare.add(by_address(url), Outcome(known.log, known.image, None), is_new=False)
    for url, outcome, is_new in acquirer.run(urls, steps.known):
        for place in places.pop(url):  # a refused picture is not written down: it would look like a failure
            found.add(listed(place), outcome, is_new=is_new and not outcome.is_refused)
        if outcome.is_refused:
            spare.add(by_address(url), Outcome(outcome.log, outcome.image, None), is_new=False)
    others = spare.tables()
    return {**found.tables(), SPARE_IMAGES: others[IMAGES.name], SPARE_LOG: others[FETCH_LOG.name]}


def _known_by_address(root: Root, place: str, now: Turn, stored: Collection[str]) -> dict[str, Known]:
    """What is known of addresses: from the shard's last time, and since, from runs that were interrupted."""
    known: dict[str, Known] = {}
    head = read_head(root, place)
    try:
        if head:
            known = _known_of_head(root, head, stored)
    except DamagedTableError:
        pass  # the outcome is worked out anew
    for turn in interrupted(root, place, head):
        journal = Journal(root, f"{place}/{turn.name}", TABLES)
        known |= _by_address(turn, *(journal.read(spec) for spec in TABLES), is_of_now=turn == now)
    return known


def _known_of_head(root: Root, head: Head, stored: Collection[str]) -> dict[str, Known]:
    tables = (read_table(root, head.tables[spec.name]) for spec in TABLES)
    known = _by_address(Turn(head.generation, head.asking, head.looking), *tables)
    if SPARE_IMAGES in head.tables:  # not in a root of long ago
        images, log = (read_table(root, head.tables[name]) for name in (SPARE_IMAGES, SPARE_LOG))
        for url, spare in _by_address(Turn(0, "", ""), images, DROPS.schema.empty_table(), log).items():
            if spare.image and spare.image["path"] in stored:
                known[url] = known.get(url, spare)._replace(log=spare.log, image=spare.image)
    return known


def _by_address(
    turn: Turn, images: pa.Table, drops: pa.Table, logs: pa.Table, *, is_of_now: bool = False
) -> dict[str, Known]:
    image_of, drop_of = ({row["image_id"]: row for row in table.to_pylist()} for table in (images, drops))
    rows = ((log, image_of.get(log["image_id"]), drop_of.get(log["image_id"])) for log in logs.to_pylist())
    return {
        log["url"]: Known(log, image, drop, turn.asking, turn.looking, is_of_now)
        for log, image, drop in rows
        if image or drop
    }


@stage("select", version=2)
def select_packets(root_url: str, key: str, inputs: Inputs, settings: SelectSettings) -> Output:
    """Drops placeholders, copies and small classes, and hands the other readable images on in packets of classes.

    The images dropped here are tables of their own, for the report.

    Inputs: `sources`, and `images` (those of all shards).
    """
    root = Root(root_url)
    sources = read_table(root, reference(inputs, "sources"), ["image_id", "landmark_id", "url"]).to_pandas()
    partition = fixed_partition(root, len(sources))
    images = pa.concat_tables([read_table(root, ref) for ref in references(inputs, "images")])
    columns = ["image_id", "landmark_id", "sha256", "pixel_hash", "bytes", "final_url"]
    addresses = sources[["image_id", "url"]].drop_duplicates("image_id")
    dropped = select_images(images.select(columns).to_pandas().merge(addresses, on="image_id"), settings)
    drops = pa.table({**{name: dropped[name] for name in dropped}, "stage": ["acquire"] * len(dropped)})
    tables = {"drops": write_table(root, stage_path(key, "drops"), DROPS, drops)}

    sizes = sources.drop_duplicates("image_id").groupby("landmark_id").size()
    packets = {landmark: packet_of(landmark, size, partition) for landmark, size in sizes.items()}
    gone = set(dropped.image_id)
    members: dict[str, list[int]] = defaultdict(list)
    for place, image in enumerate(images.select(["image_id", "landmark_id"]).to_pylist()):
        packet = packets[image["landmark_id"]]
        members[f"{packet}{DROPPED}" if image["image_id"] in gone else packet].append(place)
    tables |= _write_packets(root, key, images, members)
    return Output(tables=tables, counts={"images": images.num_rows - len(gone), "dropped": len(gone)})


@stage("pack", version=1)
def pack_images(root_url: str, key: str, inputs: Inputs, settings: None) -> Output:
    """Hands images on in packets of whole classes, all of them or those that a version keeps.

    Inputs: a list of `images`; `verdicts` of the version, or None. Images without a class, whose landmark_id is "", go
    to packets by their ids.
    """
    root = Root(root_url)
    images = pa.concat_tables([read_table(root, ref) for ref in references(inputs, "images")])
    if inputs["verdicts"]:
        verdicts = read_table(root, reference(inputs, "verdicts"), ["image_id", "verdict"])
        kept = verdicts.filter(pc.equal(verdicts["verdict"], "kept"))["image_id"]
        images = images.filter(pc.is_in(images["image_id"], value_set=kept.combine_chunks()))
    if not images.num_rows:
        raise InputError("none of the images to be checked could be read; there is nothing to certify")
    partition = fixed_partition(root, images.num_rows)
    ids, classes = images["image_id"].to_pylist(), images["landmark_id"].to_pylist()
    sizes, members = Counter(classes), defaultdict[str, list[int]](list)
    for place, (image_id, landmark) in enumerate(zip(ids, classes, strict=True)):
        packet = packet_of(landmark, sizes[landmark], partition) if landmark else packet_of(image_id, 1, partition)
        members[packet].append(place)
    return Output(tables=_write_packets(root, key, images, members), counts={"images": images.num_rows})


def _write_packets(root: Root, key: str, images: pa.Table, members: Mapping[str, list[int]]) -> dict[str, TableRef]:
    """The table `images` in parts, by name of the packet the places of those in it."""
    return {
        packet: write_table(root, stage_path(key, packet), IMAGES, images.take(pa.array(places, pa.int64())))
        for packet, places in sorted(members.items())
    }
