"""Fetching an official test set: resumed, checked, unpacked aside, and in place only when all of it is."""

import gzip
import json
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from storage.errors import InputError
from tasks.acquire.archive import transfer
from tasks.acquire.settings import RemoteFile, TransferSettings

RECORD = "downloaded.json"
"""In the folder of a fetched set: the address, length and sha256 of each file that came."""

_OXFORD = "https://www.robots.ox.ac.uk/~vgg/data/oxbuildings"
_PARIS = "https://www.robots.ox.ac.uk/~vgg/data/parisbuildings"
_REVISITED = "http://cmp.felk.cvut.cz/revisitop/data/datasets"


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
    """The files of a test set: those given for it, or else the official ones.

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
    files: tuple[RemoteFile, ...], folder: Path, settings: TransferSettings, tell: Callable[[str, int, int], None]
) -> None:
    """Fetches the files and unpacks them into a new folder, which appears when all is well.

    What came stays beside it in `FOLDER.part` until then: after a failure the same call goes on where it stood.

    Args:
        tell: is told the name of a file, the bytes that are there, and how many there will be, 0 where unknown.

    Raises:
        InputError: the folder exists; a file can't be fetched, is not what was promised, or is no sound archive.
    """
    if folder.exists():
        raise InputError(f"{folder} is there already; remove it to fetch it anew, or give another folder")
    kept = folder.with_name(f"{folder.name}.part")
    kept.mkdir(parents=True, exist_ok=True)
    came = [_arrive(file, kept, settings, tell) for file in files]
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as building:
        whole = Path(building) / folder.name
        whole.mkdir()
        for file in files:
            _unpack(kept / file.name, whole)
        (whole / RECORD).write_text(json.dumps(came, indent=2) + "\n")
        whole.rename(folder)
    shutil.rmtree(kept)


def _arrive(
    file: RemoteFile, folder: Path, settings: TransferSettings, tell: Callable[[str, int, int], None]
) -> dict[str, str | int]:
    """Brings a file into the folder, unless it came before, and checks it."""
    path = folder / file.name
    sha256 = transfer(file, path, settings, partial(tell, file.name))
    return {"url": file.url, "bytes": path.stat().st_size, "sha256": sha256}


def _unpack(file: Path, folder: Path) -> None:
    """Unpacks an archive into a folder, and copies any other file there.

    Raises:
        InputError: the archive is damaged, a name in it leads out of the folder, or it has more than files and folders.
    """
    try:
        if tarfile.is_tarfile(file):
            with tarfile.open(file) as archive:
                _check_names(file, archive.getnames())
                _check_room(file, folder, sum(member.size for member in archive))
                _extract(archive, folder)
        elif zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as zipped:
                _check_names(file, zipped.namelist())
                _check_room(file, folder, sum(member.file_size for member in zipped.infolist()))
                zipped.extractall(folder)  # noqa: S202  the names were checked
        elif file.name.lower().endswith((".tgz", ".tar.gz", ".tar", ".zip")):
            raise InputError(f"{file.name}: not an archive, whatever its name says; look at its address")
        else:
            shutil.copyfile(file, folder / file.name)
    except (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError) as error:
        file.unlink()
        raise InputError(f"{file.name}: can't be unpacked ({error}); it was removed, fetch it anew") from error


def _extract(archive: tarfile.TarFile, folder: Path) -> None:
    """Files alone, without modes and owners: Python's own filter came with 3.11.4, and Debian 12 has 3.11.2.

    Raises:
        tarfile.ExtractError: something in it is neither a file nor a folder, or is a file and a folder by turns.
    """
    for member in archive:
        if member.isdir():
            continue
        source = archive.extractfile(member) if member.isfile() else None
        if source is None:
            raise tarfile.ExtractError(f"{member.name!r} is neither a file nor a folder")
        path = folder / member.name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with source, path.open("wb") as sink:
                shutil.copyfileobj(source, sink)
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise tarfile.ExtractError(f"{member.name!r} is a file and a folder by turns") from error


def _check_names(file: Path, names: list[str]) -> None:
    for name in names:
        if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/"):
            raise InputError(f"{file.name}: the name {name!r} in it leads out of the folder; nothing was unpacked")


def _check_room(file: Path, folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(f"{file.name}: unpacked it takes {needed:,} bytes, and {folder.parent} has {free:,} left")
