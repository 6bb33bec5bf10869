"""What a version keeps, as a table for Python and as a folder for another tool."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from storage.errors import DamagedTableError, InputError
from storage.gathering import Gathered, gather_folder
from storage.images import get_image
from storage.making import Link, Wanted
from storage.manifest import Manifest
from storage.root import Root
from storage.versions import find_version, only_name, read_version_table
from tasks.export.formats import LAYOUTS
from tasks.export.kept import BOX, kept_images
from tasks.export.layout import Content, File, Folder, Photograph, Picture, photographs
from tasks.export.options import ExportOptions, SplitBy
from tasks.export.picture import render
from tasks.export.split import held_out_classes, same_photographs

_COLUMNS = [
    *("image_id", "landmark_id", "class_index", "split", "path", *BOX, "supports"),
    *("width", "height", "orientation", "sha256"),
]


def load_version(
    root: str = "./data", version: str = "latest", name: str | None = None, split_by: str = "image"
) -> pd.DataFrame:
    """Returns what a version keeps, one row an image, for training code of your own.

    Args:
        root: the dataset root. version: `latest`, a number, a folder name, or the start of a digest.
        name: of the dataset; not needed where the root holds only one.
        split_by: `image`: val has images of the classes of train; `class`: val has classes of its own.

    Returns:
        image_id, landmark_id, class_index (the same in train and val), split, path (absolute; of a root on an object
        store, its URL), the landmark's box as x1, y1, x2, y2 (half-open, in pixels after EXIF orientation), supports
        (verified pairs that the box rests on; 0: it is the whole picture), width and height after EXIF orientation,
        orientation, and sha256. Files are not read: `cairn verify` does.

    Raises:
        InputError: there is no such version, or no such split.
    """
    if split_by not in list(SplitBy):
        raise InputError(f"split_by {split_by!r}: expected image or class")
    store = Root(root)
    kept = read_kept(store, find_version(store, only_name(store, name), version), SplitBy(split_by))
    return kept.assign(path=f"{store.url}/" + kept.path)[_COLUMNS]


def read_kept(root: Root, version: Manifest, split_by: SplitBy) -> pd.DataFrame:
    """Returns the table of `kept_images` of a version, with the split that is asked for."""
    tables = [read_version_table(root, version, table).to_pandas() for table in ("verdicts", "images", "boxes")]
    kept = kept_images(*tables)
    if split_by == SplitBy.CLASS:
        ends = ["landmark_a", "landmark_b"]
        related = read_version_table(root, version, "class_pairs", ends).to_pandas()
        share = version.settings["publish"]["validation_share"]
        chosen = held_out_classes(kept.landmark_id, pd.concat([related, same_photographs(kept)]), share)
        kept = kept.assign(split=kept.landmark_id.isin(chosen).map({True: "val", False: "train"}))
    return kept


_VERSION = 1
"""Rises when the same request would make other files."""


@dataclass(frozen=True)
class Exported:
    """An export that stands: where, of what, and how many of its files were made now."""

    folder: Path
    content: Content
    gathered: Gathered


def export_version(
    root: Root,
    version: Manifest,
    options: ExportOptions,
    folder: Path,
    on_progress: Callable[[int, int], None] = lambda *_: None,
) -> Exported:
    """Exports what a version keeps into a folder; every stored picture is read and checked against its digest.

    Args:
        on_progress: is called with how many of how many files are done.

    Raises:
        InputError: the root is not on this machine's disk and pictures are to be links, or something else stands in
            the folder.
        DamagedTableError: stored pictures are gone or damaged: it names them. The same call goes on where it stopped.
    """
    content = read_content(root, version, options, folder.absolute())
    request = {
        "version": version.folder,
        "digest": version.digest,
        "root": root.url,
        "layout": _VERSION,
        **options.model_dump(mode="json"),
        "classes": content.classes,
    }
    parts = list(LAYOUTS[options.format](content))
    if not root.is_local and any(_is_link(part, options) for part in parts):
        raise InputError(f"{root.url} is not on this machine's disk, so nothing can link to it; give --copy")
    files = [_wanted(root, part, options) for part in parts if not isinstance(part, Folder)]
    folders = [part.path for part in parts if isinstance(part, Folder)]
    return Exported(content.folder, content, gather_folder(content.folder, request, files, folders, on_progress))


def read_content(root: Root, version: Manifest, options: ExportOptions, folder: Path) -> Content:
    """Returns what the formats are told of a version."""
    kept = read_kept(root, version, options.split_by)
    classes = kept.drop_duplicates("class_index").landmark_id
    return Content(
        version.name, folder, photographs(kept, crop=options.crop), tuple(classes), partial(_pairs, root, version)
    )


def _pairs(root: Root, version: Manifest) -> pd.DataFrame:
    ends = ["landmark_id", "image_a", "image_b"]
    pairs = read_version_table(root, version, "pairs", [*ends, "copy"]).to_pandas()
    cuts = read_version_table(root, version, "cuts", ends).to_pandas()
    joined = pairs[~pairs["copy"]].merge(cuts, "left", on=ends, indicator=True)
    return joined[joined["_merge"] == "left_only"][["image_a", "image_b"]]


def _is_link(part: Picture | File | Folder, options: ExportOptions) -> bool:
    return isinstance(part, Picture) and part.photograph.as_stored and not options.copy_images


def _wanted(root: Root, part: Picture | File, options: ExportOptions) -> Wanted:
    if isinstance(part, File):
        return Wanted(part.path, partial(part.make, partial(_read, root)))
    if _is_link(part, options):
        return Wanted(part.path, partial(_link, root, part.photograph))
    return Wanted(part.path, partial(_read, root, part.photograph))


def _link(root: Root, photograph: Photograph) -> Link:
    _read(root, photograph)
    return Link(root.local_path(photograph.stored), Path(photograph.stored).stem)


def _read(root: Root, photograph: Photograph) -> bytes:
    """The exported bytes of a photograph."""
    try:
        content = get_image(root, photograph.stored)
    except DamagedTableError as error:
        raise DamagedTableError(str(error), f"{root.url}/{photograph.stored}") from error
    return render(photograph, content)
