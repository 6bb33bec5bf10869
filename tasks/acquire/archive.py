"""Fetching a file of hundreds of megabytes: what has arrived stays, and a broken transfer goes on from there."""

import hashlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import urllib3

from storage.errors import InputError
from storage.unwritable import told_when_unwritable
from tasks.acquire.address import flaw_of, read_address
from tasks.acquire.fetch import redirect_of
from tasks.acquire.guard import BlockedAddressError
from tasks.acquire.pool import GuardedPool, open_pool
from tasks.acquire.settings import AcquireSettings, RemoteFile, TransferSettings

_CHUNK = 1 << 18
_LONGEST_WAIT = 60.0
_MOST_REDIRECTS = 30
_FINAL = {400, 401, 403, 404, 405, 410, 451}
"""Statuses that another try will not change."""

OnProgress = Callable[[int, int], Any]


def transfer(
    file: RemoteFile,
    path: Path,
    settings: TransferSettings,
    on_progress: OnProgress = lambda _done, _total: None,
    sleep: Callable[[float], Any] = time.sleep,
) -> str:
    """Brings a file to a path, where it appears when all of it is there; one that is there already is only checked.

    Until then what has arrived lies in `PATH.partial`. The rest of the same file is asked for by the ETag or the date
    that the server gave, kept in `PATH.mark`; one that knows no ranges, or has another file by now, sends everything.

    Args:
        on_progress: called with the bytes that are there as they arrive, and how many there will be, 0 where unknown.

    Returns:
        The sha256 of the whole file.

    Raises:
        InputError: the address leads to nothing, to a file that is too long, or to another one than was promised.
    """
    partial, mark = _beside(path)
    if not path.exists():
        _fetch(file, path, settings, on_progress, sleep)
        partial.rename(path)
    mark.unlink(missing_ok=True)
    return _checked(file, path)


def _fetch(
    file: RemoteFile, path: Path, settings: TransferSettings, on_progress: OnProgress, sleep: Callable[[float], Any]
) -> None:
    """Asks until all of the file is there, or several times in a row nothing more of it came."""
    guarded = AcquireSettings(connect_timeout=settings.connect_timeout, allowed_hosts=settings.allowed_hosts)
    partial, _ = _beside(path)
    failures, problem, reached = 0, "", _size(partial)
    with open_pool(guarded) as pool:
        while failures < settings.attempts:
            try:
                if _go_on(pool, file, path, settings, on_progress):
                    return
                problem = "the connection ended before the file did"
            except BlockedAddressError as error:
                raise InputError(f"{file.shown}: {error}, and so does allowed_hosts in the settings") from error
            except InputError:
                raise
            except ValueError as error:  # of a redirect, too: no address that can be asked
                raise InputError(f"{file.shown}: it leads to no http or https address ({error})") from error
            except (urllib3.exceptions.HTTPError, OSError) as error:
                problem = f"{type(error).__name__}: {error}"
            failures = 0 if _size(partial) > reached else failures + 1
            reached = max(reached, _size(partial))
            if failures and failures < settings.attempts:
                sleep(min(settings.backoff * 2 ** (failures - 1), _LONGEST_WAIT))
    tried = f"{settings.attempts} tries brought nothing new"
    raise InputError(f"{file.shown}: {tried} ({problem[:200]}); run again to go on from there, or give your own copy")


def _go_on(
    pool: GuardedPool, file: RemoteFile, path: Path, settings: TransferSettings, on_progress: OnProgress
) -> bool:
    """One request; whether the file is complete after it."""
    partial, mark = _beside(path)
    begun, longest = _size(partial), max(settings.max_bytes, file.bytes or 0)
    headers = {"User-Agent": settings.user_agent, "Accept-Encoding": "identity"}
    if begun and mark.exists() and mark.read_text():
        headers |= {"Range": f"bytes={begun}-", "If-Range": mark.read_text()}
    response = _ask(pool, file, headers, settings)
    try:
        length = _length(response, begun)
        if response.status == 200:
            partial.unlink(missing_ok=True)  # before its mark is: no part of one file lies by the mark of another
            mark.write_text(_mark_of(response))
        elif response.status == 416:  # there is nothing after what is here
            if length == begun:
                return True
            partial.unlink(missing_ok=True)
        if response.status not in (200, 206):
            _refuse(response.status, file)
        with partial.open("ab") as sink:
            while chunk := response.read1(_CHUNK):  # each piece as it arrives: what came before a break is kept
                if sink.tell() + len(chunk) > longest:
                    raise InputError(
                        f"{file.shown}: longer than {longest:,} bytes; tell its `bytes`, or raise max_bytes"
                    )
                with told_when_unwritable(str(path.parent), "folder"):  # no other request makes room
                    sink.write(chunk)
                    sink.flush()
                on_progress(sink.tell(), length or 0)
    finally:
        response.close()
    return length is None or _size(partial) == length


def _ask(
    pool: GuardedPool, file: RemoteFile, headers: Mapping[str, str], settings: TransferSettings
) -> urllib3.BaseHTTPResponse:
    """The head of the answer, wherever redirects lead to it."""
    url, timeout = file.url, urllib3.Timeout(connect=settings.connect_timeout, read=settings.read_timeout)
    for _ in range(1 + _MOST_REDIRECTS):
        address = read_address(url)
        if address is None:
            raise InputError(f"{file.shown}: it leads to no http or https address ({flaw_of(url)})")
        response = pool.request(
            "GET", address.url, headers=headers, timeout=timeout, redirect=False, preload_content=False,
            decode_content=False,  # some servers call a .tgz an encoding of a .tar: the bytes are kept as they are
        )  # fmt: skip
        location = redirect_of(response, url)
        if location is None:
            return response
        response.close()
        if not pool.guard.lets_redirect(url, location):
            raise InputError(f"{file.shown}: redirects to {location}, a host that is allowed; give that address itself")
        url = location
    raise InputError(f"{file.shown}: more than {_MOST_REDIRECTS} redirects; give another address, or your own copy")


def _length(response: urllib3.BaseHTTPResponse, begun: int) -> int | None:
    """How long the whole file is, where the server says it."""
    if response.status == 200:
        said = response.headers.get("Content-Length", "")
        return int(said) if said.isdecimal() else None
    span, _, whole = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    if response.status == 206 and span.partition("-")[0] != str(begun):
        raise urllib3.exceptions.HTTPError(f"a part that was not asked for: {span[:60]!r}")
    return int(whole) if whole.isdecimal() else None


def _mark_of(response: urllib3.BaseHTTPResponse) -> str:
    """The mark by which the server knows this very file again; empty where it gives none."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "")


def _refuse(status: int, file: RemoteFile) -> NoReturn:
    if status in _FINAL:
        raise InputError(f"{file.shown}: HTTP status {status}; give another address, or your own copy")
    raise urllib3.exceptions.HTTPError(f"HTTP status {status}")


def _checked(file: RemoteFile, path: Path) -> str:
    with path.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    wrong = [
        f"{what} {here}, expected {promised}"
        for what, here, promised in (("bytes:", path.stat().st_size, file.bytes), ("sha256", sha256, file.sha256))
        if promised is not None and here != promised
    ]
    if wrong:
        path.unlink()
        raise InputError(f"{file.shown}: what came is not what was promised: {'; '.join(wrong)}; it was removed")
    return sha256


def _beside(path: Path) -> tuple[Path, Path]:
    """Where the file is gathered, and where the mark is kept by which the server knows it again."""
    return path.with_name(f"{path.name}.partial"), path.with_name(f"{path.name}.mark")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
