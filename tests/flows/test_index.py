"""The flow `index` and the commands that ask what it publishes, over a curated version of made-up photographs."""

import io
import json
import re
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from flows.index import IndexedVersion, index
from flows.review.gates import why_index_not_latest
from flows.settings import IndexFlowSettings, IndexGate, RunSettings, read_index_settings
from storage.errors import InputError
from storage.manifest import IndexManifest
from storage.parquet import write_table
from storage.root import Root
from storage.tables.retrieval import RESULTS
from storage.versions import find_version, list_damage_of, read_manifest
from tasks.describe.descriptors import describe_image
from tasks.describe.network import load_network
from tasks.describe.settings import DescribeSettings, WhitenSettings
from tasks.evaluate.photographs import Described, describe_photographs, describe_queries, rank_exactly, read_scored_set
from tasks.evaluate.results import Conditions, result_rows
from tasks.overlap.groundtruth import stem_of
from tests.text_network import publish_text_network

SETTINGS = IndexFlowSettings(describe=DescribeSettings(longest_sides=(128,)), whiten=WhitenSettings(dimensions=32))


@pytest.fixture(scope="module")
def first(
    server: str, first_run: Any, testset: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, IndexedVersion]:
    """A root with a curated version, and the first index of it."""
    root = Path(shutil.copytree(first_run[0], tmp_path_factory.mktemp("index") / "root"))
    return root, run(root, {"snaps": testset})


def run(root: Path, test_sets: Mapping[str, Path], settings: IndexFlowSettings = SETTINGS) -> IndexedVersion:
    return index("latest", str(root), None, settings, dict(test_sets), run=RunSettings(workers=2))


def rows(root: Path, made: IndexManifest, table: str) -> list[dict[str, Any]]:
    return list(pq.read_table(root / made.folder / f"{table}.parquet").to_pylist())


# What is published


def test_every_readable_image_of_the_version_is_indexed_with_its_class_and_verdict(first, first_run):
    root, made = first
    version = made.version
    assert made.is_new
    assert version.folder == f"indexes/landmarks/1-{version.digest[:12]}"
    assert find_version(Root(str(root)), "landmarks", "latest", IndexManifest) == version
    assert version.source == first_run[1].version.folder.removeprefix("versions/")
    images = pq.read_table(root / first_run[1].version.folder / "images.parquet").to_pylist()
    indexed = {row["image_id"]: row for row in rows(root, version, "indexed")}
    assert {row["sha256"] for row in indexed.values()} == {row["sha256"] for row in images}
    assert version.not_indexed == {}
    verdicts = pq.read_table(root / first_run[1].version.folder / "verdicts.parquet").to_pylist()
    reasons = {(row["image_id"], row["landmark_id"], row["reason"]) for row in verdicts}
    assert all((name, row["landmark_id"], row["reason"]) in reasons for name, row in indexed.items())
    assert {indexed[name]["reason"] for name in ("dome-1", "abbey-1", "bridge-9")} == {"kept", "test-copy"}


def test_the_files_are_an_index_of_the_descriptors_in_the_order_of_the_table(first):
    root, made = first
    folder = root / made.version.folder
    vectors, numbers = np.load(folder / "vectors.npy"), [r["faiss_id"] for r in rows(root, made.version, "indexed")]
    assert vectors.shape == (len(numbers), made.version.dimensions) == (len(numbers), 32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    _, found = faiss.read_index(str(folder / "index.faiss")).search(vectors, 1)
    assert found[:, 0].tolist() == numbers
    assert list_damage_of(Root(str(root)), made.version) == []
    report = (folder / "report/index.html").read_text()
    assert 'href="snaps/index.html"' in report
    assert (folder / "report/snaps/index.html").is_file()
    assert str(root) not in (folder / "manifest.json").read_text()


def test_a_second_run_publishes_nothing_new_and_computes_nothing(first, testset):
    root, made = first
    written = {path: path.stat().st_mtime_ns for path in (root / "stages").rglob("*") if path.is_file()}
    again = run(root, {"snaps": testset})
    assert (again.version, again.is_new) == (made.version, False)
    assert {path: path.stat().st_mtime_ns for path in (root / "stages").rglob("*") if path.is_file()} == written


def test_an_index_like_the_latest_takes_its_network_and_describes_nothing_again(cairn, first, testset):
    root, made = first
    ended = cairn("index", "--root", root, "--test-set", f"snaps={testset}", "--like", "latest", "--json")
    facts = json.loads(ended.output)
    assert (facts["version"], facts["news"]) == (made.version.folder, "nothing new; the latest index is")
    assert facts["chosen"] == made.version.chosen.model_dump()
    assert [row["test_set"] for row in facts["scores"]] == ["snaps"]


def test_the_scores_are_those_of_its_network_and_say_that_nothing_is_certified(first, testset):
    root, made = first
    network = load_network(SETTINGS.describe, (root / made.version.folder / "whitening.safetensors").read_bytes())
    scored = read_scored_set("snaps", testset)
    describe = partial(describe_image, network)
    found = list(describe_photographs(describe, scored.photographs))
    photographs = [one for one in found if isinstance(one, Described)]
    unreadable = [(one.path, str(one.reason)) for one in found if not isinstance(one, Described)]
    assert unreadable == [("broken_1.jpg", "truncated-image")]
    vectors = np.array([photograph.vector for photograph in photographs])
    rankings = rank_exactly(vectors, describe_queries(describe, scored.truth, testset, photographs))
    label = f"efficientnet-lite0 rmac {made.version.network[:12]}"
    expected = Conditions("snaps", "128", True, label, made.version.source, "", "not certified")
    names = [stem_of(photograph.path) for photograph in photographs]
    assert rows(root, made.version, "results") == result_rows(scored.truth, rankings, names, expected)


# On the command line


def test_a_search_finds_the_photograph_of_which_the_query_is_a_smaller_copy(cairn, first, listed, tmp_path):
    root, made = first
    photo = tmp_path / "<b>query.jpg"
    Image.open(io.BytesIO(listed.view_of("dome", "dome-2"))).resize((420, 315)).save(photo, quality=70)
    ended = cairn("search", photo, "--root", root, "--count", 5, "--out", tmp_path / "sheet")
    assert ended.code == 0, ended.errors
    assert ended.output.splitlines()[1].split()[:4] == ["1", "dome-2", "dome", "kept"]
    page = (tmp_path / "sheet/index.html").read_text()
    assert "&lt;b&gt;query.jpg" in page
    assert made.version.folder in page
    assert page.count('class="located"') == 5
    assert len(list((tmp_path / "sheet/pictures").iterdir())) == 6


def test_a_search_with_a_box_writes_its_page_below_the_root(cairn, first, listed, tmp_path):
    photo = tmp_path / "query.jpg"
    photo.write_bytes(listed.view_of("abbey", "abbey-2"))
    ended = cairn(
        *("search", photo, "--root", first[0], "--box", 20, 10, 400, 300, "--count", 1),
        *("--expand", 2, "--alpha", 3, "--objects", 3),
    )
    assert ended.code == 0, ended.errors
    assert ended.output.splitlines()[1].split()[1] == "abbey-2"
    (page,) = (first[0] / "searches").glob("*/index.html")
    assert f"page: {page}" in ended.output


@pytest.mark.parametrize(
    ("content", "more", "said"),
    [
        (b"<!doctype html>", (), "not-an-image"),
        (None, ("--box", 0, 0, 9999, 10), "does not lie in its"),
        (None, ("--index", "z"), "0 versions of 'landmarks' in"),
    ],
)
def test_a_query_that_is_no_use_is_refused_in_one_line(cairn, first, listed, tmp_path, content, more, said):
    photo = tmp_path / "query.jpg"
    photo.write_bytes(content or listed.view_of("abbey", "never seen"))
    ended = cairn("search", photo, "--root", first[0], *more)
    assert (ended.code, ended.output) == (2, "")
    assert ended.errors.startswith("error: ")
    assert ended.errors.count("\n") == 1
    assert said in ended.errors


@pytest.fixture(scope="module")
def worded(first, server, tmp_path_factory) -> Path:
    """The root once more, with an index of a network that knows three words, and later ones that know none."""
    root = Path(shutil.copytree(first[0], tmp_path_factory.mktemp("worded") / "root"))
    store = Root(str(root))
    said = {row["image_id"]: f"the old {row['landmark_id']}" for row in rows(root, first[1].version, "indexed")}
    publish_text_network(store, first[1].version, said)
    index("latest", str(root), None, SETTINGS, network="latest")
    return root


def test_a_text_finds_what_it_was_said_of_and_the_page_shows_regions(cairn, worded, tmp_path):
    ended = cairn("search", "--text", "That DOMES!", "--root", worded, "--count", 6, "--out", tmp_path)
    assert ended.code == 0, ended.errors
    assert ended.errors == "not in its vocabulary, and passed over: that\n"
    found = [line.split() for line in ended.output.splitlines()[1:7]]
    assert {line[2] for line in found} == {"dome"}
    page = (tmp_path / "index.html").read_text()
    assert "“That DOMES!”" in page
    assert page.count('class="tile"') == 6
    assert page.count('<rect class="region"') >= 6
    assert len(list((tmp_path / "pictures").iterdir())) == 6


def test_a_text_modifies_a_photograph(cairn, worded, listed, tmp_path):
    photo = tmp_path / "query.jpg"
    photo.write_bytes(listed.view_of("abbey", "abbey-2"))
    alone = cairn("search", photo, "--root", worded, "--count", 1)
    assert alone.output.splitlines()[1].split()[1] == "abbey-2"
    ended = cairn("search", photo, "--text", "bridge", "--root", worded, "--count", 12, "--out", tmp_path / "sheet")
    assert ended.code == 0, ended.errors
    assert {line.split()[2] for line in ended.output.splitlines()[1:13]} >= {"abbey", "bridge"}
    page = (tmp_path / "sheet/index.html").read_text()
    assert page.count("by the photograph") == page.count("by the text") == 12
    similarities = re.findall(r'class="similarity">(-?[0-9.]+)</b>', page)
    for photograph, text, both in zip(*[map(float, similarities)] * 3, strict=True):
        assert photograph + text == pytest.approx(both, abs=2e-3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "nothing to search for; give a PHOTO, --text, or both"),
        (("--text", "bridge", "--box", 0, 0, 99, 99), "--box is what of a photograph is searched for; give PHOTO too"),
        (("--text", "bridge", "--objects", 3), "--objects ranks by what results show of a photograph alone"),
        (("--text", "the unheard"), "no word of 'the unheard' has a weight in the vocabulary of networks/landmarks/1-"),
        (("--text", "bridge", "--index", "1"), "can't be searched by text: network"),
    ],
)
def test_what_can_not_be_searched_for_is_told_in_one_line(cairn, worded, arguments, said):
    ended = cairn("search", "--root", worded, *arguments)
    assert (ended.code, ended.output) == (2, "")
    assert ended.errors.startswith("error: ")
    assert ended.errors.count("\n") == 1
    assert said in ended.errors


def test_an_index_is_listed_and_evaluated_by_command(cairn, server, first, testset):
    root, made = first
    listed = cairn("indexes", "--root", root).output
    assert made.version.digest[:12] in listed
    ended = cairn("evaluate", f"snaps={testset}", "--root", root)
    (row,) = rows(root, made.version, "results")
    assert ended.code == 0, ended.errors
    assert f"{row['mean_average_precision']:.3f}" in ended.output
    assert "not certified" in ended.output


@pytest.mark.parametrize("is_the_same", [True, False])
def test_a_certificate_counts_for_the_photographs_that_it_is_of(cairn, server, first, listed, tmp_path, is_the_same):
    """Another set of the same name, of as many photographs called alike, is not certified by it."""
    root, made = first
    shutil.copytree(listed.testset, tmp_path, dirs_exist_ok=True)
    (tmp_path / "queries.csv").write_text("query,image,x1,y1,x2,y2\ntower,tower_000001.jpg,,,,\n")
    (tmp_path / "answers.csv").write_text("query,image,grade\ntower,tower_000002.jpg,positive\n")
    if not is_the_same:
        photograph = tmp_path / "tower_000001.jpg"
        Image.open(photograph).resize((300, 200)).save(photograph)
    ended = cairn("evaluate", f"tests={tmp_path}", "--root", root)
    assert ended.code == 0, ended.errors
    dataset, _, folder = made.version.source.partition("/")
    certificate = read_manifest(Root(str(root)), dataset, folder).tables["certificate"].digest
    assert (certificate[:13] in ended.output, "not certified" in ended.output) == (is_the_same, not is_the_same)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("index", "z"), "0 versions of 'landmarks' in"),
        (("index", "--test-set", "snaps=/nowhere"), "no folder /nowhere"),
        (("evaluate", "snaps"), "expected NAME=DIR"),
    ],
)
def test_what_is_asked_is_checked_before_any_work(cairn, first, arguments, said):
    ended = cairn(*arguments, "--root", first[0])
    assert (ended.code, ended.output) == (2, "")
    assert said in ended.errors


def test_an_index_whose_vectors_were_changed_is_found_out(cairn, first, tmp_path):
    root = shutil.copytree(first[0], tmp_path / "root")
    assert cairn("verify", "--kind", "indexes", "--root", root).code == 0
    vectors = root / first[1].version.folder / "vectors.npy"
    content = bytearray(vectors.read_bytes())
    content[-1] ^= 1
    vectors.write_bytes(content)
    ended = cairn("verify", "--kind", "indexes", "--root", root)
    assert (ended.code, "vectors.npy is gone or damaged" in ended.output) == (1, True)


def test_a_setting_that_there_is_none_of_is_named(tmp_path):
    (tmp_path / "settings.toml").write_text("[describe]\nbackbones = 'resnet50'\n")
    with pytest.raises(InputError, match=r"describe\.backbones"):
        read_index_settings(tmp_path / "settings.toml")


# Which index becomes the latest


def worse(root: Path, made: IndexManifest, by: float, *, scored: bool = True) -> IndexManifest:
    """An index like another whose scores are lower, or that has none."""
    results = pq.read_table(root / made.folder / "results.parquet").to_pylist()
    lower = [row | {"mean_average_precision": row["mean_average_precision"] - by} for row in results if scored]
    other = made.model_copy(update={"digest": "f" * 64, "number": 2})
    table = pa.Table.from_pylist(lower, RESULTS.schema)
    ref = write_table(Root(str(root)), f"{other.folder}/results.parquet", RESULTS, table)
    tables = {**made.tables, "results": ref.model_copy(update={"path": "results.parquet"})}
    return other.model_copy(update={"tables": tables})


def test_an_index_that_finds_less_than_the_latest_is_not_made_the_latest(first):
    root, made = first
    store, gate = Root(str(root)), IndexGate(most_lost=0.05)
    assert why_index_not_latest(store, made.version, gate) == []
    assert why_index_not_latest(store, worse(root, made.version, 0.04), gate) == []
    refused = why_index_not_latest(store, worse(root, made.version, 0.06), gate)
    assert "snaps, own: mAP is 0.060 below that of indexes/landmarks/1-" in str(refused)
    assert why_index_not_latest(store, worse(root, made.version, 0.06), IndexGate()) == []
    assert "below that of" in str(why_index_not_latest(store, worse(root, made.version, float("nan")), gate))
    unscored = worse(root, made.version, 0.0, scored=False)
    assert "snaps, own: it was not scored, and indexes/" in str(why_index_not_latest(store, unscored, gate))


def test_an_index_that_is_to_be_certified_and_is_not_is_published_beside_the_latest(cairn, first, testset):
    root, made = first
    settings = root / "index.toml"
    settings.write_text("[describe]\nlongest_sides = [128]\n[whiten]\ndimensions = 32\n")
    asked = ("--root", root, "--settings", settings, "--test-set", f"snaps={testset}", "--certified")
    ended = cairn("index", *asked)
    assert ended.code == 4
    assert "snaps is not certified" in ended.errors
    assert find_version(Root(str(root)), "landmarks", "latest", IndexManifest) == made.version
