"""Runs that publish no version: any number at once, but not while a root is cleared of what nothing needs."""

import subprocess
import sys

import pytest

from storage.errors import InputError
from storage.locks import Holder
from storage.root import Root
from storage.runs import no_run, one_of_many


def test_a_root_is_not_cleared_while_one_of_many_goes_on(root: Root) -> None:
    with one_of_many(root, "certify"):
        with one_of_many(root, "certify"):
            pass
        with pytest.raises(InputError, match="another run is at work on uses/certify-"), no_run(root, ["versions"]):
            pass
    cleared = pytest.raises(InputError, match="another run is at work on clearing")
    with no_run(root, ["versions"]), cleared, one_of_many(root, "certify"):
        pass
    assert root.find("locks") == {}


def test_the_lock_of_a_killed_one_is_taken_and_goes(root: Root) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    left = Holder.of(ended.pid)
    ended.wait()
    root.write("locks/uses/evaluate-1.json", left.model_dump_json().encode())
    with no_run(root, ["versions"]):
        assert "locks/uses/evaluate-1.json" not in root.find("locks")
