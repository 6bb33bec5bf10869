"""The flow `curate` from list to version: what it publishes, what it remembers, and what it recomputes."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest
from prefect._internal.result_records import ResultRecord, ResultRecordMetadata
from prefect.serializers import PickleSerializer

from flows.settings import CurationGate
from storage.errors import DamagedTableError, GateError
from storage.root import Root
from storage.verify import verify_version
from storage.versions import latest_version, read_manifest
from tasks.acquire.partition import Partition, bucket_of, packet_of
from tasks.cluster.settings import Overrides

PACKET_STAGES = ("features", "mask", "overlap", "expand", "match", "cluster", "regroup", "boxes", "illustrate")


def rows_of(root: Path, version: Any, table: str) -> list[dict[str, Any]]:
    return list(pq.read_table(root / version.folder / f"{table}.parquet").to_pylist())


def reasons_of(root: Path, version: Any) -> dict[str, str]:
    """The reason of each image; a repeated row has none of its own."""
    rows = rows_of(root, version, "verdicts")
    return {row["image_id"]: row["reason"] for row in rows if row["reason"] != "duplicate-row"}


def written(root: Path) -> dict[str, int]:
    """Every file of a root and when it was last written."""
    return {str(path.relative_to(root)): path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}


def packet(root: Path, landmark: str) -> str:
    return packet_of(landmark, 9, Partition.model_validate_json((root / "partition.json").read_bytes()))


def shard(root: Path, listed: Any, image: str, stage: str = "acquire") -> str:
    partition = Partition.model_validate_json((root / "partition.json").read_bytes())
    return f"{stage} shard-{bucket_of(f'{listed.site.url}/{image}.jpg', partition.shards):03d}"


# What a run publishes


def test_first_run_publishes_a_version(first_run: Any, listed: Any) -> None:
    root, run = first_run
    folder = root / run.version.folder
    assert run.is_new
    assert run.version.number == 1
    assert (root / "versions/landmarks/latest").read_text().strip() == folder.name
    assert json.loads((folder / "manifest.json").read_text())["digest"] == run.version.digest
    assert (folder / "README.md").is_file()
    assert (folder / "report/index.html").is_file()
    assert set(run.tasks.values()) == {"Completed"}


def test_every_row_of_the_list_gets_a_verdict(first_run: Any, listed: Any) -> None:
    root, run = first_run
    verdicts = rows_of(root, run.version, "verdicts")
    assert [row["row"] for row in verdicts] == list(range(len(listed.lines())))
    assert [row["image_id"] for row in verdicts] == [line.split(",")[0] for line in listed.lines()]


def test_verdicts_are_the_right_ones(first_run: Any, listed: Any) -> None:
    root, run = first_run
    reasons = reasons_of(root, run.version)
    dropped = {image: reason for image, reason in reasons.items() if reason != "kept"}
    assert dropped == {
        "abbey-8": "no-match",
        "abbey-9": "http-error",
        "bridge-8": "not-an-image",
        "bridge-9": "test-copy",
        "dome-8": "duplicate-image",
    }
    assert Counter(row["reason"] for row in rows_of(root, run.version, "verdicts"))["duplicate-row"] == 1


# What it remembers


def test_second_run_finds_everything_in_the_memo(run_curate: Any, dataset: Path, listed: Any, first_run: Any) -> None:
    before = written(dataset)
    run = run_curate(listed, dataset)
    assert run.computed == set()
    assert set(run.tasks) | {"overlays"} == set(first_run[1].tasks)  # which is remembered, and not asked for
    assert not run.is_new
    assert run.version.digest == first_run[1].version.digest
    assert not listed.site.hits
    after = written(dataset)
    for told in ("versions/landmarks/latest", f"stages/used/{run.version.folder}.json"):
        after.pop(told), before.pop(told)
    assert after == before


def test_one_more_row_recomputes_its_shard_and_its_packet(
    run_curate: Any, dataset: Path, listed: Any, first_run: Any, tmp_path: Path
) -> None:
    whole = f"{listed.site.url}/dome-10?token=t0k3n.jpg".replace("//", "//me:s3cret@")
    rows = [f"dome-10,{whole},dome", f"stray,{listed.site.url}/abbey-1.jpg?sig=none,None", *listed.lines()]
    more = listed.write(rows, tmp_path / "more.csv")
    listed.site.answers["/dome-10?token=t0k3n.jpg"] = (200, listed.view_of("dome", "dome-10"))
    run = run_curate(more, dataset)
    assert run.computed == {
        *(
            "sources",
            shard(dataset, listed, "dome-10?token=t0k3n"),
            shard(dataset, listed, "dome-10?token=t0k3n", "drawings"),
            "pins",  # one more drop: the row without a class
            "select",
            "sample",
            "classes",
            "illustrate-classes",
            "publish",
        ),
        *(f"{stage} {packet(dataset, 'dome')}" for stage in PACKET_STAGES),
    }
    assert listed.site.hits == {"/dome-10?token=t0k3n.jpg": 1}
    assert run.version.number == 2
    assert 0 < run.version.overlays_changed < 0.1  # as they were learnt from the list before
    anew = run_curate(more, dataset, "[remember]\noverlays = 0\n")
    assert "overlays" in anew.computed
    assert anew.version.digest == run.version.digest  # nothing lies over these photographs
    assert reasons_of(dataset, run.version)["stray"] == "no-class"
    _check_secrets(dataset, run.version)
    assert {row["image_id"] for row in rows_of(dataset, run.version, "verdicts") if row["reason"] == "kept"} >= {
        "dome-10"
    }


def _check_secrets(root: Path, version: Any) -> None:
    """Names and passwords are nowhere, and of what was published tokens are in `sources` alone."""
    stored = {path: str(pq.read_table(path).to_pylist()) for path in root.rglob("*.parquet")}
    assert not [path for path, text in stored.items() if "s3cret" in text]
    published = {path: text for path, text in stored.items() if path.is_relative_to(root / version.folder)}
    assert [path.stem for path, text in published.items() if "t0k3n" in text] == ["sources"]
    pages = {path: path.read_text() for path in (root / version.folder).rglob("*") if path.suffix in (".html", ".md")}
    assert not [path for path, text in pages.items() if "t0k3n" in text or "s3cret" in text]
    assert "/dome-10?token=redacted" in published[root / version.folder / "fetch_log.parquet"]


def test_a_setting_of_a_later_stage_fetches_nothing(run_curate: Any, dataset: Path, listed: Any) -> None:
    run = run_curate(listed, dataset, "[select]\nmin_class_size = 8\n")
    assert not listed.site.hits
    assert not {name for name in run.computed if name.startswith(("sources", "acquire"))}
    reasons = reasons_of(dataset, run.version)
    assert reasons["dome-1"] == "class-too-small"
    assert reasons["abbey-1"] == "kept"


def test_a_version_that_nobody_can_use_is_published_but_not_the_latest(
    run_curate: Any, dataset: Path, listed: Any, first_run: Any
) -> None:
    said = r"is not made the latest: it keeps 0 of 27 images, and versions/.* keeps 21; most rows .* 2. class-too-small"
    with pytest.raises(GateError, match=said) as caught:
        run_curate(listed, dataset, "[select]\nmin_class_size = 100\n")
    version = read_manifest(Root(str(dataset)), "landmarks", caught.value.folder.rpartition("/")[2])
    assert version.number == 2
    assert "kept" not in reasons_of(dataset, version).values()
    assert (dataset / version.folder / "report/index.html").is_file()
    assert latest_version(Root(str(dataset)), "landmarks") == first_run[1].version


def test_a_person_may_pin_another_group_and_keep_or_drop_single_images(
    run_curate: Any, dataset: Path, listed: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The class `abbey` shows seven abbeys and five bridges."""
    lines = [line for line in listed.lines() if line.startswith("abbey")]
    lines += [f"view-{n},{listed.site.url}/bridge-{n}.jpg,abbey" for n in range(1, 6)]
    lines.append(f"fog,{listed.site.url}/fog.jpg,abbey")  # in which nothing is to be seen
    listed.site.answers["/fog.jpg"] = (
        200,
        cv2.imencode(".jpg", np.tile(np.linspace(0, 255, 560), (420, 1)))[1].tobytes(),
    )
    mixed = listed.write(lines, tmp_path / "mixed.csv")
    before = run_curate(
        mixed, dataset, gate=CurationGate(images_lost=1)
    )  # keeps a third of what the list before it did
    reasons = reasons_of(dataset, before.version)
    lost = "view-1"
    assert [reasons[name] for name in ("abbey-1", lost, "abbey-8")] == ["kept", "smaller-group", "no-match"]

    decided = Overrides(
        pin={"abbey": lost}, keep={"abbey-8": "from behind", "fog": "ours"}, drop={"abbey-2": "a drawing"}
    )
    (dataset / "overrides.toml").write_text(
        '[pin]\nabbey = "view-1"\n[keep]\nabbey-8 = "from behind"\nfog = "ours"\n[drop]\nabbey-2 = "a drawing"\n'
    )
    run = run_curate(mixed, dataset, overrides=Path("overrides.toml"))
    stages = {"pins", "cluster", "classes", "regroup", "boxes", "illustrate", "publish"}
    assert {name.split()[0] for name in run.computed} == stages
    assert run.version.overrides == decided.model_dump()
    found = reasons_of(dataset, run.version)
    assert [found[name] for name in (lost, "abbey-8", "abbey-2")] == ["kept", "kept", "dropped-by-hand"]
    assert (before.version.uncompared, run.version.passed_over) == (0, {"": {"no-keypoints": 1}})
    told = "; what was not compared stands below"
    cards = [(dataset / version.folder / "README.md").read_text() for version in (before.version, run.version)]
    assert [told in card for card in cards] == [False, True]
    (alone,) = [row for row in rows_of(dataset, run.version, "boxes") if row["image_id"] == "abbey-8"]
    assert (alone["x1"], alone["y1"], alone["supports"]) == (0, 0, 0)
    groups = [row for row in rows_of(dataset, run.version, "class_groups") if row["landmark_id"] == "abbey"]
    assert [(row["photographs"], row["kept"], row["pinned"]) for row in groups] == [(6, False, False), (5, True, True)]
    assert {row["margin"] for row in groups} == {1}

    caplog.clear()
    undone = run_curate(mixed, dataset, gate=CurationGate(images_lost=1))
    assert undone.version == before.version
    told = f"nothing new, but the latest again: {before.version.folder}, in place of {run.version.folder}"
    assert told in caplog.messages
    assert any(message.startswith(f"{run.version.folder} was made with overrides") for message in caplog.messages)


def test_two_classes_of_one_landmark_are_found_and_a_person_may_merge_them(
    run_curate: Any, dataset: Path, listed: Any, tmp_path: Path
) -> None:
    moved = ("dome-5", "dome-6", "dome-7")
    shown = [line for line in listed.lines() if line.startswith(("dome", "bridge"))]
    lines = [line.replace(",dome", ",cupola") if line.startswith(moved) else line for line in shown]
    parted = listed.write(lines, tmp_path / "parted.csv")
    run = run_curate(parted, dataset)
    reasons = reasons_of(dataset, run.version)
    assert run.version.related_classes == 1
    assert {reasons[f"dome-{n}"] for n in (5, 6, 7)} == {"other-class"}
    assert {reasons[f"dome-{n}"] for n in (1, 2, 3, 4)} == {"kept"}
    pairs = rows_of(dataset, run.version, "class_pairs")
    assert {(pair["landmark_a"], pair["landmark_b"]) for pair in pairs} == {("cupola", "dome")}
    assert list((dataset / run.version.folder / "report/pictures").glob("classes-*.jpg"))

    merged = run_curate(parted, dataset, overrides=Overrides(merge={"cupola": "dome"}))
    assert not listed.site.hits
    assert merged.version.overrides == Overrides(merge={"cupola": "dome"}).model_dump()
    assert merged.version.related_classes == 0
    verdicts = [row for row in rows_of(dataset, merged.version, "verdicts") if row["image_id"].startswith("dome")]
    assert {row["landmark_id"] for row in verdicts} == {"dome"}
    assert {reasons_of(dataset, merged.version)[f"dome-{n}"] for n in range(1, 8)} == {"kept"}


# What does not change the result


def servers() -> set[int]:
    """The Prefect servers that run below this process."""
    children = psutil.Process().children(recursive=True)
    return {child.pid for child in children if "prefect.server" in " ".join(child.cmdline())}


@pytest.fixture(scope="module")
def by_one_thread(run_curate: Any, few: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The run of a short list by one thread."""
    return run_curate(few, tmp_path_factory.mktemp("one") / "root", runner="threads", workers=1)


@pytest.mark.parametrize(
    "runner",
    [
        "threads",
        "processes",
        pytest.param(
            "dask", marks=pytest.mark.skipif(find_spec("prefect_dask") is None, reason="the extra `dask` is missing")
        ),
    ],
)
@pytest.mark.filterwarnings(r"ignore:\s*Port 8787 is already in use")  # by the Dask of someone else
def test_same_digest_with_every_runner(
    run_curate: Any, by_one_thread: Any, few: Any, tmp_path: Path, runner: str
) -> None:
    before = servers()
    run = run_curate(few, tmp_path / "root", runner=runner, workers=2)
    assert set(run.tasks) == set(by_one_thread.tasks)
    assert run.version.digest == by_one_thread.version.digest
    assert servers() == before, "a runner started a Prefect server of its own beside the one that it was given"


def test_order_of_the_list_changes_only_its_rows(run_curate: Any, first_run: Any, listed: Any, tmp_path: Path) -> None:
    lines = listed.lines()
    turned = listed.write([*lines[10:], *reversed(lines[:10])], tmp_path / "turned.csv")
    run = run_curate(turned, tmp_path / "root")
    root, first = first_run
    for table in ("images", "overlaps", "pairs", "groups", "boxes"):
        assert run.version.tables[table].digest == first.version.tables[table].digest
    assert reasons_of(tmp_path / "root", run.version) == reasons_of(root, first.version)


# What a damaged memo comes to


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.write_text, (self.marker, "sprung")


def plant_pickle(record: Path, marker: Path) -> None:
    """Replaces a record of the memo by one that names pickle and runs code when it is opened."""
    metadata = ResultRecordMetadata(storage_key=str(record), serializer=PickleSerializer())
    record.write_bytes(ResultRecord(metadata=metadata, result=Trap(marker)).serialize())
    ResultRecord.deserialize(record.read_bytes())
    assert marker.read_text() == "sprung", "the trap must be a live one"
    marker.unlink()


def label_of(root: Path, stage: str, landmark: str) -> tuple[str, Path, Path]:
    """The task run of a stage for a class, the record of its memo and the folder of its tables."""
    for record in sorted((root / "stages/records").glob(f"{stage}-*")):
        folder = root / "stages" / stage / record.name.rsplit("-", 1)[1]
        rows = [row for table in folder.glob("*.parquet") for row in pq.read_table(table).to_pylist()]
        if any(row.get("landmark_id") == landmark for row in rows):
            return f"{stage} {packet(root, landmark)}", record, folder
    raise LookupError(stage)


def test_damaged_memo_is_computed_again(
    run_curate: Any, dataset: Path, listed: Any, first_run: Any, tmp_path: Path
) -> None:
    garbled, _, pairs = label_of(dataset, "match", "abbey")
    (pairs / "pairs.parquet").write_bytes(b"PAR1 garbage PAR1")
    deleted, _, groups = label_of(dataset, "cluster", "bridge")
    (groups / "groups.parquet").unlink()
    poisoned, record, _ = label_of(dataset, "cluster", "dome")
    plant_pickle(record, tmp_path / "marker")

    run = run_curate(listed, dataset)
    assert run.computed == {garbled, deleted, poisoned}
    assert run.version.digest == first_run[1].version.digest
    assert not (tmp_path / "marker").exists()
    assert run_curate(listed, dataset).computed == set()


def test_unreadable_record_is_computed_again(run_curate: Any, dataset: Path, listed: Any, first_run: Any) -> None:
    torn, record, _ = label_of(dataset, "match", "dome")
    record.write_bytes(record.read_bytes()[:50])
    run = run_curate(listed, dataset)
    assert run.computed == {torn}
    assert run.version.digest == first_run[1].version.digest


def test_damaged_version_is_published_again(run_curate: Any, dataset: Path, listed: Any, first_run: Any) -> None:
    version, root = first_run[1].version, Root(str(dataset))
    picture = next((dataset / version.folder / "report/pictures").iterdir())
    (dataset / version.folder / "boxes.parquet").write_bytes(b"garbage")
    (dataset / version.folder / "fetch_log.parquet").write_bytes(b"")
    (dataset / version.folder / "README.md").unlink()
    classes = len(list((dataset / version.folder / "report/classes").iterdir()))
    shutil.rmtree(dataset / version.folder / "report/classes")
    picture.write_bytes(bytes(picture.stat().st_size))
    (dataset / "versions/landmarks/latest").write_bytes(b"\xff\xfe")
    assert len(verify_version(root, "landmarks", "1").wrong) == 4 + classes

    run = run_curate(listed, dataset)
    assert run.computed == {"publish"}
    assert (run.version.digest, run.version.number, run.is_new) == (version.digest, 1, False)
    assert verify_version(root, "landmarks", "latest").wrong == ()
    for path in ("boxes.parquet", "README.md", f"report/pictures/{picture.name}"):
        assert root.read(f"{version.folder}/{path}") == (first_run[0] / version.folder / path).read_bytes()


def test_forged_facts_of_a_version_are_written_anew(
    run_curate: Any, dataset: Path, listed: Any, first_run: Any
) -> None:
    path = dataset / first_run[1].version.folder / "manifest.json"
    facts = json.loads(path.read_text())
    facts["funnel"][0]["images"] = 1000
    path.write_text(json.dumps(facts))
    assert run_curate(listed, dataset).version.funnel == first_run[1].version.funnel


def test_images_that_are_gone_or_rotten_are_not_published_and_fetched_again_on_request(
    run_curate: Any, dataset: Path, listed: Any, first_run: Any
) -> None:
    images = {row["image_id"]: dataset / row["path"] for row in rows_of(dataset, first_run[1].version, "images")}
    images["dome-2"].unlink()
    rotten = images["bridge-2"].read_bytes()
    images["bridge-2"].write_bytes(rotten[:-9] + b"\0" + rotten[-8:])
    said = r"images/.*\.jpg is gone or damaged; run the same command with --refetch failed"  # the other was fetched
    with pytest.raises(DamagedTableError, match=said):
        run_curate(listed, dataset, "[publish]\nmin_train = 3\n")
    run = run_curate(listed, dataset, refetch="failed")
    assert listed.site.hits["/dome-2.jpg"] == listed.site.hits["/bridge-2.jpg"] == 1
    assert run.version.digest == first_run[1].version.digest
    assert images["dome-2"].is_file()
    assert images["bridge-2"].read_bytes() == rotten


# What is fetched again


def test_refetch_failed_asks_for_what_failed_and_no_more(run_curate: Any, dataset: Path, listed: Any) -> None:
    listed.site.answers["/abbey-9.jpg"] = (200, listed.view_of("abbey", "abbey-9"))
    assert run_curate(listed, dataset, refetch="never").computed == set()
    assert not listed.site.hits

    run = run_curate(listed, dataset, refetch="failed")
    assert listed.site.hits == {"/abbey-9.jpg": 1, "/bridge-8.jpg": 1}
    acquired = {name for name in run.computed if name.startswith("acquire")}
    assert acquired == {shard(dataset, listed, "abbey-9"), shard(dataset, listed, "bridge-8")}
    assert run.computed - acquired == {
        shard(dataset, listed, "abbey-9", "drawings"),
        *("select", "sample", "pins", "classes", "illustrate-classes", "publish"),
        *(f"{stage} {packet(dataset, 'abbey')}" for stage in PACKET_STAGES),
    }
    assert run.is_new
    assert run.version.number == 2
    assert reasons_of(dataset, run.version)["abbey-9"] == "kept"

    listed.site.hits.clear()
    third = run_curate(listed, dataset, refetch="never")
    assert third.computed == set()
    assert not third.is_new
    assert third.version.digest == run.version.digest
    assert not listed.site.hits


# What is drawn


def test_drawings_are_named_and_go_where_asked(run_curate: Any, dataset: Path, listed: Any, tmp_path: Path) -> None:
    """A plan of lines on paper, listed beside the photographs of the dome."""
    plan = np.full((480, 640, 3), 250, np.uint8)
    for x in range(60, 580, 40):
        cv2.rectangle(plan, (x, 60), (x + 25, 420), (40, 40, 40), 2)
    content = cv2.imencode(".png", plan)[1].tobytes()
    listed.site.answers["/plan.png"] = (200, content)
    more = listed.write([f"plan,{listed.site.url}/plan.png,dome", *listed.lines()], tmp_path / "more.csv")
    kept = run_curate(more, dataset)
    signs = {row["sha256"]: row["sign"] for row in rows_of(dataset, kept.version, "drawings")}
    assert signs[hashlib.sha256(content).hexdigest()] == "ground"
    assert None not in signs.values()
    assert reasons_of(dataset, kept.version)["plan"] == "no-match"
    pages = (dataset / kept.version.folder / "report").rglob("*.html")
    assert any("looks drawn (ground " in page.read_text() for page in pages)

    dropped = run_curate(more, dataset, '[select]\ndrawings = "drop"\n')
    assert not {name for name in dropped.computed if name.startswith("drawings")}
    assert reasons_of(dataset, dropped.version)["plan"] == "drawing"
