"""The commands `init` and `settings`: files to begin with."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from flows.commands.options import ContactOption, JsonOption
from flows.commands.terminal import console, print_json
from storage.errors import InputError
from storage.versions import check_name

if TYPE_CHECKING:
    from pydantic import BaseModel

_OVERRIDES = """\
# What a person decided instead of the method: `cairn curate LIST --overrides overrides.toml`.
# The report writes such a file from what is clicked in it.

# The group that holds this image is kept, whatever its size:
[pin]
# "CLASS" = "IMAGE_ID"

# All images of a class count as another class, from the start:
[merge]
# "CLASS" = "OTHER CLASS"

# Single images that stay in their class although the method drops them, or go although it keeps them, each with why:
[keep]
# "IMAGE_ID" = "seen from the back"

[drop]
# "IMAGE_ID" = "a drawing"
"""
_COMMANDS = {"captions": "captions run", "train-semantic": "train --kind semantic"}


class Further(StrEnum):
    """What may be deployed beside the curation of a list."""

    TRAINING = "training"
    CAPTIONS = "captions"


_ALWAYS = ("flows.curate.curate",)
_MORE = {
    Further.TRAINING: ("flows.train.train", "flows.index.index"),
    Further.CAPTIONS: ("flows.captions.captions", "flows.train_semantic.train_semantic"),
}
"""The flows of the further deployments that may be asked for."""
_HINT = """\
# More deployments, to copy from another folder: `cairn init more --with training` trains a network on each version and
# indexes by it; `--with captions` encodes Visual Genome's captions and trains by them.
"""
_PLAIN = re.compile(r"[A-Za-z0-9./_-]+")


def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the files go; made if need be.")] = Path(),
    listed: Annotated[
        Path, typer.Option("--list", metavar="LIST", help="The list, as `cairn curate` reads it.")
    ] = Path("landmarks.csv"),
    name: Annotated[str, typer.Option(metavar="NAME", help="Name of the dataset.")] = "landmarks",
    contact: ContactOption = "",
    more: Annotated[
        list[Further] | None,
        typer.Option(
            "--with",
            metavar="WHAT",
            help="Further deployments: training, a network and an index of each version; captions, those of Visual "
            "Genome and a network that learns from them; repeatable.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write settings.toml, overrides.toml and prefect.yaml for a list, to be changed; nothing is overwritten.

    prefect.yaml has one deployment, which curates the list every week; --with adds others.
    """
    check_name(name)
    files = {
        "settings.toml": _settings_toml("curate"),
        "overrides.toml": _OVERRIDES,
        "prefect.yaml": deployments_yaml(name, listed.absolute(), contact, more or ()),
    }
    if there := [file for file in files if (folder / file).exists()]:
        raise InputError(f"{folder / there[0]} is there already; give another FOLDER, or remove it")
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        (folder / file).write_text(text, encoding="utf-8")
    if as_json:
        print_json({"files": [folder / file for file in files]})
        return
    for file in files:
        console.print(str(folder / file), highlight=False, soft_wrap=True)


def settings(
    section: Annotated[
        str | None, typer.Argument(metavar="[SECTION]", help="One section alone, such as match or train.mining.")
    ] = None,
    flow: Annotated[
        Literal["curate", "captions", "index", "train", "train-semantic"],
        typer.Option(metavar="FLOW", help="Whose settings: curate, captions, index, train or train-semantic."),
    ] = "curate",
    as_json: JsonOption = False,
) -> None:
    """Print every setting with its default and what it means: as a TOML file, to be changed and given as --settings."""
    from flows.commands.settings_page import list_settings

    listed = list(list_settings(_defaults(flow)))
    found = [one for one in listed if section is None or f"{one['section']}.".startswith(f"{section}.")]
    if not found:
        known = ", ".join(dict.fromkeys(one["section"] for one in listed))
        raise InputError(f"no section {section!r} in the settings of {flow}; it has {known}")
    if as_json:
        print_json(found)
    else:
        typer.echo(_settings_toml(flow, section), nl=False)


def deployments_yaml(name: str, listed: Path, contact: str, more: Collection[Further]) -> str:
    """Returns the file `prefect.yaml` that curates a list every week.

    Args:
        more: what else it deploys.
    """
    whole = (Path(__file__).parent / "templates/prefect.yaml").read_text(encoding="utf-8")
    head, *deployments = re.split(r"^(?=  - name: )", whole, flags=re.MULTILINE)
    flows = [*_ALWAYS, *(flow for part in more for flow in _MORE[part])]
    chosen = (one for one in deployments if any(f"entrypoint: {flow}\n" in one for flow in flows))
    template = "".join([head, *chosen, *([] if more else [_HINT])])
    path = str(listed)
    values = {
        "NAME": name,
        "LIST": path if _PLAIN.fullmatch(path) else json.dumps(path, ensure_ascii=False),
        "CONTACT": json.dumps(contact),
    }
    return re.sub("@(NAME|LIST|CONTACT)@", lambda found: values[found[1]], template)


def _settings_toml(flow: str, section: str | None = None) -> str:
    from flows.commands.settings_page import settings_toml

    return settings_toml(_defaults(flow), f"cairn {_COMMANDS.get(flow, flow)}", section)


def _defaults(flow: str) -> "BaseModel":
    from flows.settings import (
        CaptionsSettings,
        CurateSettings,
        IndexFlowSettings,
        SemanticFlowSettings,
        TrainFlowSettings,
    )

    models: Mapping[str, Callable[[], Any]] = {
        "curate": CurateSettings,
        "captions": CaptionsSettings,
        "index": IndexFlowSettings,
        "train": TrainFlowSettings,
        "train-semantic": SemanticFlowSettings,
    }
    made: BaseModel = models[flow]()
    return made
