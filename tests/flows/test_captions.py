"""The flow `captions` from files to a version: what it publishes, remembers, refuses and answers."""

import hashlib
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import scipy.sparse as sp
from PIL import Image

from flows.captions import STAGES, Captioned, captions
from flows.captions_request import check_captions_request
from flows.settings import CaptionsSettings, RunSettings, read_captions_settings
from storage.errors import InputError
from storage.manifest import CaptionManifest
from storage.root import Root
from storage.versions import find_version, list_names
from tasks.acquire.address import host_of
from tasks.acquire.settings import RemoteFile
from tasks.captions.settings import ArchiveSettings, NeighbourSettings, ParseSettings, TripletSettings

ANNOTATIONS = Path(__file__).parents[1] / "tasks/captions/annotations"
PLAIN = [ANNOTATIONS / f"v1.2.0/{kind}.json" for kind in ("image_data", "region_descriptions", "objects")]
OTHERS = [ANNOTATIONS / f"v1.2.0/{kind}.json" for kind in ("attributes", "relationships")]
SETTINGS = CaptionsSettings(
    triplets=TripletSettings(pool=5, nearest=1, min_similarity=0.01, min_gap=0.01), neighbours=NeighbourSettings(k=3)
)

Run = Callable[..., Captioned]


@pytest.fixture(scope="module")
def run(server: str) -> Run:
    """Runs the flow against the server of the tests."""

    def call(
        root: Path, files: list[Path] | None = PLAIN, settings: CaptionsSettings = SETTINGS, **more: Any
    ) -> Captioned:
        workers = more.pop("workers", 2)
        return captions(files, "vg", str(root), settings, RunSettings(workers=workers), **more)

    return call


@pytest.fixture(scope="module")
def first(run: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Captioned]:
    """A root, and what the first run over all files there gave."""
    root = tmp_path_factory.mktemp("captions") / "root"
    return root, run(root, PLAIN + OTHERS, note="Made by hand <b>for tests</b>.")


def rows(root: Path, version: CaptionManifest, table: str) -> list[dict[str, Any]]:
    return list(pq.read_table(root / version.folder / f"{table}.parquet").to_pylist())


# What a run publishes


def test_the_first_run_publishes_a_version(first: tuple[Path, Captioned]) -> None:
    root, made = first
    version = made.version
    assert made.is_new
    assert version.folder == f"captions/vg/1-{version.digest[:12]}"
    assert find_version(Root(str(root)), "vg", "latest", CaptionManifest) == version
    assert list_names(Root(str(root))) == []  # no curated list
    facts = version.encodings["captions"]
    assert (facts.images, facts.train_images, facts.terms, facts.empty) == (7, 5, 15, 2)
    assert facts.left_out == {"in no training image": 2}
    assert version.encodings["objects"].left_out == {"without a synset": 1, "in no training image": 2}
    assert {source.kind: source.rows for source in version.sources} == {
        "image_data": 7, "region_descriptions": 12, "objects": 10, "attributes": 10, "relationships": 3,
    }  # fmt: skip
    assert version.settings["encode"] == {"stemmer": "snowball", "stop_words": [], "min_df": 1, "sublinear": False}
    assert {"nltk", "scikit-learn", "scipy"} <= version.software.keys()


def test_every_table_has_the_digest_that_the_manifest_tells(first: tuple[Path, Captioned]) -> None:
    root, made = first
    assert set(made.version.tables) == set(CaptionManifest.contents)
    for name, ref in made.version.tables.items():
        content = (root / made.version.folder / ref.path).read_bytes()
        assert hashlib.sha256(content).hexdigest() == ref.digest, name


def test_tables_and_matrices_open_by_themselves(first: tuple[Path, Captioned]) -> None:
    root, made = first
    images = rows(root, made.version, "caption_images")
    assert [image["image_id"] for image in images] == ["1", "2", "3", "4", "5", "6", "16"]
    assert [image["split"] for image in images] == ["val", *["train"] * 5, "test"]
    assert (images[3]["phrases"], images[3]["tokens"], images[3]["objects"], images[0]["coco_id"]) == (3, 13, 3, 501)
    folder = root / made.version.folder
    weights = sp.load_npz(folder / "caption_weights.npz")
    assert weights.shape == (7, 15)
    with np.load(folder / "object_weights.npz", allow_pickle=False) as file:
        assert file["shape"].tolist() == [7, 4]
    near = rows(root, made.version, "caption_neighbours")
    dense = weights.toarray()
    for entry in near:
        expected = dense @ dense[entry["row"]]
        expected[entry["row"]] = 0
        assert entry["similarities"] == pytest.approx(np.sort(expected[expected > 0])[::-1][:3].tolist(), abs=1e-6)
    assert {row["image_id"] for row in rows(root, made.version, "empty_vectors") if row["encoding"] == "captions"} == {
        *("6", "16")
    }
    triplets = rows(root, made.version, "caption_triplets")
    assert len(triplets) == made.version.triplets.drawn > 0
    assert made.version.triplets.drawn + sum(made.version.triplets.without.values()) == 7


def test_the_same_again_is_nothing_new_and_computes_nothing(run: Run, first: tuple[Path, Captioned]) -> None:
    root, made = first
    before = {path: path.stat().st_mtime_ns for path in (root / "stages").rglob("*.*") if "records" not in str(path)}
    again = run(root, OTHERS + PLAIN, note="Made by hand <b>for tests</b>.")
    assert not again.is_new
    assert again.version == made.version
    after = {path: path.stat().st_mtime_ns for path in (root / "stages").rglob("*.*") if "records" not in str(path)}
    assert after == before


def test_one_worker_and_zipped_files_give_the_same_bytes(
    run: Run, first: tuple[Path, Captioned], tmp_path: Path
) -> None:
    files = []
    for path in PLAIN + OTHERS:
        files.append(tmp_path / f"{path.name}.zip")
        with zipfile.ZipFile(files[-1], "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, path.name)
    made = run(tmp_path / "root", files, workers=1)
    assert made.version.digest == first[1].version.digest


def test_its_stages_can_be_sent_to_other_processes() -> None:
    assert all(pickle.loads(pickle.dumps(stage)) is stage for stage in STAGES)


def test_the_old_format_gives_the_same_captions(run: Run, first: tuple[Path, Captioned], tmp_path: Path) -> None:
    old = run(tmp_path, [ANNOTATIONS / "v1.0.0"]).version
    new = first[1].version
    for table in ("caption_weights", "caption_vocabulary", "caption_neighbours", "caption_triplets", "regions"):
        assert old.tables[table].digest == new.tables[table].digest, table
    assert old.encodings["objects"].terms == 0
    assert old.encodings["objects"].left_out == {"without a synset": 10}


def test_coco_becomes_the_same_tables(cairn: Any, server: str, first: tuple[Path, Captioned], tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(
        "[triplets]\npool = 5\nnearest = 1\nmin_similarity = 0.01\nmin_gap = 0.01\n[neighbours]\nk = 3\n"
    )
    arguments = ("--name", "coco", "--root", tmp_path / "root", "--settings", settings, "--workers", 2)
    ended = cairn("captions", "run", ANNOTATIONS / "coco", *arguments, "--json")
    assert ended.code == 0, ended.errors
    assert json.loads(ended.output)["encodings"]["captions"]["images"] == 7
    version = find_version(Root(str(tmp_path / "root")), "coco", "latest", CaptionManifest)
    for table in ("caption_weights", "caption_neighbours", "caption_triplets"):  # the same phrases, in other files
        assert version.tables[table].digest == first[1].version.tables[table].digest, table
    assert [(source.kind, source.records, source.rows) for source in version.sources] == [
        ("captions_train2017", 4, 9),
        ("captions_val2017", 3, 3),
    ]
    images = rows(tmp_path / "root", version, "caption_images")
    assert images[0]["url"] == "http://images.example/train2017/000000000001.jpg"
    card = (tmp_path / "root" / version.folder / "README.md").read_text()
    assert "COCO Consortium" in card
    assert "Visual Genome" not in card.split("## Tables")[0]


def test_objects_alone_and_neighbours_of_objects(run: Run, tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"neighbours": NeighbourSettings(encoding="objects", k=2)})
    version = run(tmp_path, [ANNOTATIONS / "v1.2.0/objects.json"], settings).version
    assert version.similarity == "objects"
    assert version.encodings["captions"].terms == 0
    near = rows(tmp_path, version, "caption_neighbours")
    assert near[1]["neighbour_rows"][0] in (0, 2)  # dogs


# What is malformed


def test_malformed_records_are_told(run: Run, tmp_path: Path) -> None:
    records = json.loads(PLAIN[1].read_text())
    records[1]["regions"][0]["phrase"] = None
    records[2] = "gone"
    file = tmp_path / "region_descriptions.json"
    file.write_text(json.dumps(records))
    version = run(tmp_path / "root", [file]).version
    assert [source.skipped for source in version.sources] == [2]
    skipped = rows(tmp_path / "root", version, "skipped_records")
    assert [(row["record"], row["item"], row["problem"]) for row in skipped] == [
        (1, 0, "phrase is None, expected text"),
        (2, -1, "expected an object, found gone"),
    ]
    page = (tmp_path / "root" / version.folder / "report/index.html").read_text()
    assert "phrase is None, expected text" in page
    strict = SETTINGS.model_copy(update={"parse": ParseSettings(max_malformed=1)})
    with pytest.raises(InputError, match=r"more than 1 malformed records .* record 1, part 0 \(byte \d+\)"):
        run(tmp_path / "strict", [file], strict)
    assert not (tmp_path / "strict/captions").exists()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (["nothing.json"], r"nothing\.json: can't tell what it holds"),
        (["objects.json"], r"objects\.json: no such file"),
        (["v1.2.0"], "region_descriptions and region_graphs hold the same phrases"),
        (["v1.0.0/objects.json", "v1.2.0/objects.json"], "both hold objects; give one of them"),
        (["v1.2.0/image_data.json"], "nothing to encode: give region_descriptions, region_graphs or objects"),
        ([""], "no file of Visual Genome or of COCO's captions in it"),
        (["coco", "v1.0.0/objects.json"], "captions_train2017 is of COCO, objects of Visual Genome: the same id is"),
        (["coco/captions_test.json"], r"captions_test\.json: no such file"),
    ],
)
def test_files_that_can_not_be_used_are_told_before_anything_is_written(
    tmp_path: Path, files: list[str], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        check_captions_request([ANNOTATIONS / file for file in files], "vg", str(tmp_path / "root"))
    assert not (tmp_path / "root").exists()


def test_other_questions_that_make_no_sense(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="captions_train2017 is of COCO; give its captions a name of their own"):
        check_captions_request([ANNOTATIONS / "coco"], "visual-genome", str(tmp_path))
    with pytest.raises(InputError, match="leave nothing to train"):
        check_captions_request(
            PLAIN, "vg", str(tmp_path), CaptionsSettings.model_validate({"split": {"val_percent": 95}})
        )
    with pytest.raises(InputError, match="no such folder; expected one with files"):
        check_captions_request(PLAIN, "vg", str(tmp_path), pictures=tmp_path / "none")
    settings = tmp_path / "settings.toml"
    settings.write_text("[encode]\nstemer = 'porter'\n")
    with pytest.raises(InputError, match=r"encode\.stemer: Extra inputs"):
        read_captions_settings(settings)


# Archives


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """A real server of zipped files, and the paths it was asked for."""
    folder, asked = tmp_path / "mirror", list[str]()
    folder.mkdir()
    for path in PLAIN:
        with zipfile.ZipFile(folder / f"{path.name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, path.name)

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(folder))

        def log_request(self, *_: Any) -> None:
            asked.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_archives_are_fetched_once_and_kept_by_their_sha256(
    run: Run, first: tuple[Path, Captioned], tmp_path: Path, mirror: tuple[str, list[str]]
) -> None:
    url, asked = mirror
    official = {path.stem: RemoteFile(url=f"{url}/{path.name}.zip") for path in PLAIN}
    archives = ArchiveSettings(official=official, allowed_hosts=(host_of(url),), attempts=1)
    settings = SETTINGS.model_copy(update={"archives": archives})
    version = run(tmp_path / "root", None, settings).version
    assert sorted(asked) == sorted(f"/{path.name}.zip" for path in PLAIN)
    new = first[1].version
    assert version.tables["caption_weights"].digest == new.tables["caption_weights"].digest
    for source in version.sources:
        kept = tmp_path / f"root/archives/{source.sha256[:2]}/{source.sha256}.zip"
        assert hashlib.sha256(kept.read_bytes()).hexdigest() == source.sha256
        assert source.address == f"{url}/{source.kind}.json.zip"
    agent = archives.model_copy(update={"user_agent": "another", "attempts": 2})
    run(tmp_path / "root", None, SETTINGS.model_copy(update={"archives": agent}))
    assert len(asked) == 3
    kept.unlink()
    run(tmp_path / "root", None, settings)
    assert len(asked) == 4
    wrong = {**official, "objects": RemoteFile(url=f"{url}/objects.json.zip", sha256="0" * 64)}
    lied = SETTINGS.model_copy(update={"archives": archives.model_copy(update={"official": wrong})})
    with pytest.raises(InputError, match="expected 0000"):
        run(tmp_path / "root", None, lied)


# The report


def test_the_report_shows_words_and_pictures(run: Run, tmp_path: Path) -> None:
    pictures = tmp_path / "VG_100K"
    pictures.mkdir()
    for image_id in ("1", "2", "3"):
        Image.new("RGB", (400, 300), (10 * int(image_id), 90, 60)).save(pictures / f"{image_id}.jpg")
    records = json.loads(PLAIN[1].read_text())
    records[0]["regions"][0]["phrase"] = "<script>alert(1)</script> a running dog"
    file = tmp_path / "region_descriptions.json"
    file.write_text(json.dumps(records))
    version = run(tmp_path / "root", [file], pictures=tmp_path, note="Made <b>by hand</b>.").version
    folder = tmp_path / "root" / version.folder
    page = (folder / "report/index.html").read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; a running dog" in page
    assert "Made &lt;b&gt;by hand&lt;/b&gt;." in page
    assert "two dogs running on the grass" in page
    for found in set(re.findall(r'(?:src|href)="([^"#:]+)"', page)):
        assert (folder / "report" / found).is_file(), found
    assert (folder / "report/pictures/1.jpg").is_file()
    with Image.open(folder / "report/pictures/1.jpg") as picture:
        assert max(picture.size) == 256
    card = (folder / "README.md").read_text()
    assert "Made \\<b\\>by hand" in card
    assert version.digest in card


# The command line


def test_near_an_image_and_near_a_text(cairn: Any, first: tuple[Path, Captioned]) -> None:
    root = first[0]
    ended = cairn("captions", "near", "3", "--root", root, "-k", 2)
    assert ended.code == 0
    assert re.search(r"\b2 +train +0\.\d{4} +", ended.output)
    assert "dog" in ended.output
    facts = json.loads(cairn("captions", "near", "3", "--root", root, "-k", 2, "--json").output)
    assert facts["near"][0]["image_id"] == "2"
    assert "dog" in facts["near"][0]["in_common"]
    ended = cairn("captions", "near", "--text", "Cars, on ROADS!", "--root", root)
    assert ended.code == 0
    assert next(line.split()[0] for line in ended.output.splitlines() if re.search(r"0\.\d{4}", line)) == "4"
    ended = cairn("captions", "near", "2", "--encoding", "objects", "--root", root)
    assert "dog.n.01" in ended.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("near", "77"), "no image '77' in captions/vg/1-"),
        (("near", "6"), "image '6' has an empty vector in captions"),
        (("near", "--text", "zebra"), "no word of 'zebra' has a weight"),
        (("near", "--text", "dog", "--encoding", "objects"), "a text is made of words"),
        (("near",), "give an IMAGE_ID, or --text"),
        (("near", "2", "--text", "dog"), "give an IMAGE_ID, or --text"),
        (("near", "2", "--version", "z"), "0 versions of 'vg'"),
        (("near", "2", "--name", "other"), "'other'"),
        (("encode", "none.csv", "--output", "out"), "none.csv: "),
        (("run", "none.csv"), "none.csv: can't tell what it holds"),
    ],
)
def test_questions_without_an_answer(
    cairn: Any, first: tuple[Path, Captioned], arguments: tuple[str, ...], said: str
) -> None:
    ended = cairn("captions", *arguments, "--root", first[0])
    assert ended.code == 2
    assert said in ended.errors
    assert len(ended.errors.strip().splitlines()) == 1


def test_a_file_that_is_cut_short_is_told_in_a_line(server: str, prefect_home: Path, tmp_path: Path) -> None:
    file = tmp_path / "objects.json"
    file.write_bytes((ANNOTATIONS / "v1.2.0/objects.json").read_bytes()[:300])
    command = [Path(sys.executable).parent / "cairn", "captions", "run", file, "--root", tmp_path / "root"]
    environment = {**os.environ, "PREFECT_API_URL": server}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert f"error: {file}: byte 283: it is cut short in record 1; fetch it again" in done.stderr
    assert not (tmp_path / "root/captions").exists()


def test_captions_of_other_images_are_encoded_alike(cairn: Any, first: tuple[Path, Captioned], tmp_path: Path) -> None:
    root, made = first
    table = tmp_path / "mine.csv"
    table.write_text(
        "image_id,landmark,phrase\n"
        "abbey-1,abbey,a red car\nabbey-2,abbey,\nabbey-1,abbey,a car on the road\nabbey-1,abbey,a car on the road\n"
        "abbey-3,abbey,xyzzy NaN\n"
    )
    ended = cairn("captions", "encode", table, "--output", tmp_path / "out", "--root", root)
    assert ended.code == 0
    assert "3 images; 2 of 15 words have no stem in captions/vg/1-" in " ".join(ended.output.split())
    assert "2 with an empty vector: abbey-2, abbey-3" in ended.output
    facts = json.loads(
        cairn("captions", "encode", table, "--output", tmp_path / "out", "--root", root, "--json").output
    )
    assert (facts["images"], facts["words"], facts["unknown"]) == (3, 15, 2)
    assert facts["empty"] == ["abbey-2", "abbey-3"]
    weights = sp.load_npz(tmp_path / "out/caption_weights.npz")
    published = sp.load_npz(root / made.version.folder / "caption_weights.npz")
    assert (weights[[0]] != published[[3]]).nnz == 0  # image 4 says the same
    listed = pq.read_table(tmp_path / "out/encoded_images.parquet").to_pylist()
    assert [row["image_id"] for row in listed] == ["abbey-1", "abbey-2", "abbey-3"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("image,phrase\na,b\n", "expected a CSV or Parquet file with the columns image_id and phrase"),
        ("image_id,phrase\n,b\n", "row 0 has no image_id"),
        ("\xff\xfe", "expected a CSV or Parquet file"),
        ("", "expected a CSV or Parquet file"),
    ],
)
def test_tables_that_can_not_be_encoded(
    cairn: Any, first: tuple[Path, Captioned], tmp_path: Path, content: str, said: str
) -> None:
    (tmp_path / "mine.csv").write_text(content, encoding="latin-1")
    ended = cairn("captions", "encode", tmp_path / "mine.csv", "--output", tmp_path / "out", "--root", first[0])
    assert ended.code == 2
    assert said in ended.errors
    assert not (tmp_path / "out").exists()


def test_versions_of_both_kinds_keep_apart(cairn: Any, first: tuple[Path, Captioned]) -> None:
    assert re.search(r"vg +1 +latest +[0-9a-f]{12} +7 +15 +4", cairn("captions", "versions", "--root", first[0]).output)
    assert "no versions in" in cairn("versions", "--root", first[0]).output


def test_a_damaged_matrix_is_never_read(cairn: Any, first: tuple[Path, Captioned], tmp_path: Path) -> None:
    root = Path(shutil.copytree(first[0], tmp_path / "root"))
    path = root / first[1].version.folder / "caption_weights.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    ended = cairn("captions", "near", "2", "--root", root)
    assert ended.code == 2
    assert "was changed or damaged" in ended.errors
