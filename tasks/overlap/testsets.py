"""A test set as a folder of photographs, each with the site it shows and the part it plays."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from storage.errors import InputError
from storage.reasons import PassedOver
from tasks.acquire.folder import Skipped, look_through
from tasks.overlap.groundtruth import Part, Role, is_ground_truth, read_ground_truth, site_of, stem_of

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
        photographs: sorted by path; some may turn out to be unreadable.
        skipped: what is known beforehand to be compared with nothing: links that lead out, files that can't be opened
            or are known to be corrupt, and photographs that the ground truth names and the folder lacks.
        ground_truth: whether roles come from its authors; without, every photograph is a `positive`.
    """

    name: str
    folder: Path
    photographs: tuple[Photograph, ...]
    skipped: tuple[Skipped, ...]
    ground_truth: bool

    def digest(self) -> str:
        """sha256 over the paths, sites, roles and bytes of the photographs, and over what else there is."""
        digest = hashlib.sha256(json.dumps(self.skipped).encode())
        for photograph in self.photographs:
            digest.update("\0".join(photograph).encode() + b"\0")
            with (self.folder / photograph.path).open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()


def read_test_set(name: str, folder: Path) -> TestSet:
    """Returns all pictures below a folder, whatever their names, with what is known of them.

    The names `oxford5k`, `paris6k`, `roxford5k`, `rparis6k` and `holidays` stand for the official sets: Paris's corrupt
    files are left out, and a Holidays file's first four digits are its site and its last two its part. Elsewhere the
    site is the file name without its number, unless a ground truth (see `read_ground_truth`) says better.

    Raises:
        InputError: the folder is missing, holds no photographs, or has a ground truth that can't be read or names none
            of them. A version must not be published unchecked without a word.
    """
    if not folder.is_dir():
        raise InputError(f"test set {name!r}: no folder {folder}; give --test-set {name}=FOLDER with its photographs")
    held = look_through(folder, is_ground_truth)
    corrupt = [path for path in held.pictures if name in _PARIS and stem_of(path).removeprefix("paris_") in _CORRUPT]
    used = [path for path in held.pictures if path not in corrupt]
    if not used:
        linked = [entry.path for entry in held.skipped if entry.reason == PassedOver.LINKED_OUT][:3]
        hint = f"; not followed, since they lead out of it: {', '.join(linked)}" if linked else ""
        raise InputError(f"test set {name!r}: no photographs below {folder}{hint}")
    parts = read_ground_truth(name, [folder / path for path in held.others])
    absent = set(parts or ()) - set(map(stem_of, held.pictures))
    if parts and len(absent) == len(parts):
        raise InputError(
            f"test set {name!r}: its ground truth names {len(parts)} photographs, and none of them is below {folder}"
        )
    photographs = []
    for path in used:
        role, site = _part(name, path, parts)
        photographs.append(Photograph(path, site, role))
    skipped = [
        *held.skipped,
        *(Skipped(path, PassedOver.KNOWN_CORRUPT) for path in corrupt),
        *(Skipped(photograph, PassedOver.ABSENT) for photograph in absent),
    ]
    return TestSet(name, folder, tuple(photographs), tuple(sorted(skipped)), parts is not None)


def _part(name: str, path: str, parts: Mapping[str, Part] | None) -> Part:
    stem = stem_of(path)
    if name == _HOLIDAYS and re.fullmatch(r"\d{6}", stem):
        return Part("query" if stem.endswith("00") else "positive", stem[:4])
    file_name = PurePosixPath(path).name
    found = (parts or {}).get(stem) or Part("positive" if parts is None else "distractor", site_of(file_name))
    # A ground truth says `eiffel` where the file says `paris_eiffel`.
    return found._replace(site=found.site.removeprefix("paris_")) if name in _PARIS else found
