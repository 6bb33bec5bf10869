"""Writes docs/reference/settings.md from the models of settings: `python docs/make_settings.py`."""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from flows.settings import (
    CaptionsSettings,
    CurateSettings,
    CurationGate,
    IndexFlowSettings,
    IndexGate,
    RunSettings,
    TrainFlowSettings,
    TrainRunSettings,
)

HEAD = """# Settings

Every setting has a default, so a settings file has only what you change:

```toml
# settings.toml, for `cairn curate LIST --settings settings.toml`
[polite]
contact = "landmarks@acme.example"
host_rate = 2.0

[match]
false_alarms = -12.0    # stricter than the default: fewer false pairs, and fewer true ones
```

A name that is unknown is an error, and so is a value out of range. In a deployment the same settings stand in
`prefect.yaml` under `parameters: settings:`. The manifest of every version records them.

Written from the models by `make docs`.
"""
IN_A_DEPLOYMENT = """## In a deployment

Parameters `run:` and `gate:` in `prefect.yaml`. On the command line they are options of the same name, such as
`--refetch` and `--images-lost`.
"""
FLOWS: dict[str, tuple[type[BaseModel], str]] = {
    "curate": (
        CurateSettings,
        "`cairn curate LIST --settings FILE`; `plan`, `certify` and `download` read their parts.",
    ),
    "captions": (CaptionsSettings, "`cairn captions run --settings FILE`."),
    "index": (IndexFlowSettings, "`cairn index --settings FILE`."),
    "train": (TrainFlowSettings, "`cairn train --settings FILE`."),
}
PARAMETERS: dict[str, tuple[type[BaseModel], str]] = {
    "run": (RunSettings, "How `curate` and `captions` run; none of it changes a result."),
    "gate": (CurationGate, "What a version must hold to become the latest."),
    "gate of index": (IndexGate, "What an index must hold to become the latest."),
    "run of train": (TrainRunSettings, "How a training runs."),
}
_OF_THE_MACHINE = object()  # a default that is made when it is asked for


def page() -> str:
    """The page."""
    parts = [HEAD]
    for flow, (model, about) in FLOWS.items():
        parts += [f"## {flow}\n", f"{about}\n"]
        parts += tables(model.model_json_schema())
    parts.append(IN_A_DEPLOYMENT)
    for name, (model, about) in PARAMETERS.items():
        parts += [f"### {name}\n", f"{about}\n", table(model.model_json_schema()["properties"])]
    return "\n".join(parts)


def tables(schema: dict[str, Any]) -> list[str]:
    """The sections of a settings file, those inside others too."""
    found = []
    for name, field, model in _sections("", schema, schema):
        rows = {key: entry for key, entry in model["properties"].items() if not _model(entry, schema)}
        found.append(f"### [{name}]\n\n{_capital(field['description'])}.\n")
        if rows:
            found.append(table(rows, field.get("default")))
    return found


def _sections(prefix: str, model: dict[str, Any], schema: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    found = []
    for name, field in model["properties"].items():
        if inner := _model(field, schema):
            found += [(prefix + name, field, inner), *_sections(f"{prefix}{name}.", inner, schema)]
    return found


def _model(field: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any] | None:
    """The model that a field holds, if it holds one."""
    reference = field.get("$ref", "").rpartition("/")[2]
    model: dict[str, Any] | None = schema.get("$defs", {}).get(reference)
    return model if model and "properties" in model else None


def table(fields: dict[str, Any], defaults: dict[str, Any] | None = None) -> str:
    """A table of settings; `defaults` are those of the section, where it has others than the model."""
    lines = ["| setting | default | allowed | what it is |", "|---|---|---|---|"]
    for name, field in fields.items():
        default = _default((defaults or {}).get(name, field.get("default", _OF_THE_MACHINE)))
        lines.append(f"| `{name}` | {default} | {_allowed(field)} | {_cell(field['description'])} |")
    return "\n".join(lines) + "\n"


def _default(value: Any) -> str:
    if value is _OF_THE_MACHINE:
        return "one a core"
    if value is None:
        return "none"
    text = json.dumps(value, ensure_ascii=False)
    return f"`{text}`" if len(text) <= 60 else "see `cairn settings`"


def _allowed(field: dict[str, Any]) -> str:
    kinds = [kind for kind in field.get("anyOf", [field]) if kind.get("type") != "null"]
    kind = kinds[0]
    if "enum" in kind:
        return ", ".join(f"`{json.dumps(value)}`" for value in kind["enum"])
    name = {"array": "list", "object": "table", "boolean": "true or false", "string": "text"}
    words = name.get(kind.get("type", "object"), kind.get("type", "table"))
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    limits = [f"{sign} {kind[limit]:g}" for limit, sign in signs.items() if limit in kind]
    return ", ".join([words, *limits])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


if __name__ == "__main__":
    (Path(__file__).parent / "reference/settings.md").write_text(page())
