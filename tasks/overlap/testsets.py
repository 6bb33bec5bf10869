"""A test set as a folder of photographs, each with the site it shows and the part it plays."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from storage.errors import InputError
from tasks.acquire.sources import IMAGE_SUFFIXES
from tasks.overlap.groundtruth import Part, Role, read_ground_truth, site_of

_PARIS = ("paris6k", "rparis6k")
_HOLIDAYS = "holidays"
_CORRUPT = {  # of Paris6k, by the authors of its ground truth: not decodable, and in no list
    *("louvre_000136", "louvre_000146", "moulinrouge_000422", "museedorsay_001059", "notredame_000188"),
    *("pantheon_000284", "pantheon_000960", "pantheon_000974", "pompidou_000195", "pompidou_000196"),
    *("pompidou_000201", "pompidou_000467", "pompidou_000640", "sacrecoeur_000299", "sacrecoeur_000330"),
    *("sacrecoeur_000353", "triomphe_000662", "triomphe_000833", "triomphe_000863", "triomphe_000867"),
}


class Photograph(NamedTuple):
    """A photograph: its path below the folder of its set, the site it shows, and the part it plays."""

    path: str
    site: str
    role: Role


@dataclass(frozen=True)
class TestSet:
    """A test set.

    Attributes:
        photographs: sorted by path. ignored: paths of files that are known to be corrupt.
        ground_truth: whether roles come from its authors; without, every photograph is a `positive`.
        absent: how many photographs the ground truth names that are not in the folder.
    """

    name: str
    folder: Path
    photographs: tuple[Photograph, ...]
    ignored: tuple[str, ...]
    ground_truth: bool
    absent: int

    def digest(self) -> str:
        """sha256 over the paths, sites, roles and bytes of the photographs."""
        digest = hashlib.sha256()
        for photograph in self.photographs:
            digest.update("\0".join(photograph).encode() + b"\0")
            digest.update(hashlib.sha256((self.folder / photograph.path).read_bytes()).digest())
        return digest.hexdigest()


def read_test_set(name: str, folder: Path) -> TestSet:
    """All image files below a folder, with what is known of them.

    The names `oxford5k`, `paris6k`, `roxford5k`, `rparis6k` and `holidays` stand for the official sets: Paris's corrupt
    files are left out, and a Holidays file's first four digits are its site and its last two its part. Elsewhere the
    site is the file name without its number, unless a ground truth (see `read_ground_truth`) says better.

    Raises:
        InputError: the folder is missing, holds no photographs, or has a ground truth that can't be read or names none
            of them. A version must not be published unchecked without a word.
    """
    if not folder.is_dir():
        raise InputError(f"test set {name!r}: no folder {folder}; give --test-set {name}=FOLDER with its photographs")
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in IMAGE_SUFFIXES and f.is_file())
    corrupt = [file for file in files if name in _PARIS and file.stem.removeprefix("paris_") in _CORRUPT]
    used = [file for file in files if file not in corrupt]
    if not used:
        raise InputError(f"test set {name!r}: no photographs below {folder}")
    parts = read_ground_truth(name, folder)
    absent = set(parts or ()) - {file.stem for file in files}
    if parts and len(absent) == len(parts):
        raise InputError(
            f"test set {name!r}: its ground truth names {len(parts)} photographs, and none of them is below {folder}"
        )
    photographs = []
    for file in used:
        role, site = _part(name, file, parts)
        photographs.append(Photograph(file.relative_to(folder).as_posix(), site, role))
    ignored = tuple(file.relative_to(folder).as_posix() for file in corrupt)
    return TestSet(name, folder, tuple(photographs), ignored, parts is not None, len(absent))


def _part(name: str, file: Path, parts: dict[str, Part] | None) -> Part:
    if name == _HOLIDAYS and re.fullmatch(r"\d{6}", file.stem):
        return Part("query" if file.stem.endswith("00") else "positive", file.stem[:4])
    found = (parts or {}).get(file.stem) or Part("positive" if parts is None else "distractor", site_of(file.name))
    # A ground truth says `eiffel` where the file says `paris_eiffel`.
    return found._replace(site=found.site.removeprefix("paris_")) if name in _PARIS else found
