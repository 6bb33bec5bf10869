"""Values of settings and of evidence in plain words, of a length that a page bears."""

from collections.abc import Iterator, Mapping
from typing import Any

_LONGEST_TEXT = 240
_LONGEST_LIST = 8


def plain_name(name: str) -> str:
    """Returns the name of a setting or of a fact as words."""
    return name.replace("_", " ")


def words(value: Any) -> str:
    """Returns a JSON value in plain words."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4g}"
        case list():
            more = f" and {len(value) - _LONGEST_LIST} more" if len(value) > _LONGEST_LIST else ""
            return ", ".join(words(part) for part in value[:_LONGEST_LIST]) + more
        case dict():
            return "; ".join(f"{plain_name(name)} {words(part)}" for name, part in value.items())
        case _:
            return str(value)


def clip(text: str) -> str:
    """Returns the text, cut where it is too long for a page."""
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"


def flatten(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yields nested settings as (dotted name, value in words)."""
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", words(value)
