"""Acquire's Prefect face: the stages `sources`, `acquire` (a shard of rows each) and `select` (all readable images)."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from storage.errors import DamagedTableError, InputError
from storage.heads import Head, Journal, read_head, shard_folder, write_head
from storage.images import get_image, put_image
from storage.parquet import read_table, write_table
from storage.root import Root
from storage.tables import DROPS, FETCH_LOG, IMAGES, SOURCES, TableRef
from tasks.acquire.acquirer import Acquirer
from tasks.acquire.gathered import TABLES, Gathered
from tasks.acquire.packets import Partition, choose_partition, packet_of, shards_of
from tasks.acquire.resume import Known, Listed, Step, Steps
from tasks.acquire.select import select_images
from tasks.acquire.settings import AcquireSettings, FetchPolicy, SelectSettings
from tasks.acquire.shared import share
from tasks.acquire.sources import duplicate_rows, merge_classes, read_sources
from tasks.orchestration import Inputs, Output, reference, references, stage, stage_path
from tasks.settings import StageSettings

DROPPED = "-dropped"
"""Ends the name of a packet's table of readable images that go no further."""
_VERSION = 3
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
    """The root's partition, chosen at its first run."""
    if not root.exists("partition.json"):
        root.write("partition.json", choose_partition(rows).model_dump_json().encode())
    return Partition.model_validate_json(root.read("partition.json"))


@stage("sources", version=2)
def list_sources(root_url: str, key: str, inputs: Inputs, settings: ListSettings) -> Output:
    """Reads the list into `sources`, and into a table per shard the rows to fetch, repeated ones left out.

    Inputs: `content`, digest of the list's files; `merge`, JSON of class to the class that its images count as;
    `any_depth`, 1 where the images of a folder may lie anywhere below it and need no class.
    """
    root = Root(root_url)
    listed = read_sources(settings.path, settings.md5, settings.clean, any_depth=bool(inputs.get("any_depth")))
    sources = merge_classes(listed, json.loads(str(inputs["merge"])))
    unique = sources.filter(pa.array(duplicate_rows(sources) == sources["row"].to_numpy()))
    # By address: rows that share one are in one shard, and it is fetched once.
    shards = shards_of(unique["url"].to_pylist(), fixed_partition(root, sources.num_rows))
    tables = {"sources": write_table(root, stage_path(key, "sources"), SOURCES, sources)}
    for shard in np.unique(shards):
        name = f"shard-{shard:03d}"
        rows = unique.filter(pa.array(shards == shard))
        # Positions change whenever a line is added above; a shard must not.
        rows = rows.set_column(0, SOURCES.schema.field("row"), pa.array(range(rows.num_rows), pa.int64()))
        tables[name] = write_table(root, stage_path(key, name), SOURCES, rows)
    classes = len(sources["landmark_id"].unique())
    return Output(tables=tables, counts={"rows": sources.num_rows, "classes": classes})


def next_generation(root: Root, dataset: str, shard: str, policy: FetchPolicy, stored: Collection[str]) -> int:
    """The number that keys the shard's memo: it rises when the policy has something to fetch again.

    Args:
        stored: the paths of all images of the root.
    """
    head = read_head(root, shard_folder(dataset, shard))
    if head is None:
        return 0
    match policy.refetch:
        case "never":
            rises = False
        case "failed":
            rises = head.failed > 0
        case "failed-older-than":
            assert policy.before is not None
            rises = head.oldest_failure is not None and head.oldest_failure < policy.before
        case "revalidate":
            rises = True
    if policy.refetch != "never":
        rises = rises or _has_lost_images(root, head, stored)
    return head.generation + rises


def _has_lost_images(root: Root, head: Head, stored: Collection[str]) -> bool:
    try:
        paths = read_table(root, head.tables["images"], ["path"])["path"].to_pylist()
    except DamagedTableError:
        return True
    return not all(path in stored for path in paths)


@stage("acquire", version=_VERSION)
def acquire_shard(root_url: str, key: str, inputs: Inputs, settings: AcquireSettings) -> Output:
    """Fetches and inspects the rows of a shard, but for those whose outcome stands from the shard's last time.

    Inputs: `rows` (a shard of `sources`), `dataset` and `shard` (their names), `generation` (see `next_generation`),
    `folder` (base of the paths where the list is a folder), `how` (JSON of the `FetchPolicy`).
    """
    root, generation = Root(root_url), inputs["generation"]
    assert isinstance(generation, int)
    policy = FetchPolicy.model_validate_json(str(inputs["how"]))
    place = shard_folder(str(inputs["dataset"]), str(inputs["shard"]))
    sources = read_table(root, reference(inputs, "rows"), list(Listed._fields))
    head, digest = read_head(root, place), _digest(settings)
    journal = Journal(root, f"{place}/{generation}-{digest[:16]}", TABLES)
    known = _known_by_address(root, head, journal)
    steps = Steps(
        policy=policy,
        known=known,
        stored=root.find("images") if known else set(),
        again=head is not None and generation != head.generation,
        same_settings=head is None or head.settings == digest,
        in_folder=bool(inputs["folder"]),
    )
    with share(settings, policy) as shared:
        folder = Path(str(inputs["folder"])) if inputs["folder"] else None
        acquirer = Acquirer(shared, partial(put_image, root), partial(get_image, root), folder)
        found = _acquire(sources, acquirer, steps, journal)
    tables = {
        spec.name: write_table(root, stage_path(key, spec.name), spec, found[spec.name], flush=False) for spec in TABLES
    }
    write_head(root, place, _head(found, tables, generation, digest))
    return Output(tables=tables, counts={"rows": sources.num_rows, "readable": found[IMAGES.name].num_rows})


def _digest(settings: AcquireSettings) -> str:
    """Of all that the facts of a stored picture depend on."""
    return hashlib.sha256(f"{_VERSION} {settings.model_dump_json()}".encode()).hexdigest()


def _head(found: Mapping[str, pa.Table], tables: dict[str, TableRef], generation: int, digest: str) -> Head:
    drops, logs = found[DROPS.name], found[FETCH_LOG.name]
    tried = logs.filter(pc.is_in(logs["image_id"], value_set=drops["image_id"].combine_chunks()))["started_at"]
    return Head(
        generation=generation,
        settings=digest,
        failed=drops.num_rows,
        oldest_failure=pc.min(tried).as_py(),
        tables=tables,
    )


def _acquire(sources: pa.Table, acquirer: Acquirer, steps: Steps, journal: Journal) -> dict[str, pa.Table]:
    """The rows of all sources; what is found out is written down in the journal on the way."""
    columns = [sources[name].combine_chunks() for name in Listed._fields]

    def listed(place: int) -> Listed:  # when it is asked for: of hundreds of thousands, few are under way
        return Listed(*(column[place].as_py() for column in columns))

    places: dict[str, tuple[int, ...]] = {}
    for place, url in enumerate(sources["url"].to_pylist()):
        places[url] = (*places.get(url, ()), place)
    urls: dict[Step, list[str]] = {step: [] for step in Step}
    for url, own in places.items():
        urls[steps.of(listed(own[0]))].append(url)
    found = Gathered(journal.add)
    for url, outcome, is_new in acquirer.run(urls, steps.known):
        for place in places.pop(url):
            found.add(listed(place), outcome, is_new=is_new)
    return found.tables()


def _known_by_address(root: Root, head: Head | None, journal: Journal) -> dict[str, Known]:
    """What is known of addresses: from the shard's last time, and of now, from a run that was interrupted."""
    known: dict[str, Known] = {}
    try:
        if head:
            known = _by_address(*(read_table(root, head.tables[spec.name]) for spec in TABLES), is_of_now=False)
    except DamagedTableError:
        pass  # the outcome is worked out anew
    return known | _by_address(*(journal.read(spec) for spec in TABLES), is_of_now=True)


def _by_address(images: pa.Table, drops: pa.Table, logs: pa.Table, *, is_of_now: bool) -> dict[str, Known]:
    image_of, drop_of = ({row["image_id"]: row for row in table.to_pylist()} for table in (images, drops))
    rows = ((log, image_of.get(log["image_id"]), drop_of.get(log["image_id"])) for log in logs.to_pylist())
    return {log["url"]: Known(log, image, drop, is_of_now) for log, image, drop in rows if image or drop}


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
