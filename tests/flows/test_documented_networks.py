"""The commands of the pages on networks and captions, run page after page: on few pictures, with small settings.

What asks people or shows pages until it is stopped has tests of its own, as has TensorBoard.
"""

import json
import shlex
import shutil
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest
from PIL import Image

from flows.captions import captions
from flows.settings import CaptionsSettings, RunSettings
from tasks.captions.settings import NeighbourSettings, SplitSettings, TripletSettings
from tests.captioned import KINDS, annotations, write_coco
from tests.docs.pages import REPOSITORY, blocks_of

SMALL = {
    "index": "[describe]\nlongest_sides = [96]\n[whiten]\ndimensions = 16\n",
    "captions-run": "[split]\nval_percent = 30\ntest_percent = 30\n[neighbours]\nk = 3\n"
    "[triplets]\nnearest = 2\nmin_similarity = 0.01\nmin_gap = 0.01\n",
}
SMALL |= {
    "train": SMALL["index"]
    + "[train]\niterations = 2\nlongest_sides = [96]\n"
    + "[train.mining]\nbatch = 3\nhardest = 3\n[train.validation]\nevery = 2\n",
    "semantic": SMALL["index"]
    + "[train]\niterations = 2\nlongest_sides = [96]\n"
    + "[train.draw]\nbatch = 3\n[train.validation]\nevery = 2\n",
}
"""Settings by command. What the pages show, those tests read that check them: no processor trains it in seconds."""

IDS = {name: str(row) for row, name in enumerate((f"{kind}-{n}" for kind in KINDS for n in range(1, 8)), start=1)}
HERE = {
    "2407890": IDS["bridge-1"],
    "two dogs on a beach": "a bridge of steel",
    "a dog on a beach": "an old abbey",
    "4": "2",  # processes, on two cores
}
ELSEWHERE = ("cairn triplets collect", "tensorboard", "unzip", "pip")
CAPTIONS = CaptionsSettings(
    split=SplitSettings(val_percent=40, test_percent=0),
    triplets=TripletSettings(nearest=2, min_similarity=0.01, min_gap=0.01),
    neighbours=NeighbourSettings(k=3),
)


class World(NamedTuple):
    """A folder with all that a page speaks of, and the settings that its commands are given."""

    folder: Path
    settings: Mapping[str, str]


@pytest.fixture(scope="module")
def landmarks(run_curate: Any, _built: Any, testset: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A curated list, captions of its photographs, and two test sets."""
    folder = tmp_path_factory.mktemp("networks")
    rows = [line.split(",") for line in dict.fromkeys(_built.lines())]
    numbered = [f"{number},{url},{own}" for number, (_, url, own) in enumerate(rows, start=1)]
    run_curate(_built.write(numbered, folder / "list.csv"), folder / "data")
    said = annotations(folder, _built.site.url, {own: str(number) for number, (own, *_) in enumerate(rows, start=1)})
    captions(said, "visual-genome", str(folder / "data"), CAPTIONS, RunSettings(workers=2))
    for name in ("roxford5k", "rparis6k"):
        shutil.copytree(testset, folder / "sets" / name)
    with Image.open(BytesIO(_built.view_of("abbey", "holiday"))) as photo:
        photo.resize((800, 600)).save(folder / "photo.jpg")  # large enough for the box of the page
    return World(folder, SMALL)


@pytest.fixture(scope="module")
def captioned(_built: Any, server: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Visual Genome at a site, zipped and in a folder, COCO, phrases and answers."""
    folder = tmp_path_factory.mktemp("captioned")
    (folder / "visual-genome").mkdir()
    files = annotations(folder / "visual-genome", _built.site.url, IDS)
    objects = [
        {
            "image_id": int(IDS[name]),
            "objects": [
                {"object_id": n, "x": 0, "y": 0, "w": 9, "h": 9, "names": [name[:-2]], "synsets": [f"{name[:-2]}.n.01"]}
            ],
        }
        for n, name in enumerate(IDS)
    ]
    files.append(folder / "visual-genome/objects.json")
    files[-1].write_text(json.dumps(objects))
    official = []
    for file in files:
        with zipfile.ZipFile(folder / f"{file.name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(file, file.name)
        _built.site.answers[f"/{file.name}.zip"] = (200, (folder / f"{file.name}.zip").read_bytes())
        official.append(f'[archives.official.{file.stem}]\nurl = "{_built.site.url}/{file.name}.zip"\n')
    host = _built.site.url.removeprefix("http://")
    archives = f'[archives]\nallowed_hosts = ["{host}"]\n' + "".join(official)
    for name in ("VG_100K", "train2017", "annotations"):
        (folder / name).mkdir()
    (folder / "VG_100K" / f"{IDS['abbey-1']}.jpg").write_bytes(_built.site.answers["/abbey-1.jpg"][1])
    own = {number: name[:-2] for name, number in IDS.items()}
    write_coco(folder / "annotations/captions_train2017.json", own)
    write_coco(folder / "captions_val2017.json", own)
    (folder / "phrases.csv").write_text("image_id,phrase\nmine,a tower of an old abbey\n")
    (folder / "answers.csv").write_text("query,a,b,person,answer\n1,2,6,ann,a\n1,2,6,bob,a\n6,7,1,ann,a\n6,7,1,bob,b\n")
    yield World(folder, SMALL | {"captions-run": SMALL["captions-run"] + archives, "curate": polite(host)})
    for file in files:
        del _built.site.answers[f"/{file.name}.zip"]


def polite(host: str) -> str:
    return f'[acquire]\nallowed_hosts = ["{host}"]\nattempts = 1\n[polite]\nhost_rate = 1000.0\nhost_connections = 8\n'


@pytest.fixture
def run(cairn: Any) -> Any:
    """Runs a line of a page in the current folder."""

    def run_line(line: str, settings: Mapping[str, str]) -> None:
        words = [HERE.get(word, word) for word in shlex.split(line, comments=True)]
        if "--text" in words and words[1] == "search":  # by a network that has learned words
            run_line("cairn index latest --network latest" + (" --name vg-photos" * ("vg-photos" in words)), settings)
        kind = "semantic" if "semantic" in words else "-".join(words[1:3] if words[1] == "captions" else words[1:2])
        if kind in settings:
            shown = Path(words[words.index("--settings") + 1]).read_text() if "--settings" in words else ""
            Path(f"small-{kind}.toml").write_text(shown + settings[kind])
            words += ["--settings", f"small-{kind}.toml"]
        if words[1] == "train":  # where another process reads photographs, it has to import torch first
            words += ["--workers", "0"]  # of an option that is given twice the last counts
        words += ["--root", "data-coco"] * ("coco" in line)  # or all that follows needed a --name
        ended = cairn(*words[1:])
        assert ended.code == 0, f"{line}\n{ended.output}{ended.errors}"

    return run_line


def run_page(name: str, run: Any, world: World) -> dict[str, Any]:
    """Runs the blocks of a page one after the other; Python's share their names."""
    names, blocks = dict[str, Any](), blocks_of(REPOSITORY / f"docs/guides/{name}.md")
    for block in blocks:
        if block.language == "toml":
            (world.folder / block.text.split()[1].rstrip(",;")).write_text(block.text)
    for block in blocks:
        if block.language == "python":
            block.run(names)
        for line in block.commands if block.language == "sh" else []:
            if not line.startswith(ELSEWHERE):
                run(line, world.settings)
    return names


def test_training(landmarks: World, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(landmarks.folder)
    monkeypatch.setenv("BROWSER", "true")
    run_page("training", run, landmarks)


def test_search(landmarks: World, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(landmarks.folder)
    monkeypatch.setenv("BROWSER", "true")
    index = sorted((landmarks.folder / "data/indexes/landmarks").glob("1-*"))[0]
    shutil.copy(index / "vectors.npy", "vectors.npy")
    digests = pq.read_table(index / "indexed.parquet")["sha256"].to_pylist()
    Path("sha256.txt").write_text("\n".join(digests))
    said = run_page("search", run, landmarks)
    assert said["found"].rows[0, 0] == 0


def test_captions(captioned: World, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(captioned.folder)
    said = run_page("captions", run, captioned)
    assert (said["agreed"].triplets, said["agreed"].unanimous_triplets) == (2, 1)
