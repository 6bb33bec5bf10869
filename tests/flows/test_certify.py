"""The flow `certify`: versions and plain folders against test sets, whether or not they were curated."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from demo import views
from flows.certify import certify
from flows.settings import LeakSettings, RunSettings
from storage.certificates import read_certificate
from storage.errors import DamagedTableError, InputError
from storage.manifest import Certificate
from storage.root import Root
from storage.runs import no_run
from storage.tables.versions import CERTIFICATE_TABLES
from tasks.acquire.settings import AcquireSettings
from tasks.features.settings import FeatureSettings

SETTINGS = LeakSettings(
    acquire=AcquireSettings(attempts=1), features=FeatureSettings(longest_side=320, max_keypoints=300)
)
Certify = Callable[..., Certificate]


@pytest.fixture(scope="session")
def run_certify(server: str) -> Certify:
    """Certifies in this process against the server."""

    def run(what: Any, root: Path, name: str | None = None, **test_sets: Path) -> Certificate:
        return certify(str(what), test_sets, str(root), name, SETTINGS, RunSettings(workers=2))

    return run


@pytest.fixture(scope="module")
def abbeys(few: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A test set of two photographs of what the class `abbey` shows, and a name that says so."""
    folder = tmp_path_factory.mktemp("sets") / "abbeys"
    folder.mkdir()
    for number in (1, 2):
        (folder / f"abbey_{number:06d}.jpg").write_bytes(few.view_of("abbey", f"test {number}"))
    return folder


@pytest.fixture(scope="module")
def of_version(
    run_certify: Certify, first_run: Any, abbeys: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Certificate]:
    """A root with a version that shares something with `abbeys`, and its certificate."""
    root = Path(shutil.copytree(first_run[0], tmp_path_factory.mktemp("shares") / "root"))
    return root, run_certify("1", root, abbeys=abbeys)


def write_snaps(few: Any, folder: Path) -> Path:
    """Photographs at any depth.

    Two are of the abbey, of which one is a mirrored copy of a test photograph; one is a stranger, and one is none.
    """
    (folder / "2024/may").mkdir(parents=True)
    (folder / "stranger.jpg").write_bytes(few.view_of("market", "stranger"))
    (folder / "2024/may/seen.jpg").write_bytes(few.view_of("abbey", "seen"))
    (folder / "broken.png").write_bytes(b"<!doctype html>")
    (folder / "notes.txt").write_text("of May")
    return folder


@pytest.fixture
def folder(few: Any, tmp_path: Path) -> Path:
    """Photographs for this test alone."""
    return write_snaps(few, tmp_path / "holiday snaps")


@pytest.fixture(scope="module")
def once_certified(
    run_certify: Certify, few: Any, abbeys: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Certificate]:
    """A root with the certificate of such photographs against `abbeys`; tests that change it take `certified`."""
    base = tmp_path_factory.mktemp("certified")
    return base / "root", run_certify(write_snaps(few, base / "holiday snaps"), base / "root", "snaps", abbeys=abbeys)


@pytest.fixture
def certified(once_certified: tuple[Path, Certificate], tmp_path: Path) -> tuple[Path, Certificate]:
    """The same for this test alone."""
    return Path(shutil.copytree(once_certified[0], tmp_path / "root")), once_certified[1]


def rows(root: Path, made: Certificate, table: str) -> list[dict[str, Any]]:
    return list(pq.read_table(root / made.folder / f"{table}.parquet").to_pylist())


def found(root: Path, made: Certificate) -> set[str]:
    return {row["image_id"] for row in rows(root, made, "overlaps")}


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_version_shares_nothing_with_the_set_that_it_was_curated_against(run_certify, dataset, listed, first_run):
    made = run_certify("latest", dataset, tests=listed.testset)
    assert made.subject == f"version {first_run[1].version.folder.removeprefix('versions/')}"
    assert made.folder == f"certificates/landmarks/{made.digest[:12]}"
    assert (found(dataset, made), rows(dataset, made, "drops")) == (set(), [])
    (row,) = rows(dataset, made, "certificate")
    assert (row["photographs"], row["images"], row["possible"]) == (1, 21, 21)
    assert "nothing shared" in (dataset / made.folder / "index.html").read_text()


def test_what_a_version_shares_with_another_set_is_found_judged_and_drawn(of_version, first_run):
    dataset, made = of_version
    before = files(first_run[0] / "versions")
    assert {path: content for path, content in files(dataset / "versions").items() if path in before} == before
    shared, images = found(dataset, made), rows(dataset, made, "images")
    assert shared
    assert all(image_id.startswith("abbey-") for image_id in shared)
    dropped = {row["image_id"]: row["reason"] for row in rows(dataset, made, "drops")}
    assert dropped == {row["image_id"]: "test-landmark-class" for row in images if row["landmark_id"] == "abbey"}
    (row,) = rows(dataset, made, "certificate")
    assert (row["classes_dropped"], row["class_images_dropped"]) == (1, len(dropped))
    assert row["images_found"] == len(shared)
    (named,) = rows(dataset, made, "namesakes")
    assert (named["landmark_id"], named["site"], named["images_found"]) == ("abbey", "abbey", len(shared))
    page = (dataset / made.folder / "index.html").read_text()
    for row in images:
        picture = f"pictures/overlap-{row['sha256']}.jpg"
        assert (picture in page) == (row["image_id"] in shared)
        assert (dataset / made.folder / picture).is_file() == (row["image_id"] in shared)


def test_each_accepted_pair_stands_with_its_evidence(of_version):
    for pair in rows(*of_version, "overlaps"):
        assert (pair["landmark_id"], pair["test_set"], pair["site"]) == ("abbey", "abbeys", "abbey")
        assert pair["test_image"] in ("abbey_000001.jpg", "abbey_000002.jpg")
        assert pair["inliers"] >= 4
        assert pair["false_alarms"] <= -8
        assert (len(pair["affine"]), len(pair["points"]) % 4) == (6, 0)


def test_a_folder_needs_no_classes_and_no_curation(run_certify, folder, abbeys, tmp_path):
    root = tmp_path / "root"
    shipped = cv2.imdecode(_bytes(abbeys / "abbey_000001.jpg"), cv2.IMREAD_COLOR)
    (folder / "copy.jpg").write_bytes(views.encode(shipped[:, ::-1], 80))
    sky = np.tile(np.linspace(60, 180, 400).astype(np.uint8)[:, None], (300, 1, 3))  # in which nothing can be found
    (folder / "sky.png").write_bytes(cv2.imencode(".png", sky)[1].tobytes())
    made = run_certify(folder, root, "snaps", abbeys=abbeys)
    assert (made.subject, made.folder) == ("folder snaps", f"certificates/snaps/{made.digest[:12]}")
    assert found(root, made) == {"2024/may/seen.jpg", "copy.jpg"}
    assert {row["image_id"]: row["landmark_id"] for row in rows(root, made, "images")} == {
        "2024/may/seen.jpg": "2024/may", "copy.jpg": "", "stranger.jpg": "", "sky.png": "",
    }  # fmt: skip
    assert {row["image_id"]: row["reason"] for row in rows(root, made, "drops")} == {
        "2024/may/seen.jpg": "test-landmark", "copy.jpg": "test-copy", "broken.png": "not-an-image",
    }  # fmt: skip
    assert made.passed_over == {"": {"no-photograph": 1, "not-an-image": 1, "no-keypoints": 1}}
    assert made.uncompared == 2
    page = (root / made.folder / "index.html").read_text()
    assert "not compared: 1 no-keypoints, 1 not-an-image" in page
    assert "broken.png" in page
    assert "sky.png" in page
    assert not (root / "versions").exists()


def _bytes(path: Path) -> Any:
    return np.frombuffer(path.read_bytes(), np.uint8)


def test_a_signature_serves_in_place_of_the_photographs(run_certify, certified, folder, tmp_path):
    root, made = certified
    (signature,) = (root / "signatures").iterdir()
    (row,) = rows(root, made, "certificate")
    assert signature.name == f"abbeys-{row['signature'][:12]}.parquet"
    again = run_certify(folder, tmp_path / "elsewhere", "snaps", abbeys=signature)
    assert again.tables == made.tables
    # The test photograph is not at hand: the picture shows the image alone, and so is less wide.
    (with_it,) = (root / made.folder / "pictures").iterdir()
    (without,) = (tmp_path / "elsewhere" / again.folder / "pictures").iterdir()
    assert cv2.imread(str(without)).shape[1] < cv2.imread(str(with_it)).shape[1]


def test_the_same_question_has_the_same_answer_and_writes_nothing(run_certify, certified, folder, abbeys):
    root, made = certified
    written = {path: path.stat().st_mtime_ns for path in (root / made.folder).rglob("*")}
    assert run_certify(folder, root, "snaps", abbeys=abbeys) == made
    assert {path: path.stat().st_mtime_ns for path in (root / made.folder).rglob("*")} == written
    (folder / "stranger.jpg").unlink()
    other = run_certify(folder, root, "snaps", abbeys=abbeys)
    assert other.digest != made.digest
    assert (root / made.folder / "certificate.json").is_file()


@pytest.mark.parametrize("damage", ["overlaps.parquet", "certificate.json"])
def test_a_damaged_certificate_is_written_anew(run_certify, certified, folder, abbeys, damage):
    root, made = certified
    whole = files(root / made.folder)
    (root / made.folder / damage).write_bytes(b"{")
    again = run_certify(folder, root, "snaps", abbeys=abbeys)
    assert again.tables == made.tables
    assert files(root / made.folder).keys() == whole.keys()
    assert files(root / made.folder)["overlaps.parquet"] == whole["overlaps.parquet"]


def test_what_is_no_certificate_is_named(tmp_path):
    with pytest.raises(DamagedTableError, match=r"certificate\.json is not a certificate"):
        read_certificate(Root(str(tmp_path)), "certificates/a/b")


def test_the_tables_are_all_there_and_the_record_is_plain(once_certified):
    root, made = once_certified
    told = json.loads((root / made.folder / "certificate.json").read_text())
    assert told["tables"].keys() == {spec.name for spec in CERTIFICATE_TABLES}
    assert told["test_sets"] == {"abbeys": 2}
    assert told["settings"].keys() == {"acquire", "features", "match", "overlap", "overlays"}
    assert str(root.parent) not in json.dumps(told)  # where things lie is nobody's business


# On the command line


def test_exit_codes_say_whether_anything_is_shared(cairn, server, dataset, listed, abbeys):
    settings = ("--settings", listed.settings)
    ended = cairn("certify", "latest", "--root", dataset, "--test-set", f"tests={listed.testset}", *settings)
    assert (ended.code, "0 of 21 images share something with a test set\n" in ended.output) == (0, True)
    version = next((dataset / "versions/landmarks").glob("1-*"))
    ended = cairn("certify", version, "--test-set", f"abbeys={abbeys}", *settings)
    assert ended.code == 1
    assert "named like abbey of abbeys, look at it: abbey" in ended.output
    assert f"{dataset}/certificates/landmarks/" in ended.output


def test_nothing_is_certified_while_the_root_is_cleared(cairn, server, dataset, listed):
    with no_run(Root(str(dataset)), []):
        ended = cairn("certify", "latest", "--root", dataset, "--test-set", f"tests={listed.testset}")
    assert ended.code == 2
    assert "another run is at work on clearing" in ended.errors


def test_what_was_not_compared_is_no_clean_certificate(cairn, server, dataset, listed, abbeys, tmp_path):
    tests = tmp_path / "tests"
    shutil.copytree(listed.testset, tests)
    (tests / "abbeys").symlink_to(abbeys)  # and so the photographs that the version has copies of
    (tests / "abbey_000003.heic").write_bytes(b"\0\0\0\x18ftypheic")
    ended = cairn("certify", "1", "--root", dataset, "--test-set", f"tests={tests}", "--settings", listed.settings)
    assert ended.code == 3
    assert "not compared of tests: 1 linked-out, 1 not-an-image" in ended.output
    assert "0 of 21 images share something with a test set; 2 files were not compared, so this is no" in ended.output


@pytest.mark.parametrize(
    ("what", "options", "said"),
    [
        ("snaps", (), "no test set: give --test-set NAME=DIR"),
        ("snaps", ("--test-set", "paris=absent"), "test set 'paris': no folder"),
        ("snaps", ("--test-set", "paris=absent.parquet"), "test set 'paris': .*can't be read"),
        ("empty", ("--test-set", "paris=snaps"), "empty: no images found; expected files such as IMAGE.jpg below it"),
        ("3", ("--test-set", "paris=snaps"), "holds 0 datasets"),
        ("copied", ("--test-set", "paris=snaps"), "a version is a folder ROOT/versions/NAME/N-DIGEST"),
        ("odd name", ("--test-set", "paris=snaps"), "name 'odd name': use up to 64 letters"),
    ],
)
def test_what_a_user_gets_wrong(cairn, tmp_path, monkeypatch, what, options, said):
    for name in ("snaps", "odd name"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a_1.jpg").write_bytes(b"1")
    (tmp_path / "empty").mkdir()
    (tmp_path / "copied").mkdir()
    (tmp_path / "copied/manifest.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    ended = cairn("certify", what, "--root", tmp_path / "root", *options)
    assert ended.code == 2
    assert len(ended.errors.strip().splitlines()) == 1
    assert re.search(said, ended.errors)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_of_which_nothing_is_an_image(run_certify, tmp_path, abbeys):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/a.jpg").write_bytes(b"<html>")
    with pytest.raises(InputError, match="none of the images could be read; there is nothing to compare"):
        run_certify(tmp_path / "pages", tmp_path / "root", abbeys=abbeys)
    assert not (tmp_path / "root/certificates").exists()
