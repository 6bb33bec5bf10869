"""Synsets of objects; the WordNet here is a small one written by hand, in the files that NLTK's own reader reads."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.captions.synsets import NO_SYNSET, count_synsets, find_nothing

SENSES = [("wheel", "a circular frame"), ("traffic_light", "a signal"), ("bike", "two wheels")]
PARTS = ("noun", "verb", "adj", "adv")
ASK = """\
import json, sys
import nltk
nltk.data.path = [sys.argv[1]]
from tasks.captions.synsets import count_synsets, find_in_wordnet, wordnet_version
version = wordnet_version()
find = find_in_wordnet() if version else None
print(json.dumps([version, [find(name) for name in sys.argv[2:]]]))
"""


def ask(folder: Path, *names: str) -> list[object]:
    """What a process whose NLTK has its data there finds: the version of its WordNet, and a synset for each name."""
    done = subprocess.run([sys.executable, "-c", ASK, str(folder), *names], capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout))


def write_wordnet(folder: Path) -> None:
    """Three nouns, and every file that the reader asks for."""
    folder.mkdir(parents=True)
    (folder / "lexnames").write_text("".join(f"{n:02}\tx.{n}\t1\n" for n in range(45)))
    for part in PARTS:
        for name in (f"index.{part}", f"data.{part}", f"{part}.exc"):
            (folder / name).write_text("")
    data = "  1 WordNet 3.0 Copyright by nobody: made by hand\n"
    index = ""
    for lemma, gloss in SENSES:
        index += f"{lemma} n 1 0 1 0 {len(data):08d}  \n"
        data += f"{len(data):08d} 03 n 01 {lemma} 0 000 | {gloss}  \n"
    (folder / "data.adj").write_text("  1 WordNet 3.0 Copyright by nobody: made by hand\n")
    (folder / "index.sense").write_text("")
    (folder / "data.noun").write_text(data)
    (folder / "index.noun").write_text(index)
    (folder / "noun.exc").write_text("wheelz wheel\n")


def test_each_synset_counts_with_the_name_it_went_by():
    man, guy, both = (["man"], ["man.n.01"]), (["guy"], ["man.n.01"]), (["x", "y"], ["a.n.01", "b.n.02"])
    assert count_synsets([man, guy, man, both], find_nothing) == {
        ("man.n.01", "man"): 2, ("man.n.01", "guy"): 1, ("a.n.01", "x"): 1, ("b.n.02", "x"): 1,
    }  # fmt: skip


def test_names_without_a_synset_are_counted_as_such():
    assert count_synsets([(["blob"], []), (["blob"], [])], find_nothing) == {(NO_SYNSET, "blob"): 2}


def test_a_synset_of_its_own_goes_before_the_lookup():
    objects = [(["wheels"], []), (["wheels"], ["wheel.n.02"])]
    found = count_synsets(objects, lambda name: {"wheels": "wheel.n.01"}[name])
    assert found == {("wheel.n.01", "wheels"): 1, ("wheel.n.02", "wheels"): 1}


def test_names_are_looked_up_where_there_is_a_wordnet(tmp_path):
    write_wordnet(tmp_path / "corpora/wordnet")
    names = {"Traffic  light": "traffic_light.n.01", "wheels": "wheel.n.01", "wheelz": "wheel.n.01", "x y": NO_SYNSET}
    assert ask(tmp_path, *names) == ["3.0", list(names.values())]


def test_half_a_wordnet_is_told(tmp_path):
    write_wordnet(tmp_path / "corpora/wordnet")
    (tmp_path / "corpora/wordnet/lexnames").unlink()
    with pytest.raises(subprocess.CalledProcessError) as failed:
        ask(tmp_path, "wheel")
    assert "InputError: NLTK's WordNet can't be read" in failed.value.stderr


def test_without_a_wordnet_there_is_no_version(tmp_path):
    assert ask(tmp_path) == [None, []]
