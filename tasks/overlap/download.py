"""Fetching an official test set: resumed, checked, unpacked aside, and in place only when all of it is."""

import gzip
import hashlib
import json
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

import requests
import urllib3
from pydantic import Field

from storage.errors import InputError
from tasks.settings import StageSettings

_CHUNK = 1 << 20
_CONNECT, _READ = 10.0, 60.0  # seconds
RECORD = "downloaded.json"
"""In the folder of a fetched set: the address, length and sha256 of each file that came."""

_OXFORD = "https://www.robots.ox.ac.uk/~vgg/data/oxbuildings"
_PARIS = "https://www.robots.ox.ac.uk/~vgg/data/parisbuildings"
_REVISITED = "http://cmp.felk.cvut.cz/revisitop/data/datasets"


class RemoteFile(StageSettings):
    """A file of a test set: an archive to be unpacked, or any other to be kept as it is."""

    url: str = Field(pattern=r"^https?://", description="address")
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$", description="of its bytes; None: not known, only told")
    bytes: int | None = Field(None, ge=0, description="its length; None: not known")

    @property
    def name(self) -> str:
        """The last part of its address, which is a plain file name."""
        name = unquote(urlsplit(self.url).path).rsplit("/", 1)[-1]
        if not name or name.startswith(".") or "\\" in name:
            raise InputError(f"{self.url}: expected an address that ends with a file name")
        return name


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


def download(files: tuple[RemoteFile, ...], folder: Path, tell: Callable[[str, int, int], None]) -> None:
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
    came = [_arrive(file, kept, tell) for file in files]
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as building:
        whole = Path(building) / folder.name
        whole.mkdir()
        for file in files:
            _unpack(kept / file.name, whole)
        (whole / RECORD).write_text(json.dumps(came, indent=2) + "\n")
        whole.rename(folder)
    shutil.rmtree(kept)


def _arrive(file: RemoteFile, folder: Path, tell: Callable[[str, int, int], None]) -> dict[str, str | int]:
    """Brings a file into the folder, unless it came before, and checks it."""
    path = folder / file.name
    if not path.exists():
        _fetch(file, path, tell)
    digest = hashlib.sha256()
    with path.open("rb") as content:
        while part := content.read(_CHUNK):
            digest.update(part)
    found, length = digest.hexdigest(), path.stat().st_size
    wrong = [
        f"{what} {here}, expected {promised}"
        for what, here, promised in (("bytes:", length, file.bytes), ("sha256", found, file.sha256))
        if promised is not None and here != promised
    ]
    if wrong:
        path.unlink()
        raise InputError(f"{file.url}: what came is not what was promised: {'; '.join(wrong)}; it was removed")
    return {"url": file.url, "bytes": length, "sha256": found}


def _fetch(file: RemoteFile, path: Path, tell: Callable[[str, int, int], None]) -> None:
    """Fetches a file, from where an earlier try stopped if the server says that it is still the same file."""
    part, tag = path.with_name(f"{path.name}.partial"), path.with_name(f"{path.name}.etag")
    start = part.stat().st_size if part.exists() and tag.exists() else 0
    asked = {"Accept-Encoding": "identity"}  # lengths are then those of the file
    if start:
        asked |= {"Range": f"bytes={start}-", "If-Range": tag.read_text()}
    with _answering(file, asked) as answer:
        if answer.status_code != 206 or answer.headers.get("Content-Range", "").split("-")[0] != f"bytes {start}":
            start = 0
        total = start + int(answer.headers.get("Content-Length") or 0)
        etag = answer.headers.get("ETag", "")
        tag.unlink(missing_ok=True)
        if etag and not etag.startswith("W/"):
            tag.write_text(etag)
        with part.open("r+b" if start else "wb") as content:
            content.seek(start)
            while chunk := answer.raw.read1(_CHUNK):  # each piece as it arrives: what came before a break is kept
                content.write(chunk)
                tell(file.name, content.tell(), total)
            length = content.tell()
    if "Content-Length" in answer.headers and length != total:
        raise InputError(
            f"{file.url}: {length} of {total} bytes came; run the same command again, it goes on from there"
        )
    part.rename(path)
    tag.unlink(missing_ok=True)


@contextmanager
def _answering(file: RemoteFile, headers: dict[str, str]) -> Iterator[requests.Response]:
    """The answer to a request, when it is a good one; what breaks while it is read is told alike."""
    try:
        with requests.get(file.url, headers=headers, stream=True, timeout=(_CONNECT, _READ)) as answer:
            answer.raise_for_status()
            yield answer
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise InputError(f"{file.url}: {error}; run the same command again, it goes on from where it stood") from error


def _unpack(file: Path, folder: Path) -> None:
    """Unpacks an archive into a folder, and copies any other file there.

    Raises:
        InputError: the archive is damaged, or a name in it leads out of the folder.
    """
    try:
        if tarfile.is_tarfile(file):
            with tarfile.open(file) as archive:
                _check_room(file, folder, sum(member.size for member in archive))
                archive.extractall(folder, filter="data")
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


def _check_names(file: Path, names: list[str]) -> None:
    for name in names:
        if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/"):
            raise InputError(f"{file.name}: the name {name!r} in it leads out of the folder; nothing was unpacked")


def _check_room(file: Path, folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(f"{file.name}: unpacked it takes {needed:,} bytes, and {folder.parent} has {free:,} left")
