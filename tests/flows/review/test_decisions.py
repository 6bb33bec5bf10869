"""Which version becomes the latest: what a gate holds back, and what a person promotes or rejects."""

import json
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort

from flows.review.gates import why_not_latest
from flows.settings import CurationGate
from storage.errors import GateError
from storage.root import Root
from storage.tables.overlap import OVERLAPS
from storage.versions import latest_version, read_manifest, read_version_table
from tests.rows import overlap_row, write

FEWER = "[select]\nmin_class_size = 8\n"  # keeps two classes of the three


@pytest.fixture
def candidate(run_curate: Any, dataset: Path, listed: Any) -> Any:
    """A second version, which keeps too little to become the latest."""
    with pytest.raises(GateError, match="`cairn promote 2 --name landmarks --kind versions`") as caught:
        run_curate(listed, dataset, FEWER, gate=CurationGate(images_lost=0.1))
    return read_manifest(Root(str(dataset)), "landmarks", caught.value.folder.rpartition("/")[2])


def standings(cairn: Any, root: Path) -> list[str]:
    lines = cairn("versions", "--root", root).output.splitlines()[1:]
    words = {word for line in lines for word in line.split()}
    assert {"landmarks", "1", "2"} <= words
    return [next(iter({"latest", "candidate", "promoted", "rejected"} & {*line.split()}), "") for line in lines]


def newest(key: str) -> str:
    with get_client(sync_client=True) as client:
        chosen = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
        return str(client.read_artifacts(artifact_filter=chosen, sort=ArtifactSort.CREATED_DESC)[0].data)


def test_a_candidate_is_shown_with_its_reasons_and_may_be_promoted(
    cairn: Any, run_curate: Any, dataset: Path, listed: Any, candidate: Any
) -> None:
    assert standings(cairn, dataset) == ["latest", "candidate"]
    summary, changes = newest("curate-summary"), newest("curate-changes")
    assert "is not made the latest: it keeps" in summary
    assert "# What changed from version 1 to 2" in changes
    assert "| dome | 7 | 0 |" in changes
    ended = cairn("promote", 2, "--root", dataset, "--json")
    assert (ended.code, ended.errors) == (0, "")
    assert json.loads(ended.output) == {"version": candidate.folder, "standing": "promoted"}
    assert latest_version(Root(str(dataset)), "landmarks") == candidate
    assert standings(cairn, dataset) == ["", "latest"]
    again = run_curate(listed, dataset, FEWER, gate=CurationGate(certified=True, least_readable=1))
    assert (again.version, again.is_new) == (candidate, False)  # what a person promoted, no gate judges


def test_the_latest_stays_it_where_a_tighter_gate_does_not_hold(
    cairn: Any, run_curate: Any, dataset: Path, listed: Any, first_run: Any
) -> None:
    _, first = first_run
    with pytest.raises(
        GateError, match=r"1-\w+ is the latest and stays it, but does not hold its gate: 24 of 26"
    ) as held:
        run_curate(listed, dataset, gate=CurationGate(least_readable=1))
    assert held.value.folder == first.version.folder
    assert latest_version(Root(str(dataset)), "landmarks") == first.version
    assert "is the latest and stays it" in newest("curate-summary")
    assert "candidate" not in cairn("versions", "--root", dataset).output
    again = run_curate(listed, dataset, gate=CurationGate(least_readable=0.9))
    assert (again.version, again.is_new) == (first.version, False)


def test_the_page_of_changes_shows_pictures_that_are_there(dataset: Path, candidate: Any) -> None:
    [page] = (dataset / "versions/landmarks/changes").glob("*/index.html")
    links = [part.split('"')[0] for part in page.read_text().split('src="')[1:]]
    assert links
    assert [link for link in links if not (page.parent / link).is_file()] == []


def test_what_was_rejected_does_not_come_back(
    cairn: Any, run_curate: Any, dataset: Path, listed: Any, first_run: Any, candidate: Any
) -> None:
    ended = cairn("reject", 2, "--root", dataset, "--reason", "a class is gone", "--json")
    assert json.loads(ended.output) == {"version": candidate.folder, "standing": "rejected"}
    assert standings(cairn, dataset) == ["latest", "rejected"]
    with pytest.raises(GateError, match=r"was rejected on .*: a class is gone\. `cairn promote 2"):
        run_curate(listed, dataset, FEWER, gate=CurationGate(images_lost=1))
    assert latest_version(Root(str(dataset)), "landmarks") == first_run[1].version


def test_the_latest_is_not_rejected_nor_a_damaged_version_promoted(cairn: Any, dataset: Path, candidate: Any) -> None:
    ended = cairn("reject", 1, "--root", dataset, "--reason", "none")
    assert ended.code == 2
    assert "is the latest; promote another version first" in ended.errors
    (dataset / candidate.folder / "README.md").unlink()
    ended = cairn("promote", 2, "--root", dataset)
    assert ended.code == 2
    assert "README.md is gone or damaged" in ended.errors


def test_a_leak_is_held_back_whatever_the_gate(dataset: Path, first_run: Any) -> None:
    """No run makes such a version: a row of its overlaps is given a kept image for this."""
    store, version = Root(str(dataset)), first_run[1].version
    kept = next(row for row in read_version_table(store, version, "verdicts").to_pylist() if row["verdict"] == "kept")
    leak = overlap_row(kept["image_id"], kept["landmark_id"])
    ref = write(store, OVERLAPS, [leak], f"{version.folder}/leak")
    table = ref.model_copy(update={"path": "leak.parquet"})
    leaking = version.model_copy(update={"tables": {**version.tables, "overlaps": table}})
    found = why_not_latest(store, leaking, CurationGate(images_lost=1))
    assert found[0] == "1 images that it keeps show what a test photograph does"
    assert why_not_latest(store, version, CurationGate(images_lost=1)) == []


def test_what_a_damaged_version_kept_nobody_can_say(
    run_curate: Any, dataset: Path, listed: Any, first_run: Any
) -> None:
    (dataset / first_run[1].version.folder / "verdicts.parquet").write_bytes(b"damaged")
    with pytest.raises(GateError, match=r"nobody can say which classes are gone: .*verdicts\.parquet was"):
        run_curate(listed, dataset, FEWER, gate=CurationGate(images_lost=1, classes_lost=0))
    assert run_curate(listed, dataset, FEWER, gate=CurationGate(images_lost=1)).version.number == 2


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        (CurationGate(), []),
        (CurationGate(images_lost=0.1), ["it keeps"]),
        (CurationGate(classes_lost=0), ["classes that versions/landmarks/1-"]),
        (CurationGate(classes_lost=1), []),
        (CurationGate(least_readable=1.0), ["24 of 26 images could be fetched and read (92%, less than 100%)"]),
        (CurationGate(certified=True), []),
        (CurationGate(least_confidence=0.5), []),
        (
            CurationGate(least_confidence=0.999),
            ["2 classes may show a foreign landmark: their confidence is below 0.999"],
        ),
    ],
)
def test_each_gate(dataset: Path, candidate: Any, gate: CurationGate, said: list[str]) -> None:
    found = why_not_latest(Root(str(dataset)), candidate, gate)
    assert [reason for reason, start in zip(found, said, strict=False) if reason.startswith(start)] == found[
        : len(said)
    ]
    assert len(found) == len(said) + bool(said)  # at last, why rows were dropped
