"""`cairn plan LIST`: what it says, of a list that is new and of one that the root knows."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from flows.commands.cautions import cautions
from flows.commands.spans import effort, size, span
from flows.planning.plan import ListStats, Plan, plan_curation
from flows.planning.prior_outcomes import NOTHING, read_prior_outcomes, without_outcome
from flows.settings import CurateSettings
from storage.heads import Journal, shard_folder
from storage.root import Root
from storage.tables.acquisition import DROPS, FETCH_LOG, IMAGES
from storage.versions import find_version, read_version_table
from tasks.acquire.estimate import Host
from tasks.acquire.sources import read_sources

QUICK = "[features]\nlongest_side = 320\nmax_keypoints = 300\n"


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text(QUICK)
    return path


def write_list(folder: Path, rows: int, hosts: list[str], classes: int) -> Path:
    """Rows go to the hosts and to the classes by turns."""
    path = folder / "list.csv"
    lines = [f"{n},http://{hosts[n % len(hosts)]}/{n}.jpg,{n % classes}" for n in range(rows)]
    path.write_text("\n".join(["id,url,landmark_id", *lines, lines[0]]) + "\n")
    return path


def words_of(output: str) -> str:
    return re.sub(r"\s+", " ", output)


def test_a_new_list(cairn: Any, tmp_path: Path, settings: Path) -> None:
    listed = write_list(tmp_path, 90, ["one.example", "one.example", "two.example"], 3)
    before = sorted(tmp_path.rglob("*"))
    ended = cairn("plan", listed, "--root", tmp_path / "root", "--settings", settings, "--workers", 2)
    assert ended.code == 0
    assert sorted(tmp_path.rglob("*")) == before  # nothing is written
    said = words_of(ended.output)
    for part in (
        "rows 91 (1 repeat others)",
        "classes 3; the largest has 30 images, the median 30",
        "pairs 1,305 inside classes; all are compared",
        "one.example 60 66.7% 12 s",
        "two.example 30 33.3% 6 s",
        "features 90 images",
        "at least 12 s at 5 requests a second to a host",
        "with 2 workers",
        "27 MB of images (300 KB an image, assumed)",
        "24 drawn pictures of 1280 × 960 pixels",
    ):
        assert part in said
    assert "known" not in said
    assert "overlap" not in said


def test_a_list_that_the_root_knows(cairn: Any, first_run: Any, listed: Any, settings: Path) -> None:
    ended = cairn("plan", listed.path, "--root", first_run[0], "--name", "landmarks", "--settings", settings)
    assert ended.code == 0
    said = words_of(ended.output)
    assert "0 new to fetch" in said
    assert re.search(r"[1-9]\d* fetched before, [1-9]\d* failed before", said)
    assert re.search(r"acquire 0 addresses", said)
    assert re.search(r"on \d+ images of the list, in", said)
    assert "are not asked: 2 of the list" in said  # those without an image
    assert f"--allow-host {listed.site.url.removeprefix('http://')}" in said


def test_test_sets_are_counted(cairn: Any, tmp_path: Path, listed: Any, settings: Path) -> None:
    options = ("--root", tmp_path / "root", "--settings", settings, "--test-set", f"tests={listed.testset}")
    said = words_of(
        cairn("plan", listed.path, *options, "--allow-host", listed.site.url.removeprefix("http://")).output
    )
    assert "--allow-host" not in said
    assert re.search(r"signature [1-9]\d* images", said)
    assert re.search(r"overlap [1-9]\d* pairs", said)


def test_a_folder_is_not_fetched(cairn: Any, tmp_path: Path, listed: Any, settings: Path) -> None:
    for number in range(1, 8):
        path = tmp_path / "images" / "abbey" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(listed.view_of("abbey", f"abbey-{number}"))
    said = words_of(cairn("plan", tmp_path / "images", "--root", tmp_path / "root", "--settings", settings).output)
    assert "host" not in said
    assert "fetching" not in said
    assert "7 images of the list" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--name", "../up"), "name '../up'"),
        (("--test-set", "tests=nowhere"), "test set 'tests': no folder"),
        (("--settings", "none.toml"), "none.toml"),
        (("--root", "nosuch://bucket"), "nosuch://bucket"),
    ],
    ids=["name", "test-set", "settings", "root"],
)
def test_what_a_user_gets_wrong(cairn: Any, tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    listed = write_list(tmp_path, 3, ["one.example"], 1)
    ended = cairn("plan", listed, "--root", tmp_path / "root", *options)
    assert ended.code == 2
    assert said in ended.errors
    assert not (tmp_path / "root").exists()


# What is known


def test_addresses_without_an_outcome_are_new(first_run: Any, listed: Any) -> None:
    known = read_prior_outcomes(Root(str(first_run[0])), "landmarks")
    addresses = read_sources(listed.path)["url"]
    urls = pa.chunked_array([addresses.unique(), ["http://one.example/1.jpg"]])
    new, fetched, failed = without_outcome(urls, known)
    assert new.to_pylist() == ["http://one.example/1.jpg"]
    assert (fetched, failed) == (len(urls) - 3, 2)  # abbey-9 is gone, bridge-8 a page


def test_an_empty_root_knows_nothing(tmp_path: Path) -> None:
    assert read_prior_outcomes(Root(str(tmp_path)), "landmarks") == NOTHING


def test_what_an_interrupted_run_wrote_down_is_known(first_run: Any, tmp_path: Path) -> None:
    done, root = Root(str(first_run[0])), Root(str(tmp_path))
    version = find_version(done, "landmarks", "latest")
    rows = {spec.name: read_version_table(done, version, spec.name) for spec in (IMAGES, FETCH_LOG)}
    journal = Journal(root, f"{shard_folder('landmarks', 'shard-001')}/0-abc", (IMAGES, DROPS, FETCH_LOG))
    journal.add({**rows, "drops": DROPS.schema.empty_table()})
    of_version, of_journal = read_prior_outcomes(done, "landmarks"), read_prior_outcomes(root, "landmarks")
    assert sorted(of_journal.log["url"].to_pylist()) == sorted(of_version.log["url"].to_pylist())
    assert of_journal.images.num_rows == of_version.images.num_rows


# What to think over


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """Of forty images of one host, in four classes."""
    folder = tmp_path_factory.mktemp("planned")
    listed = write_list(folder, 40, ["one.example"], 4)
    settings = CurateSettings.model_validate({"features": {"longest_side": 320, "max_keypoints": 100}})
    return plan_curation(listed, settings, str(folder / "root"), None, {}, workers=1)


def test_nothing_to_think_over(made: Plan, tmp_path: Path) -> None:
    assert cautions(made, Root(str(tmp_path))) == []


def thought_over(made: Plan, **asked: Any) -> str:
    """What is cautioned of a list like this one, but for what is told."""
    changed: ListStats = replace(made.asked, **asked)
    return " ".join(cautions(replace(made, asked=changed), Root(str(Path(__file__).parent))))


def test_a_contact_is_needed_above_a_thousand_rows(made: Plan) -> None:
    assert "no contact" not in thought_over(made, rows=1000)
    assert "no contact" not in thought_over(made, rows=1001, hosts=[], is_folder=True)
    assert "[polite] contact" in thought_over(made, rows=1001)
    polite = made.settings.polite.model_copy(update={"contact": "me@one.example"})
    content = replace(made, settings=made.settings.model_copy(update={"polite": polite}))
    assert "no contact" not in thought_over(content, rows=1001)


def test_a_host_that_sets_the_time_alone(made: Plan) -> None:
    hosts = [Host("one.example", 90_000), Host("two.example", 10_000)]
    assert "one.example has 90% of the images" in thought_over(replace(made, fetch_seconds=18_000.0), hosts=hosts)
    assert "one.example" not in thought_over(replace(made, fetch_seconds=18.0), hosts=hosts)
    even = [Host("one.example", 50_000), Host("two.example", 50_000)]
    assert "one.example" not in thought_over(replace(made, fetch_seconds=18_000.0), hosts=even)
    assert "more than a week" in thought_over(replace(made, fetch_seconds=8 * 86_400.0), hosts=even)


def test_addresses_of_no_host(made: Plan) -> None:
    assert "2 addresses are not of http or https" in thought_over(made, new=42)
    assert "addresses" not in thought_over(made, new=42, hosts=[], is_folder=True)


def test_hosts_that_will_be_blocked(made: Plan) -> None:
    said = thought_over(made, blocked=[Host("127.0.0.1:8765", 30), Host("10.0.0.1:80", 2)])
    assert "are not asked: 32 of the list" in said
    assert "--allow-host 127.0.0.1:8765 --allow-host 10.0.0.1:80" in said


def test_classes_too_small_and_larger_than_was_measured(made: Plan) -> None:
    said = thought_over(made, sizes=np.array([1, 2, 3, 4000]))
    assert "2 of 4 classes have fewer than 3 images: their 3 are fetched" in said
    assert "the largest class has 4,000 images" in said


def test_what_the_machine_lacks(made: Plan, tmp_path: Path) -> None:
    assert "GB of memory are needed" in thought_over(made, rows=10**12)
    huge = replace(made, asked=replace(made.asked, new=10**12, hosts=[], is_folder=True))
    assert "GB free" in " ".join(cautions(huge, Root(str(tmp_path / "not/yet/there"))))
    works = [replace(work, seconds=1e6) for work in made.works]
    assert "--runner dask" in thought_over(replace(made, works=works))


# Words


@pytest.mark.parametrize(
    ("seconds", "as_span", "as_effort"),
    [
        (0.0, "nothing", "nothing"),
        (0.2, "1 s", "1 s"),
        (119.4, "119 s", "119 s"),
        (120.0, "2.0 min", "2.0 min"),
        (3600.0, "60 min", "60 min"),
        (9000.0, "2.5 h", "2.5 h"),
        (3 * 86_400.0, "3.0 days", "72 h"),
        (5376 * 3600.0, "224.0 days", "5,376 h"),
    ],
)
def test_times_in_words(seconds: float, as_span: str, as_effort: str) -> None:
    assert (span(seconds), effort(seconds)) == (as_span, as_effort)


@pytest.mark.parametrize(("count", "words"), [(0, "0 MB"), (2.5e8, "250 MB"), (3e9, "3.0 GB"), (1.25e12, "1.2 TB")])
def test_bytes_in_words(count: float, words: str) -> None:
    assert size(count) == words
