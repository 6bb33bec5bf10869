"""The stages `sources`, the user's list; `acquire`, a shard of its rows; `select` and `pack`, the readable images."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from storage.errors import InputError
from storage.heads import SPARE_IMAGES, SPARE_LOG, Head, Journal, Turn, shard_folder, write_head
from storage.images import get_image, put_image
from storage.parquet import read_table
from storage.reasons import Reason
from storage.root import Root
from storage.tables.acquisition import (
    DRAWINGS,
    DROPS,
    FETCH_LOG,
    IMAGES,
    PASSED_OVER,
    SOURCES,
    DrawingsRef,
    DropsRef,
    FetchLogRef,
    ImagesRef,
    PassedOverRef,
    SourcesRef,
)
from storage.tables.versions import VerdictsRef
from tasks.acquire.acquirer import Acquirer
from tasks.acquire.gathered import TABLES, Gathered
from tasks.acquire.outcome import Outcome
from tasks.acquire.partition import packet_of, shards_of
from tasks.acquire.prior import VERSION, fixed_partition, lost_images, read_prior_outcomes, settings_digests
from tasks.acquire.resume import SourceRow, Step, Steps, by_address
from tasks.acquire.select import select_images
from tasks.acquire.settings import AcquireSettings, FetchPolicy, ListSettings, SelectSettings
from tasks.acquire.shared import share
from tasks.acquire.sources import duplicate_rows, merge_classes, read_list, skipped_files
from tasks.contracts import Inputs, Output, Run, Unkeyed, stage


class ListInputs(Inputs):
    """What `sources` reads."""

    content: str
    """Digest of the list's files."""
    merge: dict[str, str] = Field({})
    """Class to the class that its images count as."""
    any_depth: bool = False
    """Whether the images of a folder may lie anywhere below it and need no class."""
    longest: int | None = None
    """Bytes of a folder's longest file that may be an image."""


class Sources(Output):
    """What `sources` writes: the list, images without a class, files without a row, and the rows to fetch in shards."""

    sources: SourcesRef
    drops: DropsRef
    passed_over: PassedOverRef
    shards: dict[str, SourcesRef]
    classes: int


@stage("sources", version=3)
def list_sources(run: Run, inputs: ListInputs, settings: ListSettings) -> Sources:
    """Reads the list, and deals its rows out to shards, repeated ones left out."""
    listed = read_list(settings.path, settings.md5, settings.clean, any_depth=inputs.any_depth, longest=inputs.longest)
    skipped = [{"test_set": "", **entry._asdict()} for entry in skipped_files(settings.path)]
    sources = merge_classes(listed.table, inputs.merge)
    unique = sources.filter(pa.array(duplicate_rows(sources) == sources["row"].to_numpy()))
    drops = _unlabelled(unique, listed.unlabelled)
    unique = unique.filter(pc.invert(pc.is_in(unique["image_id"], value_set=drops["image_id"].combine_chunks())))
    return Sources(
        sources=run.write(SOURCES, sources),
        drops=run.write(DROPS, drops),
        passed_over=run.write_rows(PASSED_OVER, skipped),
        shards=_write_shards(run, unique, sources.num_rows),
        classes=len(sources["landmark_id"].unique()),
    )


def _write_shards(run: Run, unique: pa.Table, rows: int) -> dict[str, SourcesRef]:
    """By address: rows that share one are in one shard, and it is fetched once."""
    shards = shards_of(unique["url"].to_pylist(), fixed_partition(run.root, rows))
    written = {}
    for shard in np.unique(shards):
        own = unique.filter(pa.array(shards == shard))
        # Positions change whenever a line is added above; a shard must not.
        own = own.set_column(0, SOURCES.schema.field("row"), pa.array(range(own.num_rows), pa.int64()))
        name = f"shard-{shard:03d}"
        written[name] = run.write(SOURCES, own, name)
    return written


def _unlabelled(images: pa.Table, cells: Mapping[str, tuple[str, str]]) -> pa.Table:
    """The `drops` of rows of `sources` that still have no class.

    Args:
        cells: of images that go for want of one where they stand in the list, and what stands there.
    """
    unlabelled = images.filter(pc.equal(images["landmark_id"], ""))["image_id"].to_pylist()
    found = [(image, *cells[image]) for image in unlabelled if image in cells]
    common = {"stage": "sources", "reason": str(Reason.NO_CLASS)}
    rows = [
        {"image_id": image, **common, "evidence": json.dumps({"place": location, "label": label})}
        for image, location, label in found
    ]
    return pa.Table.from_pylist(rows, DROPS.schema)


class ShardInputs(Inputs):
    """What `acquire` reads."""

    rows: SourcesRef
    dataset: str
    shard: str
    generation: int
    """See `tasks.acquire.prior.next_generation`."""
    folder: Annotated[Path | None, Unkeyed("the digest of `rows` has the files' own")] = None
    """Base of the paths where the list is a folder."""
    policy: Annotated[FetchPolicy, Unkeyed("`generation` rises whenever it has something to ask again")]


class Acquired(Output):
    """What `acquire` writes of a shard: outcomes of its rows, and stored pictures that are not among its images.

    `spare_images` and `spare_log` are by address: of pictures that limits refuse, or that left the list.
    """

    images: ImagesRef
    drops: DropsRef
    fetch_log: FetchLogRef
    spare_images: ImagesRef
    spare_log: FetchLogRef


@stage("acquire", version=VERSION, software=("numpy", "pillow", "simplejpeg"))
def acquire_shard(run: Run, inputs: ShardInputs, settings: AcquireSettings) -> Acquired:
    """Fetches and inspects the rows of a shard, but for those whose newest outcome stands."""
    root, policy = run.root, inputs.policy
    folder = shard_folder(inputs.dataset, inputs.shard)
    sources = read_table(root, inputs.rows, list(SourceRow._fields))
    turn = Turn(inputs.generation, *settings_digests(settings))
    journal, stored = Journal(root, f"{folder}/{turn.name}", TABLES), root.find("images")
    known = read_prior_outcomes(root, folder, turn, stored)
    steps = Steps(
        policy=policy,
        known=known,
        stored=stored.keys() - lost_images(root, (row.image for row in known.values() if row.image), stored, policy),
        asking=turn.asking,
        looking=turn.looking,
        in_folder=bool(inputs.folder),
    )
    with share(settings, policy) as shared:
        store, load = partial(put_image, root), partial(get_image, root)
        acquirer = Acquirer(shared, store, load, inputs.folder, settings.max_bytes)
        found = _acquire(sources, acquirer, steps, journal)
    acquired = Acquired(
        images=run.write(IMAGES, found[IMAGES.name], flush=False),
        drops=run.write(DROPS, found[DROPS.name], flush=False),
        fetch_log=run.write(FETCH_LOG, found[FETCH_LOG.name], flush=False),
        spare_images=run.write(IMAGES, found[SPARE_IMAGES], SPARE_IMAGES, flush=False),
        spare_log=run.write(FETCH_LOG, found[SPARE_LOG], SPARE_LOG, flush=False),
    )
    write_head(root, folder, _head(found, acquired, inputs.rows, turn))
    return acquired


def _head(found: Mapping[str, pa.Table], tables: Acquired, rows: SourcesRef, turn: Turn) -> Head:
    logs, urls = found[FETCH_LOG.name], found[SPARE_LOG]["url"].combine_chunks()
    dropped = pc.is_in(logs["image_id"], value_set=found[DROPS.name]["image_id"].combine_chunks())
    failed = logs.filter(pc.and_(dropped, pc.invert(pc.is_in(logs["url"], value_set=urls))))
    return Head(
        generation=turn.generation,
        rows=rows.digest,
        asking=turn.asking,
        looking=turn.looking,
        failed=failed.num_rows,
        oldest_failure=pc.min(failed["started_at"]).as_py(),
        tables=dict(tables),
    )


def _acquire(sources: pa.Table, acquirer: Acquirer, steps: Steps, journal: Journal) -> dict[str, pa.Table]:
    """The rows of all tables; what is found out is written down in the journal on the way."""
    columns = [sources[name].combine_chunks() for name in SourceRow._fields]

    def listed(row: int) -> SourceRow:  # when it is asked for: of hundreds of thousands, few are under way
        return SourceRow(*(column[row].as_py() for column in columns))

    rows_of: dict[str, tuple[int, ...]] = {}
    for row, url in enumerate(sources["url"].to_pylist()):
        rows_of[url] = (*rows_of.get(url, ()), row)
    urls: dict[Step, list[str]] = {step: [] for step in Step}
    for url, own in rows_of.items():
        urls[steps.of(listed(own[0]))].append(url)
    found, spare = Gathered(journal.add), Gathered(lambda _: None)
    for url, known in steps.known.items():
        if known.image and url not in rows_of and known.image["path"] in steps.stored:
            spare.add(by_address(url), Outcome(known.log, known.image, None), is_new=False)
    for url, outcome, is_new in acquirer.run(urls, steps.known):
        for row in rows_of.pop(url):  # a refused picture is not written down: it would look like a failure
            found.add(listed(row), outcome, is_new=is_new and not outcome.is_refused)
        if outcome.is_refused:
            spare.add(by_address(url), Outcome(outcome.log, outcome.image, None), is_new=False)
    others = spare.tables()
    return {**found.tables(), SPARE_IMAGES: others[IMAGES.name], SPARE_LOG: others[FETCH_LOG.name]}


class SelectInputs(Inputs):
    """What `select` reads: the list, the images of all shards, and what is seen to be drawn of them."""

    sources: SourcesRef
    images: list[ImagesRef]
    drawings: list[DrawingsRef]


class Selected(Output):
    """What `select` writes: by packet, the images that go on, and those dropped here, for the report."""

    drops: DropsRef
    packets: dict[str, ImagesRef]
    dropped: dict[str, ImagesRef]


@stage("select", version=3)
def select_packets(run: Run, inputs: SelectInputs, settings: SelectSettings) -> Selected:
    """Drops placeholders, copies, small classes and, if asked to, drawings; hands the rest on in packets of classes."""
    sources = read_table(run.root, inputs.sources, ["image_id", "landmark_id", "url"]).to_pandas()
    partition = fixed_partition(run.root, len(sources))
    images = pa.concat_tables([IMAGES.schema.empty_table(), *(read_table(run.root, ref) for ref in inputs.images)])
    dropped = select_images(_selectable(run.root, images, sources, inputs.drawings), settings)
    drops = pa.table({**{name: dropped[name] for name in dropped}, "stage": ["acquire"] * len(dropped)})

    sizes = sources.drop_duplicates("image_id").groupby("landmark_id").size()
    packet_names = {landmark: packet_of(landmark, size, partition) for landmark, size in sizes.items()}
    is_dropped = set(dropped.image_id)
    going, staying = defaultdict[str, list[int]](list), defaultdict[str, list[int]](list)
    for row, image in enumerate(images.select(["image_id", "landmark_id"]).to_pylist()):
        members = staying if image["image_id"] in is_dropped else going
        members[packet_names[image["landmark_id"]]].append(row)
    return Selected(
        drops=run.write(DROPS, drops),
        packets=_write_packets(run, images, going),
        dropped=_write_packets(run, images, staying, "-dropped"),
    )


def _selectable(root: Root, images: pa.Table, sources: pd.DataFrame, seen: Sequence[DrawingsRef]) -> pd.DataFrame:
    """The images with their addresses, and the sign of those that are seen to be drawn."""
    columns = ["image_id", "landmark_id", "sha256", "pixel_hash", "bytes", "final_url"]
    addresses = sources[["image_id", "url"]].drop_duplicates("image_id")
    looked_at = pa.concat_tables([DRAWINGS.schema.empty_table(), *(read_table(root, ref) for ref in seen)])
    drawings = looked_at.filter(pc.is_valid(looked_at["sign"])).to_pandas()
    signs = drawings.drop_duplicates("sha256")  # the same bytes may stand in several shards
    return images.select(columns).to_pandas().merge(addresses, on="image_id").merge(signs, on="sha256", how="left")


class PackInputs(Inputs):
    """What `pack` reads: images, and the verdicts of their version where only what it keeps is wanted."""

    images: list[ImagesRef]
    verdicts: VerdictsRef | None = None


class Packed(Output):
    """What `pack` writes: the images by packet."""

    packets: dict[str, ImagesRef]


@stage("pack", version=1)
def pack_images(run: Run, inputs: PackInputs, settings: None) -> Packed:
    """Hands images on in packets of whole classes; those without a class go to packets by their ids.

    Raises:
        InputError: there is no image.
    """
    images = pa.concat_tables([IMAGES.schema.empty_table(), *(read_table(run.root, ref) for ref in inputs.images)])
    if inputs.verdicts:
        verdicts = read_table(run.root, inputs.verdicts, ["image_id", "verdict"])
        kept = verdicts.filter(pc.equal(verdicts["verdict"], "kept"))["image_id"]
        images = images.filter(pc.is_in(images["image_id"], value_set=kept.combine_chunks()))
    if not images.num_rows:
        raise InputError("none of the images could be read; there is nothing to compare")
    partition = fixed_partition(run.root, images.num_rows)
    ids, classes = images["image_id"].to_pylist(), images["landmark_id"].to_pylist()
    sizes, members = Counter(classes), defaultdict[str, list[int]](list)
    for row, (image_id, landmark) in enumerate(zip(ids, classes, strict=True)):
        packet = packet_of(landmark, sizes[landmark], partition) if landmark else packet_of(image_id, 1, partition)
        members[packet].append(row)
    return Packed(packets=_write_packets(run, images, members))


def _write_packets(
    run: Run, images: pa.Table, members: Mapping[str, list[int]], suffix: str = ""
) -> dict[str, ImagesRef]:
    """The table `images` in parts: by packet, the rows of it that `members` names."""
    return {
        packet: run.write(IMAGES, images.take(pa.array(rows, pa.int64())), f"{packet}{suffix}")
        for packet, rows in sorted(members.items())
    }
