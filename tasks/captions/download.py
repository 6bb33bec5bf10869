"""Fetching an archive of hundreds of megabytes: what has arrived stays, and a broken transfer goes on from there."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import urllib3

from storage.errors import InputError
from tasks.acquire.fetch import open_pool
from tasks.acquire.guard import BlockedAddressError
from tasks.acquire.settings import AcquireSettings
from tasks.captions.settings import Archive, ArchiveSettings

_CHUNK = 1 << 18
_LONGEST_WAIT = 60.0
_MOST_REDIRECTS = 5
_FINAL = {400, 401, 403, 404, 405, 410, 451}
"""Statuses that another try will not change."""


def download(
    archive: Archive, partial: Path, settings: ArchiveSettings, sleep: Callable[[float], Any] = time.sleep
) -> str:
    """Fetches an archive into a file, going on with what is in it from an earlier time.

    The server is asked for the rest of the same file, by the ETag or date it gave, which is kept beside; one that knows
    no ranges, or has another file by now, sends everything.

    Returns:
        The sha256 of the whole file.

    Raises:
        InputError: the address leads to nothing, to a file that is too long, or to another one than was promised.
    """
    pool = open_pool(AcquireSettings(connect_timeout=settings.connect_timeout, allowed_hosts=settings.allowed_hosts))
    failures, problem = 0, ""
    while failures < settings.attempts:
        before = _size(partial)
        try:
            if _transfer(pool, archive.address, partial, settings):
                return _checked(archive, partial)
            problem = "the connection ended before the file did"
        except (urllib3.exceptions.HTTPError, OSError) as error:
            problem = f"{type(error).__name__}: {error}"
        except BlockedAddressError as error:
            raise InputError(f"{archive.address}: {error}; [archives] allowed_hosts lets it through") from error
        failures = failures + 1 if _size(partial) <= before else 0
        if failures and failures < settings.attempts:
            sleep(min(settings.backoff * 2 ** (failures - 1), _LONGEST_WAIT))
    tried = f"{settings.attempts} tries brought nothing new"
    raise InputError(f"{archive.address}: {tried} ({problem[:200]}); run again to go on, or give a local file")


def _transfer(pool: urllib3.PoolManager, address: str, partial: Path, settings: ArchiveSettings) -> bool:
    """One request; whether the file is complete after it."""
    mark, begun = partial.with_suffix(".mark"), _size(partial)
    headers = {"User-Agent": settings.user_agent, "Accept-Encoding": "identity"}
    if begun and mark.exists() and mark.read_text():
        headers |= {"Range": f"bytes={begun}-", "If-Range": mark.read_text()}
    response = pool.request(
        "GET", address, headers=headers, preload_content=False,
        timeout=urllib3.Timeout(connect=settings.connect_timeout, read=settings.read_timeout),
        retries=urllib3.Retry(total=_MOST_REDIRECTS, connect=0, read=0, status=0, other=0),
    )  # fmt: skip
    try:
        length = _length(response, begun)
        if response.status == 200:
            begun = 0
            mark.write_text(_mark_of(response))
        elif response.status == 416:  # there is nothing after what is here
            if length == begun:
                return True
            partial.unlink()
        if response.status not in (200, 206):
            _refuse(response.status, address)
        with partial.open("ab" if begun else "wb") as file:
            while chunk := response.read1(_CHUNK):
                if file.tell() + len(chunk) > settings.max_bytes:
                    raise InputError(f"{address}: longer than {settings.max_bytes:,} bytes ([archives] max_bytes)")
                file.write(chunk)
    finally:
        response.close()
    return length is None or _size(partial) == length


def _length(response: urllib3.BaseHTTPResponse, begun: int) -> int | None:
    """How long the whole file is, where the server says it."""
    if response.status == 200:
        said = response.headers.get("Content-Length", "")
        return int(said) if said.isdigit() else None
    span, _, whole = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    if response.status == 206 and (span.partition("-")[0] != str(begun) or not whole.isdigit()):
        raise urllib3.exceptions.HTTPError(f"a part that was not asked for: {span[:60]!r}")
    return int(whole) if whole.isdigit() else None


def _mark_of(response: urllib3.BaseHTTPResponse) -> str:
    """By what the server knows this very file again; nothing where it gives no means to."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "")


def _refuse(status: int, address: str) -> NoReturn:
    if status in _FINAL:
        raise InputError(f"{address}: HTTP status {status}; give another address, or a local file")
    raise urllib3.exceptions.HTTPError(f"HTTP status {status}")


def _checked(archive: Archive, partial: Path) -> str:
    digest = hashlib.sha256()
    with partial.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    sha256 = digest.hexdigest()
    if archive.sha256 not in (None, sha256):
        partial.unlink()
        raise InputError(f"{archive.address}: what came has the sha256 {sha256}, not the promised {archive.sha256}")
    return sha256


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
