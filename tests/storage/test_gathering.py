import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from storage.errors import DamagedTableError, InputError
from storage.gathering import Gathered, gather_folder
from storage.making import Link, Wanted

CONTENTS = {"a/1": b"one", "a/2": b"two", "b/3": b"three", "4": b"four"}
REQUEST = {"format": "plain"}


def wanted(made, contents=CONTENTS):
    """The files of a folder; `made` is told of each that is made."""

    def make(path):
        made.append(path)
        return contents[path]

    return [Wanted(path, lambda path=path: make(path)) for path in contents]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "out"


def found(target):
    return {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}


def test_a_folder_has_its_files_their_digests_and_what_was_asked_for(target):
    assert gather_folder(target, REQUEST, wanted([]), ["a", "empty/one"]) == Gathered(4, 4)
    files = found(target)
    assert json.loads(files.pop("export.json")) == REQUEST
    lines = files.pop("SHA256SUMS").decode().splitlines()
    assert files == CONTENTS
    assert lines == [f"{hashlib.sha256(CONTENTS[path]).hexdigest()}  {path}" for path in sorted(CONTENTS)]
    assert (target / "empty/one").is_dir()
    assert [path.name for path in target.parent.iterdir()] == ["out"]


def test_a_folder_that_is_whole_stays_as_it_is(target):
    gather_folder(target, REQUEST, wanted([]))
    before, made = target.stat().st_mtime_ns, []
    assert gather_folder(target, REQUEST, wanted(made)) == Gathered(4, 0)
    assert made == []
    assert target.stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"rot")], ids=["gone", "rotten"])
def test_what_is_damaged_is_made_anew_and_nothing_else(target, damage):
    gather_folder(target, REQUEST, wanted([]))
    damage(target / "a/2")
    made = []
    assert gather_folder(target, REQUEST, wanted(made)) == Gathered(4, 1)
    assert made == ["a/2"]
    assert found(target).items() >= CONTENTS.items()


def test_a_folder_that_is_put_together_is_not_there_before_it_is_whole_and_goes_on(target):
    def stop(done, total):
        assert not target.exists()
        assert total == 4
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gather_folder(target, REQUEST, wanted([]), on_progress=stop)
    made = []
    assert gather_folder(target, REQUEST, wanted(made)).made == len(made)
    assert {"a/1", "a/2"}.isdisjoint(made)
    assert found(target).items() >= CONTENTS.items()


KILLED = """\
import os, signal, sys
from pathlib import Path
from storage.gathering import gather_folder
from storage.making import Wanted

def progress(done, total):
    if done == 2:
        os.kill(os.getpid(), signal.SIGKILL)

contents = {contents}
files = [Wanted(path, lambda path=path: contents[path]) for path in contents]
gather_folder(Path(sys.argv[1]), {request}, files, on_progress=progress)
"""


def test_after_a_kill_the_same_call_goes_on(target):
    script = KILLED.format(contents=CONTENTS, request=REQUEST)
    done = subprocess.run([sys.executable, "-c", script, target], cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == -9
    assert not target.exists()
    (building,) = target.parent.iterdir()
    (building / "a/.writing-0").write_bytes(b"a half")
    made = []
    assert gather_folder(target, REQUEST, wanted(made)).files == 4
    assert {"a/1", "a/2"}.isdisjoint(made)
    assert set(found(target)) == {*CONTENTS, "SHA256SUMS", "export.json"}
    assert list(target.parent.iterdir()) == [target]


def test_what_was_begun_there_and_given_up_is_removed_and_nothing_elses(target):
    def stop(done, total):
        raise KeyboardInterrupt

    for folder, request in ((target, {"format": "first"}), (target.with_name("out-other"), REQUEST)):
        with pytest.raises(KeyboardInterrupt):
            gather_folder(folder, request, wanted([]), on_progress=stop)
    assert len(list(target.parent.iterdir())) == 2
    gather_folder(target, REQUEST, wanted([]))
    assert sorted(path.name[:19] for path in target.parent.iterdir()) == [".building-out-other", "out"]


def test_a_folder_whose_list_is_gone_is_made_anew(target):
    gather_folder(target, REQUEST, wanted([]))
    (target / "SHA256SUMS").unlink()
    assert gather_folder(target, REQUEST, wanted([])).made == 4
    assert gather_folder(target, REQUEST, wanted([])).made == 0


def test_what_is_lost_is_named_and_all_else_is_made(target):
    def lost(path):
        raise DamagedTableError("it is gone", path)

    files = wanted([])
    broken = [files[0], Wanted("a/2", lambda: lost("root/y")), Wanted("b/3", lambda: lost("root/x")), files[3]]
    with pytest.raises(DamagedTableError, match="root/x, root/y: gone or damaged"):
        gather_folder(target, REQUEST, broken)
    assert not target.exists()
    made = []
    gather_folder(target, REQUEST, wanted(made))
    assert sorted(made) == ["a/2", "b/3"]


def test_a_link_leads_to_its_target_and_is_made_anew_where_that_changed(target, tmp_path):
    (tmp_path / "store").write_bytes(b"one")
    link = Link(tmp_path / "store", hashlib.sha256(b"one").hexdigest())
    files = [Wanted("x/1", lambda: link)]
    gather_folder(target, REQUEST, files)
    assert (target / "x/1").readlink() == tmp_path / "store"
    assert gather_folder(target, REQUEST, files).made == 0
    (target / "x/1").unlink()
    (target / "x/1").symlink_to(tmp_path / "nowhere")
    assert gather_folder(target, REQUEST, files).made == 1
    assert (target / "x/1").read_bytes() == b"one"


@pytest.mark.parametrize(
    ("name", "said"), [("out", "another export"), ("own", "holds something else"), ("file", "not a folder")]
)
def test_nothing_of_the_users_is_written_over(target, name, said):
    gather_folder(target, {"format": "other"}, wanted([]))
    (target.parent / "own").mkdir()
    (target.parent / "own/thesis.txt").write_text("mine")
    (target.parent / "file").write_text("mine")
    before = found(target.parent)
    with pytest.raises(InputError, match=said):
        gather_folder(target.parent / name, REQUEST, wanted([]))
    assert found(target.parent) == before


def test_an_empty_folder_is_taken(target):
    target.mkdir()
    assert gather_folder(target, REQUEST, wanted([])).files == 4
