"""Whether a version is as it was published, to the byte: its folder, and the stored images that it keeps."""

from dataclasses import dataclass

import pyarrow.compute as pc

from storage.errors import DamagedTableError
from storage.images import rotten_images
from storage.manifest import Manifest, Version
from storage.root import Root
from storage.versions import find_version, list_damage_of, read_version_table

_RECORDS = 3
"""Files of a version that its list does not name: the manifest, its digest, and the list."""


@dataclass(frozen=True)
class Verified:
    """How many files were looked at, and what is wrong, a line each."""

    files: int
    wrong: tuple[str, ...]


def verify_version(root: Root, name: str, which: str, kind: type[Version] = Manifest) -> Verified:
    """Reads all files of a version, and all stored images that it keeps.

    Args:
        which: the version, as for `find_version`.

    Raises:
        InputError: there is no such version.
    """
    try:
        version = find_version(root, name, which, kind)
    except DamagedTableError as error:
        return Verified(1, (str(error),))
    wrong, files = list_damage_of(root, version), _RECORDS + (version.files.rows if version.files else 0)
    if isinstance(version, Manifest):
        try:
            kept = _kept_images(root, version)
        except DamagedTableError:  # told above
            return Verified(files, tuple(wrong))
        files += len(kept)
        how = "the same command with --refetch failed fetches it anew"
        wrong += [f"{path} is gone or damaged: {how}" for path in sorted(rotten_images(root, kept))]
    return Verified(files, tuple(wrong))


def _kept_images(root: Root, version: Manifest) -> list[str]:
    verdicts = read_version_table(root, version, "verdicts", ["image_id", "verdict"])
    kept = verdicts.filter(pc.equal(verdicts["verdict"], "kept"))["image_id"]
    images = read_version_table(root, version, "images", ["image_id", "path"])
    paths: list[str] = images.filter(pc.is_in(images["image_id"], value_set=kept.combine_chunks()))["path"].to_pylist()
    return paths
