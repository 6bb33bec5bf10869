"""Each format of `cairn export`, opened by the library it is for, or by a reader of what that library documents."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tasks.export.task import load_version

Export = Callable[..., Path]
CLASSES = ["abbey", "bridge", "dome"]


@pytest.fixture
def export(cairn: Any, first_run: Any, tmp_path: Path) -> Export:
    """Exports the version of the first run, with a class of its own in val; gives the folder."""

    def run(layout: str, *options: str) -> Path:
        folder = tmp_path / layout
        ended = cairn(
            *("export", 1, "--format", layout, "--split-by", "class"),
            *("--out", folder, "--root", first_run[0], *options),
        )
        assert (ended.code, ended.errors.strip()) == (0, "")
        return folder

    return run


@pytest.fixture
def kept(first_run: Any) -> pd.DataFrame:
    return load_version(str(first_run[0]), split_by="class").set_index("image_id")


def box_of(row: Any) -> list[float]:
    return [row.x1, row.y1, row.x2, row.y2]


def test_image_folder_by_torchvision(export: Export, kept: pd.DataFrame) -> None:
    from torchvision.datasets import ImageFolder

    folder = export("imagefolder", "--crop")
    train, val = (ImageFolder(folder / split, allow_empty=True) for split in ("train", "val"))
    assert train.class_to_idx == val.class_to_idx == {name: index for index, name in enumerate(CLASSES)}
    assert (folder / "classes.txt").read_text().split() == CLASSES
    for split, found in (("train", train), ("val", val)):
        assert {Path(path).stem: index for path, index in found.samples} == of(kept, split).class_index.to_dict()
    for picture, index in val:
        assert picture.mode == "RGB"
        assert CLASSES[index] in set(of(kept, "val").landmark_id)
    for path, _ in train.samples:
        row = kept.loc[Path(path).stem]
        with Image.open(path) as picture:
            assert picture.width == pytest.approx(row.x2 - row.x1, abs=2)
            assert picture.height == pytest.approx(row.y2 - row.y1, abs=2)


def of(kept: pd.DataFrame, split: str) -> pd.DataFrame:
    return kept[kept.split == split]


def test_webdataset_by_webdataset(export: Export, kept: pd.DataFrame) -> None:
    from webdataset import WebDataset

    folder = export("webdataset")
    for split in ("train", "val"):
        samples = list(WebDataset(str(folder / f"{split}-000000.tar"), shardshuffle=False))
        found = {json.loads(sample["json"])["image_id"]: sample for sample in samples}
        assert sorted(found) == sorted(of(kept, split).index)
        for image, sample in found.items():
            row = kept.loc[image]
            assert sample["jpg"] == Path(row.path).read_bytes()
            assert int(sample["cls"]) == row.class_index
            assert json.loads(sample["json"])["box"] == box_of(row)


def test_parquet_by_datasets(export: Export, kept: pd.DataFrame, tmp_path: Path) -> None:
    from datasets import load_dataset

    found = load_dataset(str(export("parquet")), cache_dir=str(tmp_path / "cache"))
    assert found["train"].features["label"].names == found["validation"].features["label"].names == CLASSES
    for name, split in (("train", "train"), ("validation", "val")):
        assert sorted(found[name]["image_id"]) == sorted(of(kept, split).index)
    for sample in found["validation"]:
        row = kept.loc[sample["image_id"]]
        assert (sample["label"], [sample[side] for side in ("x1", "y1", "x2", "y2")]) == (row.class_index, box_of(row))
        with Image.open(row.path) as stored:
            assert np.array_equal(sample["image"], stored)


def test_coco_by_pycocotools(export: Export, kept: pd.DataFrame) -> None:
    from pycocotools.coco import COCO

    folder = export("coco")
    seen = set()
    for split in ("train", "val"):
        found = COCO(folder / f"annotations/instances_{split}.json")
        assert [found.cats[index + 1]["name"] for index in range(3)] == CLASSES
        assert len(found.imgs) == len(found.anns) == len(of(kept, split))
        assert seen.isdisjoint(found.imgs)
        seen |= set(found.imgs)
        for image in found.loadImgs(found.getImgIds()):
            row = kept.loc[image["list_id"]]
            (box,) = found.loadAnns(found.getAnnIds(image["id"]))
            x, y, width, height = box["bbox"]
            assert [x, y, x + width, y + height] == pytest.approx(box_of(row))
            assert (box["category_id"], row.split) == (row.class_index + 1, split)
            with Image.open(folder / "images" / image["file_name"]) as picture:
                assert picture.size == (image["width"], image["height"])


def test_cirtorch_by_the_reader_of_its_loader(export: Export, kept: pd.DataFrame, first_run: Any) -> None:
    root, run = first_run
    pairs = pd.read_parquet(root / run.version.folder / "pairs.parquet")
    base = export("cirtorch") / "train/retrieval-SfM-landmarks"
    database = pickle.loads((base / "retrieval-SfM-landmarks.pkl").read_bytes())
    verified = {frozenset(pair) for pair in zip(pairs.image_a, pairs.image_b, strict=True)}
    by_bytes = {Path(row.path).read_bytes(): image for image, row in kept.iterrows()}
    told = set()
    for split in ("train", "val"):
        part = database[split]
        paths = [base / "ims" / cid[-2:] / cid[-4:-2] / cid[-6:-4] / cid for cid in part["cids"]]
        images = [by_bytes[path.read_bytes()] for path in paths]
        assert sorted(images) == sorted(of(kept, split).index)
        assert part["cluster"] == kept.class_index[images].tolist()
        directed = {(images[a], images[b]) for a, b in zip(part["qidxs"], part["pidxs"], strict=True)}
        assert len(directed) == len(part["qidxs"])
        assert directed == {(b, a) for a, b in directed}
        told |= {frozenset(pair) for pair in directed}
    assert told == {pair for pair in verified if pair <= set(kept.index)}


def test_dirtorch_by_the_reader_of_its_lists(export: Export, kept: pd.DataFrame) -> None:
    folder = export("dirtorch")
    for split in ("train", "val"):
        lines = [line.strip().split(" ") for line in (folder / f"{split}.txt").open()]
        found = {Path(path).stem: int(label) for path, label in lines}
        assert found == of(kept, split).class_index.to_dict()
        assert [int(label) for _, label in lines] == sorted(found.values())
        assert all(Path(path).is_absolute() and Path(path).is_file() for path, _ in lines)


def test_dirtorch_refuses_a_folder_that_its_lists_cant_name(cairn: Any, first_run: Any, tmp_path: Path) -> None:
    ended = cairn("export", "--format", "dirtorch", "--out", tmp_path / "a set", "--root", first_run[0])
    assert ended.code == 2
    assert "has a space" in ended.errors


def test_oml_by_the_rules_of_its_checker(export: Export, kept: pd.DataFrame) -> None:
    table = pd.read_csv(export("oml") / "df.csv", index_col=False)
    assert {"label", "path", "split", "is_query", "is_gallery"} < set(table.columns)
    assert table.label.dtype == int
    assert set(table.split) == {"train", "validation"}
    is_train = table.split == "train"
    assert table.loc[is_train, ["is_query", "is_gallery"]].isna().all(axis=None)
    assert (table.loc[~is_train, ["is_query", "is_gallery"]] == True).all(axis=None)  # noqa: E712 - of type object
    for row in table.itertuples():
        own = kept.loc[Path(row.path).stem]
        assert (row.label, row.split[:3]) == (own.class_index, "val" if own.split == "val" else "tra")
        with Image.open(row.path) as picture:
            assert 0 <= row.x_1 < row.x_2 <= picture.width
            assert 0 <= row.y_1 < row.y_2 <= picture.height
        assert [row.x_1, row.y_1, row.x_2, row.y_2] == pytest.approx(box_of(own), abs=1)


def test_oml_refuses_an_empty_val(cairn: Any, first_run: Any, tmp_path: Path) -> None:
    ended = cairn("export", "--format", "oml", "--out", tmp_path / "out", "--root", first_run[0])
    assert (ended.code, ended.errors.count("\n")) == (2, 1)
    assert "give --split-by class" in ended.errors


def test_fiftyone_by_the_reader_of_its_layout(export: Export, kept: pd.DataFrame) -> None:
    folder = export("fiftyone", "--copy")
    for split in ("train", "val"):
        told = json.loads((folder / split / "labels.json").read_text())
        pictures = {
            str(path.relative_to(folder / split / "data").with_suffix("")): path
            for path in (folder / split / "data").rglob("*.*")
        }
        assert told["classes"] == CLASSES
        assert set(told["labels"]) == set(pictures)
        assert len(pictures) == len(of(kept, split))
        for name, (found,) in told["labels"].items():
            row = kept.loc[found["attributes"]["image_id"]]
            x, y, width, height = found["bounding_box"]
            with Image.open(pictures[name]) as picture:
                shown = np.array([x, y, x + width, y + height]) * (picture.size * 2)
            assert shown == pytest.approx(box_of(row), abs=0.01)
            assert told["classes"][found["label"]] == row.landmark_id
