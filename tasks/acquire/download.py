"""Fetching an official test set: resumed, checked, unpacked aside, and in place only when all of it is."""

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from storage.errors import InputError
from storage.unwritable import told_when_unwritable
from tasks.acquire.archive import transfer
from tasks.acquire.settings import RemoteFile, TransferSettings
from tasks.acquire.unpack import unpack

RECORD = "downloaded.json"
"""In the folder of a fetched set: the address, length and sha256 of each file that came."""

_OXFORD = "https://www.robots.ox.ac.uk/~vgg/data/oxbuildings"
_PARIS = "https://www.robots.ox.ac.uk/~vgg/data/parisbuildings"
_REVISITED = "https://cmp.felk.cvut.cz/revisitop/data/datasets"

OnProgress = Callable[[str, int, int], None]
"""Called with the name of a file, the bytes that are there, and how many there will be, 0 where unknown."""


# Their authors publish no checksums: what arrives is told in `downloaded.json`, and can be demanded from then on.
OFFICIAL: dict[str, tuple[RemoteFile, ...]] = {
    "oxford5k": tuple(RemoteFile(url=f"{_OXFORD}/{name}") for name in ("oxbuild_images-v1.tgz", "gt_files_170407.tgz")),
    "paris6k": tuple(
        RemoteFile(url=f"{_PARIS}/{name}") for name in ("paris_1-v1.tgz", "paris_2-v1.tgz", "paris_120310.tgz")
    ),
    "roxford5k": (
        RemoteFile(url=f"{_OXFORD}/oxbuild_images-v1.tgz"),
        RemoteFile(url=f"{_REVISITED}/roxford5k/gnd_roxford5k.mat"),
    ),
    "rparis6k": (
        RemoteFile(url=f"{_PARIS}/paris_1-v1.tgz"),
        RemoteFile(url=f"{_PARIS}/paris_2-v1.tgz"),
        RemoteFile(url=f"{_REVISITED}/rparis6k/gnd_rparis6k.mat"),
    ),
}
"""Where the authors of test sets offer them."""


def files_of(name: str, given: dict[str, tuple[RemoteFile, ...]]) -> tuple[RemoteFile, ...]:
    """Returns the files of a test set: those given for it, or else the official ones.

    Raises:
        InputError: neither is known.
    """
    files = given.get(name) or OFFICIAL.get(name)
    if not files:
        raise InputError(
            f"test set {name!r}: no addresses are known (they are for {', '.join(OFFICIAL)}); give a TOML file of "
            f'[[{name}]] with url = "https://…" and, where you know it, sha256 = "…", once for each file'
        )
    return files


def download(
    files: tuple[RemoteFile, ...],
    folder: Path,
    settings: TransferSettings,
    on_progress: OnProgress,
) -> None:
    """Fetches the files and unpacks them into a new folder, which appears when all is well.

    What came stays beside it in `FOLDER.part` until then: after a failure the same call goes on where it stood.

    Raises:
        InputError: the folder exists; a file can't be fetched, is not what was promised, or is no sound archive.
    """
    if folder.exists():
        raise InputError(f"{folder} is there already; remove it to fetch it anew, or give another folder")
    with told_when_unwritable(str(folder.parent), "folder"):
        _bring(files, folder, folder.with_name(f"{folder.name}.part"), settings, on_progress)


def _bring(
    files: tuple[RemoteFile, ...],
    folder: Path,
    kept: Path,
    settings: TransferSettings,
    on_progress: OnProgress,
) -> None:
    kept.mkdir(parents=True, exist_ok=True)
    came = [_arrive(file, kept, settings, on_progress) for file in files]
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as building:
        whole = Path(building) / folder.name
        whole.mkdir()
        for file in files:
            unpack(kept / file.name, whole)
        (whole / RECORD).write_text(json.dumps(came, indent=2) + "\n")
        whole.rename(folder)
    shutil.rmtree(kept)


def _arrive(
    file: RemoteFile, folder: Path, settings: TransferSettings, on_progress: OnProgress
) -> dict[str, str | int]:
    """Brings a file into the folder, unless it came before, and checks it."""
    path = folder / file.name
    sha256 = transfer(file, path, settings, partial(on_progress, file.name))
    return {"url": file.shown, "bytes": path.stat().st_size, "sha256": sha256}
