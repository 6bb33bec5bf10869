"""All settings of a flow, with what each means and its default: as a TOML file whose lines wait to be changed."""

import json
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from textwrap import wrap
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

_WIDTH = 110
_LIMITS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}


def list_settings(model: BaseModel, prefix: str = "") -> Iterator[dict[str, Any]]:
    """Yields every setting below a model of defaults: its section, name, default, description, and what it may be."""
    fields = {name: (getattr(model, name), field) for name, field in type(model).model_fields.items()}
    for name, (value, field) in fields.items():
        if not isinstance(value, BaseModel):
            yield {
                "section": prefix.rstrip("."),
                "name": name,
                "default": _plain(value),
                "description": field.description or "",
                "allowed": _allowed(field),
            }
    for name, (value, _) in fields.items():
        if isinstance(value, BaseModel):
            yield from list_settings(value, f"{prefix}{name}.")


def settings_toml(model: BaseModel, command: str, only: str | None = None) -> str:
    """Writes settings as TOML: sections as they are, settings as comments, so that each line is a default to change.

    Args:
        model: the flow's settings, with their defaults. command: that reads the file. only: of this section, with
            what is below it.
    """
    lines = [f"# Settings of `{command} --settings FILE`. Each line is a default: remove its # to change it."]
    section = None
    for setting in list_settings(model):
        if only is not None and not f"{setting['section']}.".startswith(f"{only}."):
            continue
        if setting["section"] != section:
            section = setting["section"]
            lines += ["", *_comment(_describe_section(model, section)), f"[{section}]"]
        allowed = f" ({setting['allowed']})" if setting["allowed"] else ""
        lines += _comment(setting["description"] + allowed)
        value = _toml(setting["default"])
        lines.append(f"# {setting['name']} = {value}" if value else f"# {setting['name']} is not set")
    return "\n".join(lines) + "\n"


def _describe_section(model: BaseModel, section: str) -> str:
    *above, last = section.split(".")
    for name in above:
        model = getattr(model, name)
    return type(model).model_fields[last].description or ""


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in wrap(text, _WIDTH)]


def _allowed(field: FieldInfo) -> str:
    """The limits or the choices of a field in words."""
    choices = [choice for one in _parts(field.annotation) if get_origin(one) is Literal for choice in get_args(one)]
    limits = [
        f"{sign} {getattr(limit, name):g}"
        for limit in field.metadata
        for name, sign in _LIMITS.items()
        if hasattr(limit, name)
    ]
    return ", ".join(limits) or (f"one of {', '.join(map(str, choices))}" if choices else "")


def _parts(annotation: Any) -> tuple[Any, ...]:
    return (annotation, *get_args(annotation))


def _plain(value: Any) -> Any:
    """A default as JSON knows it."""
    match value:
        case Enum():
            return value.value
        case Path():
            return str(value)
        case tuple() | list() | frozenset():
            return [_plain(part) for part in value]
        case dict():
            return {name: _plain(part) for name, part in value.items()}
        case BaseModel():
            return value.model_dump(mode="json")
        case _:
            return value


def _toml(value: Any) -> str:
    """A plain value as TOML; empty for what TOML has no value for."""
    match value:
        case None:
            return ""
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case dict():
            parts = [f"{json.dumps(name)} = {_toml(part)}" for name, part in value.items() if part is not None]
            return f"{{ {', '.join(parts)} }}" if parts else "{}"
        case _:
            return json.dumps(value, ensure_ascii=False)
