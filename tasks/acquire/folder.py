"""What a folder holds: which of its files are pictures, or claim to be, and which are passed over, and why."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import NamedTuple

from storage.errors import InputError
from storage.reasons import PassedOver
from tasks.acquire.decode import is_accepted

_HEAD = 512
_PICTURE_NAME = re.compile(
    r"\.(jpe?g?|jfif?|jif|pjp|pjpeg|a?png|webp|gif|tiff?|bmp|dib|avifs?|hei[cf]s?|mpo|jxl|jp2)", re.IGNORECASE
)
_LEFT_BY_FILE_MANAGERS = re.compile(r"\.DS_Store|\._.*|Thumbs\.db|ehthumbs\.db", re.IGNORECASE)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")  # which text of whatever encoding but UTF-16 has none of
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Skipped(NamedTuple):
    """A file that was passed over: its path below the folder, and why: a `PassedOver`, or a `Reason` with evidence."""

    path: str
    reason: str
    detail: str = ""


class Holding(NamedTuple):
    """What a folder holds, sorted by path: pictures, other files that are none, and what was not looked at.

    Paths are below the folder, with slashes. `pictures` may turn out to be none: they claim it by their names, or their
    bytes are not those of text.
    """

    pictures: list[str]
    others: list[str]
    skipped: list[Skipped]


def looks_like_picture(name: str, head: bytes) -> bool:
    """Returns whether a file is to be looked at as a picture: by its first bytes, whatever its name.

    Or by what it claims.

    Pictures of all formats begin with bytes that no text has, and so do some other files. They are looked at, too: what
    nobody here can read may be a picture, and only what is surely none may be left out.

    Args:
        name: of the file. head: its first 512 bytes.
    """
    if _LEFT_BY_FILE_MANAGERS.fullmatch(name):
        return is_accepted(head)
    if _PICTURE_NAME.fullmatch(PurePath(name).suffix):
        return True
    return bool(_CONTROL.search(head)) and not head.startswith(_UTF16)


def look_through(folder: Path, is_other: Callable[[str], bool] = lambda _: False) -> Holding:
    """Returns everything below a folder, at any depth.

    Links are followed where they lead inside it; what leads out is told, not followed. Behind a link to a folder no
    other such link is followed: what it leads to is below the folder anyway. So loops and mazes of links end.

    Args:
        is_other: whether a file of this name is known to be no picture, whatever its bytes.

    Raises:
        InputError: the folder can't be opened, or a name in it is no text in UTF-8, which tables could not hold.
    """
    pictures, others, skipped = list[str](), list[str](), list[Skipped]()
    for path in _walk(folder, skipped):
        name, relative = path.name, path.relative_to(folder).as_posix()
        try:
            with path.open("rb") as file:
                head = file.read(_HEAD)
        except OSError as error:
            skipped.append(Skipped(relative, PassedOver.NO_ACCESS, str(error.strerror)))
            continue
        (pictures if not is_other(name) and looks_like_picture(name, head) else others).append(relative)
    _check_names(folder, [*pictures, *others, *(entry.path for entry in skipped)])
    return Holding(sorted(pictures), sorted(others), sorted(skipped))


def _walk(folder: Path, skipped: list[Skipped]) -> Iterator[Path]:
    """Regular files below a folder, and those that links inside it lead to; all else is added to `skipped`."""

    def skip(path: Path, reason: PassedOver, detail: str = "") -> None:
        if follows:  # or it is told by its own name
            skipped.append(Skipped(path.relative_to(folder).as_posix(), reason, detail))

    base = folder.resolve()
    stack = [(folder, base, True)]
    while stack:
        here, really, follows = stack.pop()
        try:
            entries = list(os.scandir(here))
        except OSError as error:
            if here == folder:
                raise InputError(f"{here}: can't be opened ({error.strerror}); give one that you may read") from error
            skip(here, PassedOver.NO_ACCESS, str(error.strerror))
            continue
        for entry in entries:
            path, target = here / entry.name, really / entry.name
            if entry.is_symlink():
                target = Path(os.path.realpath(path))
                reason = _why_not_followed(target, base, really)
                if reason:
                    skip(path, reason)
                    continue
            if target.is_dir():
                if follows or not entry.is_symlink():
                    stack.append((path, target, follows and not entry.is_symlink()))
            elif target.is_file():
                yield path
            else:
                skip(path, PassedOver.SPECIAL_FILE)


def _why_not_followed(target: Path, base: Path, here: Path) -> PassedOver | None:
    """Why a link in a folder is not followed, if it is not."""
    if not target.exists():
        return PassedOver.BROKEN_LINK
    if not target.is_relative_to(base):
        return PassedOver.LINKED_OUT
    return PassedOver.LINKED_LOOP if here.is_relative_to(target) else None


def _check_names(folder: Path, names: list[str]) -> None:
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            shown = repr(os.fsencode(name).decode("utf-8", "backslashreplace")).replace(r"\\", "\\")
            raise InputError(
                f"{folder}: the name {shown} is no text in UTF-8; rename it, or all of an old archive's at once by "
                "`convmv -r -f latin1 -t utf8 --notest FOLDER`"
            ) from None
