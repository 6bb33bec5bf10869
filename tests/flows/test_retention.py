"""What `cairn gc` removes of a root, and that what it keeps lacks nothing."""

from pathlib import Path
from typing import Any

from flows.settings import CurationGate
from storage.locks import lock
from storage.root import Root
from storage.versions import list_folders

FEWER = "[select]\nmin_class_size = 8\n"  # keeps two classes of the three


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_what_nothing_needs_that_is_kept_goes(
    cairn: Any, run_curate: Any, dataset: Path, listed: Any, first_run: Any
) -> None:
    old = first_run[1].version.folder
    run = run_curate(listed, dataset, FEWER, gate=CurationGate(images_lost=1))
    stray = dataset / "images/ab" / f"{'ab' * 32}.jpg"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"of no list")
    (dataset / "notes.txt").write_text("not of Cairn")
    before = files(dataset)

    told = cairn("gc", "--keep", 1, "--root", dataset)
    assert told.code == 0
    assert old in told.output
    assert "nothing was removed" in told.output
    assert files(dataset) == before

    with lock(Root(str(dataset)), "versions/landmarks"):
        ended = cairn("gc", "--keep", 1, "--root", dataset, "--delete")
    assert (ended.code, files(dataset)) == (2, before)
    assert "another run is at work on versions/landmarks" in ended.errors

    assert cairn("gc", "--keep", 1, "--root", dataset, "--delete").code == 0
    after = files(dataset)
    gone = {path.split("/")[0] for path in before - after}
    assert gone == {"images", "stages", "versions"}
    assert {path for path in before - after if path.startswith("images/")} == {f"images/ab/{stray.name}"}
    assert list_folders(Root(str(dataset)), "landmarks") == [run.version.folder.rpartition("/")[2]]
    assert not [path for path in after if path.startswith("versions/") and old.rpartition("/")[2] in path]
    assert cairn("verify", "--root", dataset).code == 0
    again = run_curate(listed, dataset, FEWER)
    assert (again.computed, again.version) == (set(), run.version)
    assert not listed.site.hits


def test_both_versions_stay_where_two_are_kept(cairn: Any, run_curate: Any, dataset: Path, listed: Any) -> None:
    run_curate(listed, dataset, FEWER, gate=CurationGate(images_lost=1))
    assert cairn("gc", "--keep", 2, "--root", dataset, "--delete").code == 0
    assert len(list_folders(Root(str(dataset)), "landmarks")) == 2
    assert run_curate(listed, dataset, gate=CurationGate(images_lost=1)).computed == set()
