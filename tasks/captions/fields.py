"""Fields of a record of annotations, read from what anybody may have written there."""

from typing import Any

_LARGEST_ID = 2**63 - 1

Row = tuple[Any, ...]


class MalformedError(ValueError):
    """A record, or a part of one, that is not what the format says."""


def integer(entry: dict[str, Any], *names: str) -> int:
    """Returns an id under the first of these names that there is.

    Raises:
        MalformedError: there is none, or it is no id.
    """
    for name in names:
        if name in entry:
            value = entry[name]
            if type(value) is not int or not 0 <= value <= _LARGEST_ID:
                raise MalformedError(f"{name} is {shown(value)}, expected an id")
            return value
    raise MalformedError(f"no {names[0]}")


def optional(entry: dict[str, Any], name: str) -> int | None:
    """Returns an id, or None where there is none; raises MalformedError where it is something else."""
    return None if entry.get(name) is None else integer(entry, name)


def text(entry: dict[str, Any], name: str) -> str:
    """Returns a text; raises MalformedError where it is something else."""
    value = entry.get(name)
    if type(value) is not str or not _is_text(value):
        raise MalformedError(f"{name} is {shown(value)}, expected text")
    return value


def texts(entry: dict[str, Any], name: str) -> list[str]:
    """Returns a list of texts, which may be missing; raises MalformedError where it is something else."""
    values = entry.get(name) or []
    if type(values) is not list or not all(type(value) is str and _is_text(value) for value in values):
        raise MalformedError(f"{name} is {shown(values)}, expected a list of texts")
    return values


def _is_text(value: str) -> bool:
    """Whether it is characters alone: JSON can write halves of a surrogate pair, which are none."""
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)


def sides(entry: dict[str, Any]) -> tuple[int | None, int | None]:
    """Returns width and height of an image in pixels, as far as they are told.

    Raises MalformedError where they can't be.
    """
    width, height = optional(entry, "width"), optional(entry, "height")
    if any(side is not None and side > 2**31 - 1 for side in (width, height)):
        raise MalformedError("its size is no image's")
    return width, height


def shown(value: Any) -> str:
    """Returns a value for a message: short, and text in any case."""
    told = repr(value)
    return ascii(told)[1:-1] if not _is_text(told) else told if len(told) <= 60 else f"{told[:57]}..."
