"""Acquire's stages as plain functions: what they read and write, without the machinery around them."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

import storage.images
from storage.heads import read_head, shard_folder, write_head
from storage.parquet import read_table, write_table
from storage.root import Root
from storage.tables.acquisition import DROPS, IMAGES, SOURCES, SourcesRef
from tasks.acquire.prior import next_generation
from tasks.acquire.settings import AcquireSettings, FetchPolicy, ListSettings, PoliteSettings, Refetch, SelectSettings
from tasks.acquire.task import (
    Acquired,
    ListInputs,
    SelectInputs,
    ShardInputs,
    Sources,
    acquire_shard,
    list_sources,
    select_packets,
)
from tasks.contracts import Run


@pytest.fixture
def root(tmp_path) -> Root:
    return Root(str(tmp_path / "root"))


def list_rows(root: Root, path: Path, key: str = "sources-1", longest: int | None = None) -> Sources:
    """Runs `sources` on a list or folder."""
    return list_sources(Run(root, key), ListInputs(content="c", longest=longest), ListSettings(path=path))


def list_shard(root: Root, path: Path, key: str = "sources-1") -> SourcesRef:
    """The one shard of a folder with one image."""
    [shard] = list_rows(root, path, key).shards.values()
    return shard


@pytest.fixture
def listed(root, tmp_path) -> Callable[..., Sources]:
    """Writes a CSV list and runs `sources` on it."""

    def run(*rows: tuple[str, str, str], key: str = "sources-1") -> Sources:
        path = tmp_path / "list.csv"
        path.write_text("id,url,landmark_id\n" + "".join(",".join(row) + "\n" for row in rows))
        return list_rows(root, path, key)

    return run


HASTY = PoliteSettings(backoff=0.01, host_rate=10_000, host_connections=8, connections=8)


def acquire(
    root: Root,
    rows: SourcesRef,
    settings: AcquireSettings,
    generation: int = 0,
    refetch: Refetch = "never",
    before: datetime | None = None,
    folder: Path | None = None,
    shard: str = "shard-000",
) -> Acquired:
    policy = FetchPolicy(refetch=refetch, before=before, polite=HASTY)
    inputs = ShardInputs(rows=rows, dataset="d", shard=shard, generation=generation, folder=folder, policy=policy)
    return acquire_shard(Run(root, f"acquire-{generation}{shard[-3:]}"), inputs, settings)


def generation_of(
    root: Root,
    rows: SourcesRef,
    settings: AcquireSettings,
    refetch: Refetch,
    before: datetime | None = None,
    dataset: str = "d",
) -> int:
    policy = FetchPolicy(refetch=refetch, before=before)
    return next_generation(root, dataset, "shard-000", rows, settings, policy, root.find("images"))


def again(root: Root, rows: SourcesRef, settings: AcquireSettings, refetch: Refetch) -> Acquired:
    """A later run under this policy."""
    return acquire(root, rows, settings, generation_of(root, rows, settings, refetch), refetch)


def single_shard(root: Root, listed: Callable[..., Sources], *rows: tuple[str, str, str]) -> SourcesRef:
    root.write("partition.json", b'{"shards": 1, "packets": 4, "large_class": 1000}')
    return listed(*rows).shards["shard-000"]


def outcomes(root: Root, output: Acquired) -> dict[str, str]:
    return {row["image_id"]: row["outcome"] for row in read_table(root, output.fetch_log).to_pylist()}


def test_a_shard_holds_each_image_once_and_all_shards_hold_all(root, listed):
    rows = [(f"i{n}", f"http://h/{n}", f"c{n % 7}") for n in range(60)]
    output = listed(*rows, rows[3], rows[5])
    shards = [read_table(root, ref) for ref in output.shards.values()]
    assert (output.sources.rows, output.classes) == (62, 7)
    assert sorted(i for shard in shards for i in shard["image_id"].to_pylist()) == sorted(row[0] for row in rows)


def test_an_image_without_a_class_is_dropped_and_not_fetched(root, listed):
    output = listed(("a", "http://h/a", "None"), ("b", "http://h/b", "7.0"), ("a", "http://h/a", "NULL"))
    [drop] = read_table(root, output.drops).to_pylist()
    assert (drop["image_id"], drop["stage"], drop["reason"]) == ("a", "sources", "no-class")
    assert json.loads(drop["evidence"]) == {"place": "line 2", "label": "None"}
    [shard] = [read_table(root, ref) for ref in output.shards.values()]
    assert shard["image_id"].to_pylist() == ["b"]


def test_a_picture_that_cannot_be_stored_ends_the_stage_and_says_why(root, listed, site, impatient):
    shard = single_shard(root, listed, *((f"i{n}", f"{site.url}/seed/{n}", "a") for n in range(20)))
    root.write("images", b"a file, where the folder should be")
    with pytest.raises(NotADirectoryError, match="images"):
        acquire(root, shard, impatient)
    assert read_head(root, shard_folder("d", "shard-000")) is None


def test_a_longer_list_changes_only_the_shards_of_its_new_rows(root, listed):
    rows = [(f"i{n}", f"http://h/{n}", "c") for n in range(40)]
    before = listed(*rows).shards
    after = listed(("new", "http://h/new", "c"), *rows, key="sources-2").shards
    assert before.keys() <= after.keys()
    assert len([name for name, ref in after.items() if name not in before or before[name].digest != ref.digest]) == 1


def test_each_row_becomes_an_image_or_a_drop_with_its_evidence(root, listed, site, impatient):
    shard = single_shard(
        root,
        listed,
        ("good", f"{site.url}/photo.jpg", "a"),
        ("missing", f"{site.url}/404", "a"),
        ("gone", f"{site.url}/410", "a"),
        ("page", f"{site.url}/page.jpg", "a"),
        ("short", f"{site.url}/short", "b"),
        ("inward", f"{site.url}/to-neighbour", "b"),
        ("ftp", "ftp://127.0.0.1/a.jpg", "b"),
        ("unknown", "http://nowhere.invalid/a.jpg", "b"),
    )
    output = acquire(root, shard, impatient)
    images = read_table(root, output.images)
    drops = {row["image_id"]: row for row in read_table(root, output.drops).to_pylist()}
    assert images.schema.equals(IMAGES.schema)
    assert (output.fetch_log.rows, output.images.rows) == (8, 1)
    assert {name: drop["reason"] for name, drop in drops.items()} == {
        "missing": "http-error",
        "gone": "http-error",
        "page": "not-an-image",
        "short": "truncated-body",
        "inward": "blocked-address",
        "ftp": "invalid-url",
        "unknown": "unknown-host",
    }
    assert json.loads(drops["gone"]["evidence"])["status"] == 410
    assert all(drop["stage"] == "acquire" for drop in drops.values())
    [image] = images.to_pylist()
    assert root.read(image["path"]).startswith(b"\xff\xd8")
    assert (image["width"], image["height"], image["md5_matches"]) == (96, 80, None)
    assert image["final_url"] == f"{site.url}/photo.jpg"
    assert outcomes(root, output) == {"good": "fetched"} | {name: drop["reason"] for name, drop in drops.items()}


@pytest.mark.parametrize(
    "url", ["http://[nowhere/a.jpg", "http://[::1", "//[", "http://h:port/a.jpg", "not an address"]
)
def test_an_address_beyond_parsing_costs_its_row_alone(root, listed, site, impatient, url):
    shard = single_shard(root, listed, ("bad", url, "a"), ("good", f"{site.url}/photo.jpg", "a"))
    assert outcomes(root, acquire(root, shard, impatient)) == {"bad": "invalid-url", "good": "fetched"}


def test_what_was_fetched_is_not_fetched_again(root, listed, site, impatient):
    shard = single_shard(root, listed, ("good", f"{site.url}/photo.jpg", "a"), ("missing", f"{site.url}/404", "a"))
    first = acquire(root, shard, impatient)
    again = acquire(root, shard, impatient)
    assert site.hits == {"/photo.jpg": 1, "/404": 1}
    assert again == first
    assert generation_of(root, shard, impatient, "never") == 0


def test_what_failed_is_fetched_again_on_demand(root, listed, site, impatient):
    once = impatient.model_copy(update={"attempts": 1})
    shard = single_shard(root, listed, ("good", f"{site.url}/photo.jpg", "a"), ("flaky", f"{site.url}/flaky/x", "a"))
    assert outcomes(root, acquire(root, shard, once))["flaky"] == "http-error"
    assert generation_of(root, shard, once, "failed") == 1
    assert outcomes(root, again(root, shard, once, "failed")) == {"good": "fetched", "flaky": "fetched"}
    assert site.hits == {"/photo.jpg": 1, "/flaky/x": 2}
    assert generation_of(root, shard, once, "failed") == 1  # nothing failed since
    head = read_head(root, shard_folder("d", "shard-000"))
    assert head is not None
    assert (head.generation, head.failed) == (1, 0)


def test_rows_new_to_the_list_are_fetched_and_those_that_left_it_leave(root, listed, site, impatient):
    acquire(root, single_shard(root, listed, *((n, f"{site.url}/seed/{n}", "a") for n in "123")), impatient)
    changed = single_shard(root, listed, *((n, f"{site.url}/seed/{n}", "b") for n in "234"))
    output = acquire(root, changed, impatient)
    images = read_table(root, output.images).to_pylist()
    assert [(image["image_id"], image["landmark_id"]) for image in images] == [("2", "b"), ("3", "b"), ("4", "b")]
    assert site.hits == {f"/seed/{n}": 1 for n in "1234"}


def test_an_address_that_several_rows_name_is_fetched_once(root, listed, site, impatient):
    url, missing = f"{site.url}/seed/1", f"{site.url}/404"
    shard = single_shard(root, listed, ("a", url, "x"), ("b", url, "y"), ("c", missing, "x"), ("d", missing, "y"))
    output = acquire(root, shard, impatient)
    assert outcomes(root, output) == {"a": "fetched", "b": "fetched", "c": "http-error", "d": "http-error"}
    images = read_table(root, output.images).to_pylist()
    assert [(image["image_id"], image["landmark_id"]) for image in images] == [("a", "x"), ("b", "y")]
    assert site.hits == {"/seed/1": 1, "/404": 1}


@pytest.mark.parametrize(("days", "hits"), [(7, 1), (0, 2)])
def test_failures_of_long_ago_are_fetched_again(root, listed, site, impatient, days, hits):
    shard = single_shard(root, listed, ("good", f"{site.url}/photo.jpg", "a"), ("gone", f"{site.url}/404", "a"))
    acquire(root, shard, impatient)
    before = datetime.now(UTC) - timedelta(days=days)
    generation = generation_of(root, shard, impatient, "failed-older-than", before)
    assert generation == hits - 1
    acquire(root, shard, impatient, generation, "failed-older-than", before)
    assert site.hits == {"/photo.jpg": 1, "/404": hits}


def test_what_its_host_still_has_is_not_sent_again(root, listed, site, impatient):
    shard = single_shard(root, listed, ("kept", f"{site.url}/kept", "a"), ("plain", f"{site.url}/seed/1", "a"))
    first = acquire(root, shard, impatient)
    for generation in (1, 2):  # the ETag is remembered although the short answer has none
        assert generation_of(root, shard, impatient, "revalidate") == generation
        output = again(root, shard, impatient, "revalidate")
        assert outcomes(root, output) == {"kept": "unchanged", "plain": "unchanged"}
        assert output.images.digest == first.images.digest
        log = {row["image_id"]: row for row in read_table(root, output.fetch_log).to_pylist()}
        assert (log["kept"]["status"], log["kept"]["bytes"], log["kept"]["etag"]) == (304, 0, '"v1"')
        assert log["plain"]["status"] == 200  # it has nothing to be known again by


def test_another_image_at_an_address_takes_the_place_of_the_old(root, listed, site, impatient):
    shard = single_shard(root, listed, ("one", f"{site.url}/turns/photo-photo", "a"))
    [old] = read_table(root, acquire(root, shard, impatient).images).to_pylist()
    output = again(root, shard, impatient, "revalidate")
    [new] = read_table(root, output.images).to_pylist()
    assert (outcomes(root, output), new["sha256"] == old["sha256"]) == ({"one": "fetched"}, False)


def test_an_image_whose_address_has_died_stays(root, listed, site, impatient):
    shard = single_shard(root, listed, ("one", f"{site.url}/turns/photo-gone-gone", "a"))
    first = acquire(root, shard, impatient)
    output = again(root, shard, impatient, "revalidate")
    assert outcomes(root, output) == {"one": "http-error"}
    assert output.images.digest == first.images.digest
    assert generation_of(root, shard, impatient, "failed") == 1  # nothing of this run lacks an image


def test_an_image_that_its_host_withdraws_goes(root, listed, site, impatient):
    shard = single_shard(root, listed, ("one", f"{site.url}/turns/photo-withdrawn", "a"))
    acquire(root, shard, impatient)
    output = again(root, shard, impatient, "revalidate")
    assert [row["reason"] for row in read_table(root, output.drops).to_pylist()] == ["opted-out"]
    assert read_table(root, output.images).num_rows == 0


def test_a_killed_shard_goes_on_where_it_was(root, listed, site, impatient, monkeypatch):
    monkeypatch.setattr("tasks.acquire.gathered._PART_ROWS", 5)
    rows = [(f"i{n:02d}", f"{site.url}/seed/{n}", "a") for n in range(20)]
    shard = single_shard(root, listed, *rows, ("bad", f"{site.url}/404", "a"))
    put, stored = storage.images.put_image, []

    def put_some(*args: object) -> str:
        if len(stored) == 14:
            raise KeyboardInterrupt
        stored.append(args)
        return put(*args)

    monkeypatch.setattr("tasks.acquire.task.put_image", put_some)
    with pytest.raises(KeyboardInterrupt):
        acquire(root, shard, impatient)
    monkeypatch.setattr("tasks.acquire.task.put_image", put)
    before = site.hits.copy()
    site.hits.clear()
    output = acquire(root, shard, impatient)
    assert (output.fetch_log.rows, output.images.rows) == (21, 20)
    assert (
        sum(site.hits.values()) <= 21 - 5
    )  # of the fourteen at most eight were still on their way: a part was written
    assert set(before) | set(site.hits) == {f"/seed/{n}" for n in range(20)} | {"/404"}
    assert not [name for name in root.names(shard_folder("d", "shard-000")) if name != "head.json"]


def test_a_type_that_is_not_what_it_is_called_is_told(root, listed, site, impatient):
    shard = single_shard(root, listed, ("png", f"{site.url}/called-png", "a"))
    [row] = read_table(root, acquire(root, shard, impatient).fetch_log).to_pylist()
    assert (row["outcome"], row["detail"]) == ("fetched", "declared image/png, is JPEG")


def test_a_lost_picture_is_fetched_anew(root, listed, site, impatient):
    shard = single_shard(root, listed, ("good", f"{site.url}/photo.jpg", "a"))
    [image] = read_table(root, acquire(root, shard, impatient).images).to_pylist()
    root.remove(image["path"])
    acquire(root, shard, impatient)
    assert root.exists(image["path"])
    assert site.hits == {"/photo.jpg": 2}


def test_a_damaged_memory_is_worked_out_anew(root, listed, site, impatient):
    shard = single_shard(root, listed, ("good", f"{site.url}/photo.jpg", "a"))
    first = acquire(root, shard, impatient)
    root.write(first.fetch_log.path, b"damaged")
    again = acquire(root, shard, impatient)
    assert site.hits == {"/photo.jpg": 2}
    assert again.images == first.images


def test_other_limits_judge_the_stored_bytes_without_a_fetch(root, listed, site, impatient):
    shard = single_shard(root, listed, ("good", f"{site.url}/photo.jpg", "a"))
    acquire(root, shard, impatient)
    strict = acquire(root, shard, impatient.model_copy(update={"min_side": 90}))
    assert [row["reason"] for row in read_table(root, strict.drops).to_pylist()] == ["too-small"]
    assert site.hits == {"/photo.jpg": 1}


def test_a_newer_stage_looks_at_the_stored_bytes_without_a_fetch(root, listed, site, impatient, monkeypatch):
    shard = single_shard(root, listed, ("good", f"{site.url}/photo.jpg", "a"))
    before = acquire(root, shard, impatient)
    [image] = read_table(root, before.images).to_pylist()
    older = pa.Table.from_pylist([{**image, "pixel_hash": "as an older stage told it"}], IMAGES.schema)
    ref = write_table(root, before.images.path, IMAGES, older)
    head = read_head(root, shard_folder("d", "shard-000"))
    write_head(root, shard_folder("d", "shard-000"), head.model_copy(update={"tables": {**head.tables, "images": ref}}))
    stands = read_table(root, acquire(root, shard, impatient).images)
    monkeypatch.setattr("tasks.acquire.prior.VERSION", 99)
    anew = read_table(root, acquire(root, shard, impatient).images)
    assert stands["pixel_hash"].to_pylist() == ["as an older stage told it"]
    assert anew["pixel_hash"].to_pylist() == [image["pixel_hash"]]
    assert site.hits == {"/photo.jpg": 1}


def test_another_address_of_the_same_id_is_fetched(root, listed, site, impatient):
    acquire(root, single_shard(root, listed, ("one", f"{site.url}/seed/1", "a")), impatient)
    output = acquire(root, single_shard(root, listed, ("one", f"{site.url}/seed/2", "a")), impatient)
    assert site.hits == {"/seed/1": 1, "/seed/2": 1}
    assert outcomes(root, output) == {"one": "fetched"}


def test_two_runs_differ_in_nothing_but_the_fetch_log(tmp_path, listed, root, site, impatient):
    rows = [(f"i{n}", f"{site.url}/seed/{n}", "a") for n in range(9)] + [("bad", f"{site.url}/404", "a")]
    shard = single_shard(root, listed, *rows)
    first = acquire(root, shard, impatient)
    root.remove("stages/acquire/heads")
    second = acquire(root, shard, impatient)
    assert (first.images.digest, first.drops.digest) == (
        second.images.digest,
        second.drops.digest,
    )


@pytest.mark.parametrize(("kind", "matches"), [("right", True), ("wrong", False)])
def test_the_checksum_of_the_list_is_compared(root, tmp_path, picture, kind, matches):
    folder = tmp_path / "pictures/a"
    folder.mkdir(parents=True)
    (folder / "1.jpg").write_bytes(picture(seed=1))
    shard = list_shard(root, folder.parent)
    if kind == "wrong":
        (folder / "1.jpg").write_bytes(picture(seed=2))  # changed after the list was read
    acquired = acquire(root, shard, AcquireSettings(), folder=folder.parent)
    [image] = read_table(root, acquired.images).to_pylist()
    assert (image["md5_matches"], image["final_url"]) == (matches, None)
    assert image["md5"] == hashlib.md5((folder / "1.jpg").read_bytes()).hexdigest()


def test_a_file_that_is_too_long_is_not_read(root, tmp_path, picture):
    folder = tmp_path / "pictures/a"
    folder.mkdir(parents=True)
    (folder / "1.jpg").write_bytes(picture())
    with (folder / "2.jpg").open("wb") as sparse:
        sparse.truncate(1 << 40)  # a terabyte of nothing: whoever reads it does not come back
    output = list_rows(root, folder.parent, longest=50_000_000)
    assert [md5 is None for md5 in read_table(root, output.sources)["md5"].to_pylist()] == [False, True]
    ends = dict[str, str]()
    for name, shard in output.shards.items():
        ends |= outcomes(root, acquire(root, shard, AcquireSettings(), folder=folder.parent, shard=name))
    assert ends == {"a/1.jpg": "fetched", "a/2.jpg": "too-large"}


def test_a_picture_that_left_its_folder_is_a_drop(root, tmp_path, picture):
    folder = tmp_path / "pictures/a"
    folder.mkdir(parents=True)
    (folder / "1.jpg").write_bytes(picture())
    shard = list_shard(root, folder.parent)
    (folder / "1.jpg").unlink()
    drops = read_table(root, acquire(root, shard, AcquireSettings(), folder=folder.parent).drops)
    assert drops["reason"].to_pylist() == ["connection-failed"]


def test_a_mended_file_of_a_folder_is_looked_at_again(root, tmp_path, picture):
    file = tmp_path / "pictures/a/1.jpg"
    file.parent.mkdir(parents=True)
    readable = []
    for turn, content in enumerate((b"not a picture", picture())):
        file.write_bytes(content)
        shard = list_shard(root, tmp_path / "pictures", f"sources-{turn}")
        acquired = acquire(root, shard, AcquireSettings(), folder=tmp_path / "pictures")
        readable.append(acquired.images.rows)
    assert readable == [0, 1]


def test_an_image_with_another_checksum_than_the_lists_is_not_fetched_again(root, listed, site, impatient):
    shard = single_shard(root, listed, ("good", f"{site.url}/photo.jpg", "a"))
    promised = read_table(root, shard).set_column(4, SOURCES.schema.field("md5"), pa.array(["0" * 32]))
    promised_shard = write_table(root, "stages/sources/promised.parquet", SOURCES, promised)
    for _ in range(2):
        output = acquire(root, promised_shard, impatient)
        [image] = read_table(root, output.images).to_pylist()
        assert image["md5_matches"] is False
        assert outcomes(root, output) == {"good": "md5-mismatch"}
    assert site.hits == {"/photo.jpg": 1}


def test_datasets_in_one_root_keep_their_own_outcomes(root, listed, site, impatient):
    shard = single_shard(root, listed, ("bad", f"{site.url}/404", "a"))
    acquire(root, shard, impatient)
    assert generation_of(root, shard, impatient, "failed") == 1
    assert generation_of(root, shard, impatient, "failed", dataset="another") > 1  # it has none yet


def test_selected_and_dropped_images_are_all_images(root, listed, site, impatient):
    rows = [(f"{c}{n}", f"{site.url}/seed/{ord(c)}{n}", c) for c in "abc" for n in range(4)]
    rows += [
        ("a8", f"{site.url}/seed/970", "a"),
        ("d0", f"{site.url}/seed/1", "d"),
        *((f"p{c}", f"{site.url}/seed/7?{c}", c) for c in "abc"),
    ]
    root.write("partition.json", b'{"shards": 1, "packets": 4, "large_class": 1000}')
    listing = listed(*rows)
    acquired = acquire(root, listing.shards["shard-000"], impatient)
    inputs = SelectInputs(sources=listing.sources, images=[acquired.images], drawings=[])
    output = select_packets(Run(root, "select-1"), inputs, SelectSettings())
    drops = read_table(root, output.drops)
    assert drops.schema.equals(DROPS.schema)
    reasons = dict(zip(drops["image_id"].to_pylist(), drops["reason"].to_pylist(), strict=True))
    assert reasons == {"a8": "duplicate-image", "d0": "class-too-small"} | {f"p{c}": "placeholder" for c in "abc"}
    packets = {name: read_table(root, ref).to_pylist() for name, ref in output.packets.items()}
    going_on = [image["image_id"] for packet in packets.values() for image in packet]
    assert sorted(going_on) == sorted(f"{c}{n}" for c in "abc" for n in range(4))
    dropped = [read_table(root, ref) for ref in output.dropped.values()]
    assert sorted(pa.concat_tables(dropped)["image_id"].to_pylist()) == sorted(reasons)
    homes: dict[str, set[str]] = {}
    for name, packet in packets.items():
        for image in packet:
            homes.setdefault(image["landmark_id"], set()).add(name)
    assert all(len(names) == 1 for names in homes.values())
    assert (len(going_on), output.drops.rows) == (12, 5)


def test_no_readable_image_at_all_is_no_failure(root, listed, site, impatient):
    shard = single_shard(root, listed, ("bad", f"{site.url}/404", "a"))
    listing = listed(("bad", f"{site.url}/404", "a"))
    acquired = acquire(root, shard, impatient)
    inputs = SelectInputs(sources=listing.sources, images=[acquired.images], drawings=[])
    output = select_packets(Run(root, "select-1"), inputs, SelectSettings())
    assert (output.packets, output.dropped, output.drops.rows) == ({}, {}, 0)


def test_pictures_keep_the_extension_of_their_format(root, tmp_path, picture):
    folder = tmp_path / "pictures/a"
    folder.mkdir(parents=True)
    (folder / "really.jpg").write_bytes(picture(format_name="PNG"))
    shard = list_shard(root, folder.parent)
    [image] = read_table(root, acquire(root, shard, AcquireSettings(), folder=folder.parent).images).to_pylist()
    assert Path(image["path"]).suffix == ".png"
