"""From captions to scores: their images are listed, curated, indexed, searched by words, and scored beside captions."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow.parquet as pq
import pytest

from flows.captions import captions
from flows.commands.image_list import SETTINGS, write_list
from flows.commands.near import Encodings
from flows.commands.shared_images import open_scored, share
from flows.index import index
from flows.settings import CaptionsSettings, IndexFlowSettings, RunSettings
from storage.errors import InputError
from storage.manifest import CaptionManifest, IndexManifest, Manifest
from storage.root import Root
from tasks.captions.settings import SplitSettings, TripletSettings
from tasks.describe.photographs import without_leaks
from tasks.describe.settings import DescribeSettings, WhitenSettings
from tests.captioned import IDS, KINDS, NAMES, annotations
from tests.text_network import publish_text_network

GONE, TWICE = IDS["abbey-9"], IDS["dome-8"]
DESCRIBE = IndexFlowSettings(describe=DescribeSettings(longest_sides=(96,)), whiten=WhitenSettings(dimensions=16))


class Made(NamedTuple):
    """A root, with captions, a list of their images that was curated, and indexes of it by two networks."""

    root: Path
    captions: CaptionManifest
    version: Manifest
    indexes: list[IndexManifest]


@pytest.fixture(scope="module")
def made(server, run_curate, _built, tmp_path_factory) -> Made:
    folder = tmp_path_factory.mktemp("captioned")
    store, path = Root(str(folder / "root")), folder / "list.csv"
    settings = CaptionsSettings(
        split=SplitSettings(val_percent=0, test_percent=60),
        triplets=TripletSettings(nearest=2, min_similarity=0.01, min_gap=0.01),
    )
    files = annotations(folder, _built.site.url)
    said = captions(files, "said", store.url, settings, RunSettings(workers=2)).version
    assert write_list(store, said, path) == (len(NAMES), 1)
    listed = type(_built)(path, _built.settings, _built.testset, _built.site)
    version = run_curate(listed, folder / "root", settings=SETTINGS).version
    first = index("latest", store.url, None, DESCRIBE).version
    publish_text_network(store, first, {IDS[name]: KINDS[name[:-2]] for name in NAMES}, said)
    second = index("latest", store.url, None, DESCRIBE, network="latest").version
    return Made(folder / "root", said, version, [first, second])


def rows(made: Made, version: Any, table: str) -> list[dict[str, Any]]:
    return list(pq.read_table(made.root / version.folder / f"{table}.parquet").to_pylist())


# From captions to an index


def test_every_image_that_can_be_fetched_may_train_and_is_indexed(made):
    verdicts = pq.read_table(made.root / made.version.folder / "verdicts.parquet")
    reasons = dict(zip(verdicts["image_id"].to_pylist(), verdicts["reason"].to_pylist(), strict=True))
    assert reasons.keys() == set(IDS.values())
    assert reasons.pop(GONE) == "http-error"
    assert set(reasons.values()) <= {"kept", "other-class"}  # views of one scene are still found
    images = pq.read_table(made.root / made.version.folder / "images.parquet")
    assert set(without_leaks(images, verdicts)["image_id"].to_pylist()) == reasons.keys()
    indexed = {row["image_id"] for row in rows(made, made.indexes[0], "indexed")}
    assert reasons.keys() - indexed in ({TWICE}, {IDS["dome-1"]})  # the same bytes are one image of an index


def test_the_list_and_what_it_needs_are_told(cairn, made, tmp_path):
    ended = cairn("captions", "list", "--out", tmp_path / "list.csv", "--root", made.root)
    assert ended.code == 0, ended.errors
    assert "1 images have no address" in ended.errors
    assert SETTINGS in ended.output
    facts = json.loads(cairn("captions", "list", "--out", tmp_path / "list.csv", "--root", made.root, "--json").output)
    assert (facts["images"], facts["without_address"], facts["settings"]) == (len(IDS), 1, SETTINGS)
    with (tmp_path / "list.csv").open() as file:
        listed = [(row["id"], row["landmark_id"], row["url"].rsplit("/", 1)[-1]) for row in csv.DictReader(file)]
    assert listed == [(image_id, image_id, f"{name}.jpg") for name, image_id in IDS.items()]
    ended = cairn("captions", "list", "--out", tmp_path, "--root", made.root)
    assert (ended.code, "give an --out that can be written" in ended.errors) == (2, True)


def test_captions_find_images_by_words(cairn, made, tmp_path):
    asked = ("search", "--text", "steel bridges", "--count", 4, "--root", made.root, "--out", tmp_path, "--json")
    bridges = {image_id for name, image_id in IDS.items() if name.startswith("bridge")}
    for more, called in ((), "text"), (("--expand", 2), "query, expanded"):
        ended = cairn(*asked, *more)
        assert ended.code == 0, ended.errors
        found = json.loads(ended.output)["found"]
        assert {one["image_id"] for one in found} <= bridges
        for one in found:
            (share,) = one["shares"]
            assert (share["name"], share["similarity"]) == (called, pytest.approx(one["similarity"], abs=1e-5))
            assert sum(region["similarity"] for region in share["regions"]) > 0
            assert all(len(region["box"]) == 4 for region in share["regions"])


# Scores


def test_indexes_are_scored_beside_captions_and_chance(cairn, made, tmp_path):
    asked = ("captions", "score", "--index", "landmarks/1", "--index", "2", "--root", made.root)
    ended = cairn(*asked, "--out", tmp_path / "scores.csv")
    assert ended.code == 0, ended.errors
    assert "lacks" in ended.errors  # what is gone is of the test split, or its copy is
    assert "split test: " in ended.output
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert scores.method.tolist() == [
        *("caption tf-idf", "random (5 runs)", "visual, untrained", "(V+T, V)", "(V+T, V+T)")
    ]
    assert scores["query"].tolist()[2:] == ["image", "image", "image + text"]
    by_method = scores.set_index("method")
    for measure in ("agreement", "ndcg", "ndcg_linear", "pcc", "pcc_all"):
        assert by_method[measure]["caption tf-idf"] == pytest.approx(1)
        assert by_method[measure]["random (5 runs)"] < by_method[measure]["(V+T, V+T)"] <= 1
        assert by_method[f"{measure}_spread"].notna().tolist() == [False, True, False, False, False]
    assert scores.people.isna().all()
    told = json.loads(cairn(*asked, "--json").output)
    assert told["captions"] == made.captions.folder
    assert [one["ndcg"] for one in told["scores"]] == pytest.approx(scores.ndcg.tolist())
    tested = [row["image_id"] for row in rows(made, made.captions, "caption_images") if row["split"] == "test"]
    assert (
        told["queries"]
        == told["images"]
        == len(set(tested) & {row["image_id"] for row in rows(made, made.indexes[0], "indexed")})
    )


def test_people_are_told_by_all_and_by_unanimous_triplets(cairn, made, tmp_path):
    """Files are named as people were shown them; one triplet has an image that there is none of."""
    first, second, other = (f"folder/{int(IDS[name]):012}.jpg" for name in ("bridge-1", "bridge-2", "dome-2"))
    answers = [
        ("Ann", first, second, other, "a"),
        ("Ben", first, second, other, "a"),
        ("Ann", other, first, second, "tie"),
    ]
    lines = [f"{query},{a},{b},{person},{answer}" for person, query, a, b, answer in answers]
    (tmp_path / "answers.csv").write_text("\n".join(["query,a,b,person,answer", *lines, "1,2,777,Ann,a"]) + "\n")
    asked = ("--index", "2", "--triplets", tmp_path / "answers.csv", "--root", made.root)
    ended = cairn("captions", "score", *asked, "--json")
    assert ended.code == 0, ended.errors
    assert "1 of 3 triplets have other images" in ended.errors
    told = json.loads(ended.output)
    assert (told["triplets_of_people"], told["unanimous_triplets"]) == (2, 1)
    people, oracle, *_ = told["scores"]
    assert (people["method"], people["people"], people["ndcg"]) == ("people, each left out", 1.0, None)
    assert (oracle["people"], oracle["unanimous"]) == (0.75, 1.0)


def test_a_network_is_called_by_what_it_learned_from(made):
    own = open_scored(Root(str(made.root)), "2")
    assert own.network
    images_alone = own.network.model_copy(update={"tables": {"backbone": own.network.tables["backbone"]}})
    by_classes = images_alone.model_copy(update={"captions": ""})
    assert [replace(own, network=one).method for one in (own.network, images_alone, by_classes, None)] == [
        *("(V+T, V)", "(V, V)", "visual, by classes", "visual, untrained")
    ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--index", "z"), "0 versions of 'landmarks'"),
        (("--index", "nobody/1"), "0 versions of 'nobody'"),
        (("--index", "1", "--triplets", "none.csv"), "none.csv: "),
        (("--index", "1", "--out", "/nowhere/scores.csv"), "give an --out that can be written"),
    ],
)
def test_what_can_not_be_scored_is_told_in_one_line(cairn, made, more, said):
    ended = cairn("captions", "score", "--root", made.root, *more)
    assert (ended.code, ended.output) == (2, "")
    assert said in ended.errors.splitlines()[-1]


def test_an_index_of_other_images_is_refused(made):
    """Its images have other ids: nothing is joined, and how to have these is told."""
    own = open_scored(Root(str(made.root)), "1")
    others = replace(own, rows={f"photographs/{image_id}.jpg": row for image_id, row in own.rows.items()})
    with pytest.raises(InputError, match=r"0 test images of captions/said/1-.* curated from `cairn captions list`"):
        share(Encodings(Root(str(made.root)), made.captions), [own, others], None)
