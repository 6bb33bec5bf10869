"""`cairn export` of a real version, and its table for Python; each format is opened by the library it is for."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from storage.errors import InputError
from tasks.export.task import load_version

Export = Callable[..., Path]


@pytest.fixture
def export(cairn: Any, first_run: Any, tmp_path: Path) -> Export:
    """Exports the version of the first run; gives the folder."""

    def run(layout: str, *options: str, root: Path = first_run[0]) -> Path:
        folder = tmp_path / layout
        ended = cairn("export", 1, "--format", layout, "--out", folder, "--root", root, *options)
        assert (ended.code, ended.errors.strip()) == (0, "")
        return folder

    return run


@pytest.fixture
def kept(first_run: Any) -> pd.DataFrame:
    return load_version(str(first_run[0])).set_index("image_id")


# The table


def test_the_table_has_every_kept_image_and_where_it_is(first_run: Any, kept: pd.DataFrame) -> None:
    root, run = first_run
    verdicts = pd.read_parquet(root / run.version.folder / "verdicts.parquet").set_index("image_id")
    boxes = pd.read_parquet(root / run.version.folder / "boxes.parquet").set_index("image_id")
    assert len(kept) == 21
    assert sorted(kept.index) == sorted(verdicts.index[verdicts.verdict == "kept"])
    assert kept.split.to_dict() == verdicts.split.dropna().to_dict()
    assert dict(zip(kept.landmark_id, kept.class_index, strict=True)) == {"abbey": 0, "bridge": 1, "dome": 2}
    for image, row in kept.iterrows():
        assert hashlib.sha256(Path(row.path).read_bytes()).hexdigest() == row.sha256
        assert tuple(row[["x1", "y1", "x2", "y2"]]) == tuple(boxes.loc[image, ["x1", "y1", "x2", "y2"]])


def test_a_split_by_class_holds_classes_out_whole(first_run: Any, kept: pd.DataFrame) -> None:
    by_class = load_version(str(first_run[0]), split_by="class").set_index("image_id")
    assert sorted(by_class.groupby("landmark_id").split.agg("unique").map(tuple)) == [("train",), ("train",), ("val",)]
    pd.testing.assert_frame_equal(by_class.drop(columns="split"), kept.drop(columns="split"))
    with pytest.raises(InputError, match="expected image or class"):
        load_version(str(first_run[0]), split_by="photograph")


# The command


def test_links_lead_into_the_root_and_copies_stand_alone(export: Export, kept: pd.DataFrame) -> None:
    folder = export("imagefolder", "--split-by", "class")
    linked = {path.stem: path for path in folder.glob("*/*/*")}
    assert {image: str(path.readlink()) for image, path in linked.items()} == kept.path.to_dict()
    folder.rename(folder.with_name("links"))
    copies = {path.stem: path for path in export("imagefolder", "--copy").glob("*/*/*")}
    assert not any(path.is_symlink() for path in copies.values())
    assert {image: path.read_bytes() for image, path in copies.items()} == {
        image: Path(path).read_bytes() for image, path in kept.path.items()
    }


def test_an_export_is_checked_by_the_same_command(cairn: Any, export: Export, dataset: Path) -> None:
    folder = export("imagefolder", root=dataset)
    same = ("export", 1, "--format", "imagefolder", "--out", folder, "--root", dataset)
    assert "22 files" in cairn(*same).output
    assert "all there and as they were made" in cairn(*same).output
    next(folder.glob("train/dome/*")).unlink()
    facts = json.loads(cairn(*same, "--json").output)
    assert (facts["folder"], facts["files"], facts["made_now"]) == (str(folder), 22, 1)
    assert sum(split["pictures"] for split in facts["splits"].values()) == 21
    ended = cairn(*same, "--crop")
    assert (ended.code, ended.errors.count("\n")) == (2, 1)
    assert "holds another export" in ended.errors


@pytest.mark.parametrize(("layout", "lost"), [("imagefolder", ["abbey-1", "dome-2"]), ("webdataset", ["dome-2"])])
def test_pictures_that_are_gone_or_rotten_are_named(
    cairn: Any, dataset: Path, tmp_path: Path, layout: str, lost: list[str]
) -> None:
    kept = load_version(str(dataset)).set_index("image_id")
    for image, damage in zip(lost, (lambda path: path.write_bytes(b"rot"), Path.unlink), strict=False):
        damage(Path(kept.path[image]))
    ended = cairn("export", 1, "--format", layout, "--out", tmp_path / "out", "--root", dataset)
    assert (ended.code, ended.errors.count("\n")) == (2, 1)
    assert all(kept.path[image] in ended.errors for image in lost)
    assert "gone or damaged" in ended.errors
    assert not (tmp_path / "out").exists()


def test_a_version_that_is_not_there(cairn: Any, first_run: Any, tmp_path: Path) -> None:
    ended = cairn("export", "z", "--format", "imagefolder", "--out", tmp_path / "out", "--root", first_run[0])
    assert (ended.code, ended.errors.count("\n")) == (2, 1)
    assert "fit 'z'" in ended.errors
