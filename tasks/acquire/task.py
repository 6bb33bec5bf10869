"""Acquire's Prefect face: the stages `sources`, `acquire` (a shard of rows each) and `select` (all readable images)."""

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, Field, ValidationError

from storage.errors import DamagedTableError, InputError
from storage.images import get_image, put_image
from storage.parquet import read_table, write_table
from storage.reasons import Reason
from storage.root import Root
from storage.tables import DROPS, FETCH_LOG, IMAGES, SOURCES, TableRef
from tasks.acquire.decode import EXTENSIONS
from tasks.acquire.fetch import Fetched, fetch, open_pool
from tasks.acquire.inspect import Picture, Rejected, inspect
from tasks.acquire.packets import Partition, choose_partition, packet_of, shards_of
from tasks.acquire.select import select_images
from tasks.acquire.settings import AcquireSettings, Refetch, SelectSettings
from tasks.acquire.sources import duplicate_rows, merge_classes, read_sources
from tasks.orchestration import Inputs, Output, reference, references, stage, stage_path
from tasks.settings import StageSettings

DROPPED = "-dropped"
"""Ends the name of a packet's table of readable images that go no further."""


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


@stage("sources", version=1)
def list_sources(root_url: str, key: str, inputs: Inputs, settings: ListSettings) -> Output:
    """Reads the list into `sources`, and into a table per shard the rows to fetch, repeated ones left out.

    Inputs: `content`, digest of the list's files; `merge`, JSON of class to the class that its images count as;
    `any_depth`, 1 where the images of a folder may lie anywhere below it and need no class.
    """
    root = Root(root_url)
    listed = read_sources(settings.path, settings.md5, settings.clean, any_depth=bool(inputs.get("any_depth")))
    sources = merge_classes(listed, json.loads(str(inputs["merge"])))
    unique = sources.filter(pa.array(duplicate_rows(sources) == sources["row"].to_numpy()))
    shards = shards_of(unique["image_id"].to_pylist(), fixed_partition(root, sources.num_rows))
    tables = {"sources": write_table(root, stage_path(key, "sources"), SOURCES, sources)}
    for shard in np.unique(shards):
        name = f"shard-{shard:03d}"
        rows = unique.filter(pa.array(shards == shard))
        # Positions change whenever a line is added above; a shard must not.
        rows = rows.set_column(0, SOURCES.schema.field("row"), pa.array(range(rows.num_rows), pa.int64()))
        tables[name] = write_table(root, stage_path(key, name), SOURCES, rows)
    classes = len(sources["landmark_id"].unique())
    return Output(tables=tables, counts={"rows": sources.num_rows, "classes": classes})


class ShardHead(BaseModel):
    """The newest outcome of a shard: what the next run need not fetch again."""

    generation: int
    failed: int
    settings: AcquireSettings
    images: TableRef
    drops: TableRef
    fetch_log: TableRef


def _head_path(dataset: str, shard: str) -> str:
    return f"stages/acquire/heads/{dataset}/{shard}.json"


def read_head(root: Root, dataset: str, shard: str) -> ShardHead | None:
    """The newest outcome of a shard of a dataset, or None before its first, or where the file is damaged."""
    try:
        return ShardHead.model_validate_json(root.read(_head_path(dataset, shard)))
    except (FileNotFoundError, ValidationError):
        return None


def next_generation(root: Root, dataset: str, shard: str, refetch: Refetch) -> int:
    """The number that keys the shard's memo: it rises when the policy has something to fetch again."""
    head = read_head(root, dataset, shard)
    if head is None:
        return 0
    wanted = refetch == "failed" and (head.failed or _has_lost_images(root, head))
    return head.generation + 1 if wanted else head.generation


def _has_lost_images(root: Root, head: ShardHead) -> bool:
    try:
        paths = read_table(root, head.images, ["path"])["path"].to_pylist()
    except DamagedTableError:
        return True
    return not all(root.exists(path) for path in paths)


@dataclass
class _Row:
    """What a shard knows of one row: its fetch, and its image or the reason for none."""

    log: dict[str, Any]
    image: dict[str, Any] | None = None
    drop: dict[str, Any] | None = None


@stage("acquire", version=2)
def acquire_shard(root_url: str, key: str, inputs: Inputs, settings: AcquireSettings) -> Output:
    """Fetches and inspects the rows of a shard, but for those whose outcome stands from the shard's last time.

    Inputs: `rows` (a shard of `sources`), `dataset` and `shard` (their names), `generation` (see `next_generation`),
    `folder` (base of the paths where the list is a folder).
    """
    root, generation = Root(root_url), inputs["generation"]
    dataset, shard = str(inputs["dataset"]), str(inputs["shard"])
    assert isinstance(generation, int)
    sources = read_table(root, reference(inputs, "rows")).to_pylist()
    head = read_head(root, dataset, shard)
    again = head is not None and generation != head.generation
    acquirer = _Acquirer(root, settings, inputs.get("folder"), _rows_of(root, head), head, again=again)
    with ThreadPoolExecutor(settings.connections, thread_name_prefix="fetch") as threads:
        rows = list(threads.map(acquirer.run, sources))
    tables = {
        spec.name: write_table(root, stage_path(key, spec.name), spec, pa.Table.from_pylist(found, spec.schema))
        for spec, found in (
            (IMAGES, [row.image for row in rows if row.image]),
            (DROPS, [row.drop for row in rows if row.drop]),
            (FETCH_LOG, [row.log for row in rows]),
        )
    }
    failed = sum(row.image is None for row in rows)
    new_head = ShardHead(generation=generation, failed=failed, settings=settings, **tables)
    root.write(_head_path(dataset, shard), new_head.model_dump_json().encode())
    return Output(tables=tables, counts={"rows": len(rows), "readable": len(rows) - failed})


def _rows_of(root: Root, head: ShardHead | None) -> dict[str, _Row]:
    if head is None:
        return {}
    try:
        log, images, drops = (
            {row["image_id"]: row for row in read_table(root, ref).to_pylist()}
            for ref in (head.fetch_log, head.images, head.drops)
        )
    except DamagedTableError:
        return {}  # the outcome is worked out anew
    return {name: _Row(log[name], images.get(name), drops.get(name)) for name in log}


_hosts: dict[str, threading.Semaphore] = {}
_hosts_lock = threading.Lock()


class _Acquirer:
    """Gets, inspects and stores one row after another; safe to share between threads."""

    def __init__(
        self,
        root: Root,
        settings: AcquireSettings,
        folder: Any,
        known: dict[str, _Row],
        head: ShardHead | None,
        *,
        again: bool,
    ) -> None:
        self._root, self._settings, self._pool = root, settings, open_pool(settings)
        self._folder = Path(folder) if folder else None
        self._known, self._again = known, again
        self._same_settings = head is not None and head.settings == settings

    def run(self, source: Mapping[str, Any]) -> _Row:
        known = self._known.get(source["image_id"])
        if known and known.log["url"] == source["url"]:
            if known.image and self._root.exists(known.image["path"]) and not self._has_changed(source, known.image):
                return self._inspected_again(source, known.log, known.image)
            if known.drop and self._same_settings and not self._again and self._folder is None:
                return known
        started, clock = datetime.now(UTC), monotonic()
        fetched = self._get(source["url"])
        found = inspect(fetched.body, self._settings) if fetched.reason is None else None
        reason = found.reason if isinstance(found, Rejected) else fetched.reason
        log = _log_row(source, fetched, reason, started, monotonic() - clock)
        if isinstance(found, Picture):
            path = put_image(self._root, fetched.body, EXTENSIONS[found.format])
            address = None if self._folder else fetched.final_url
            return _Row(log, image=_image_row(source, {**asdict(found), "final_url": address}, path))
        return _Row(log, drop=_drop_row(source, fetched, reason, found.detail if found else None))

    def _has_changed(self, source: Mapping[str, Any], image: Mapping[str, Any]) -> bool:
        """Whether a file of a folder is another one now. (The MD5s of a list of addresses are promises of long ago.)"""
        return self._folder is not None and source["md5"] != image["md5"]

    def _inspected_again(self, source: Mapping[str, Any], log: dict[str, Any], image: dict[str, Any]) -> _Row:
        """The stored bytes under today's settings; nothing is fetched."""
        if self._same_settings:
            return _Row(log, image=_image_row(source, image, image["path"]))
        found = inspect(get_image(self._root, image["path"]), self._settings)
        if isinstance(found, Picture):
            return _Row(log, image=_image_row(source, {**image, **asdict(found)}, image["path"]))
        fetched = Fetched(None, status=log["status"], final_url=log["final_url"])
        return _Row(log | {"outcome": str(found.reason)}, drop=_drop_row(source, fetched, found.reason, found.detail))

    def _get(self, url: str) -> Fetched:
        if self._folder:
            try:
                return Fetched(None, (self._folder / url).read_bytes(), final_url=url)
            except OSError as error:
                return Fetched(Reason.CONNECTION_FAILED, detail=str(error))
        with _host_limit(_host_of(url), self._settings.connections_per_host):
            return fetch(self._pool, url, self._settings)


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""  # no address at all, as `fetch` will find


def _host_limit(host: str, limit: int) -> threading.Semaphore:
    with _hosts_lock:
        return _hosts.setdefault(host, threading.Semaphore(limit))


def _image_row(source: Mapping[str, Any], facts: Mapping[str, Any], path: str) -> dict[str, Any]:
    matches = None if source["md5"] is None else source["md5"] == facts["md5"]
    return {
        **facts,
        "image_id": source["image_id"],
        "landmark_id": source["landmark_id"],
        "path": path,
        "md5_matches": matches,
    }


def _drop_row(source: Mapping[str, Any], fetched: Fetched, reason: Reason | None, found: str | None) -> dict[str, Any]:
    evidence = {"url": source["url"], "status": fetched.status, "final_url": fetched.final_url, "found": found}
    text = json.dumps({name: value for name, value in evidence.items() if value is not None})
    return {"image_id": source["image_id"], "stage": "acquire", "reason": str(reason), "evidence": text}


def _log_row(
    source: Mapping[str, Any], fetched: Fetched, reason: Reason | None, started: datetime, seconds: float
) -> dict[str, Any]:
    return {
        "image_id": source["image_id"],
        "url": source["url"],
        "outcome": str(reason) if reason else "fetched",
        "status": fetched.status,
        "final_url": fetched.final_url,
        "content_type": fetched.header("content-type"),
        "etag": fetched.header("etag"),
        "last_modified": fetched.header("last-modified"),
        "attempts": fetched.attempts,
        "bytes": len(fetched.body),
        "started_at": started,
        "seconds": seconds,
        "detail": fetched.detail,
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
