"""Writes docs/reference/commands.md from the commands themselves: `python docs/make_commands.py`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from flows.commands.cli import app

HEAD = """# Commands

`cairn COMMAND --help` prints the same. Written from the commands themselves by `make docs`.

| exit code | from | means |
|---|---|---|
| 0 | every command | done; of `certify`: everything was compared, and nothing is shared |
| 1 | `certify` | something is shared |
| 1 | `verify` | something is not as it was published |
| 2 | every command | an error that you can correct; one line says how |
| 3 | `certify` | nothing shared was found, but some files were not compared |
| 4 | `curate`, `train`, `index` | a gate did not hold: the new version is held back, or the latest fails it |
| 130, 143 | every command | stopped by Ctrl-C or SIGTERM |
"""


def page() -> str:
    """The page."""
    found = list(commands("cairn", typer.main.get_command(app)))
    listed = "\n".join(f"- [`{name}`](#{name.replace(' ', '-')}): {_first_line(command)}" for name, command in found)
    return "\n".join([HEAD, listed, "", *(section(name, command) for name, command in found)])


def commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """All commands below one, by the words that call them, in the order of `--help`."""
    below = getattr(command, "commands", None)
    if below is None:
        yield name, command
    else:
        for word, inner in below.items():
            yield from commands(f"{name} {word}", inner)


def section(name: str, command: Any) -> str:
    """One command: what it does, how it is called, its arguments, and its options by group."""
    context = typer.Context(command, info_name=name)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    parts = [f"## {name}", command.help, f"```text\n{usage}\n```"]
    told = [(parameter, parameter.get_help_record(context)) for parameter in command.get_params(context)]
    shown = [(_panel(parameter), record) for parameter, record in told if record and "--help" not in record[0]]
    for panel in dict.fromkeys(panel for panel, _ in shown):
        lines = [f"- `{call}`: {text}" for other, (call, text) in shown if other == panel]
        parts += [f"**{panel}**", "\n".join(lines)]
    examples = [line.strip() for line in (command.epilog or "").splitlines() if line.startswith("    ")]
    if examples:
        parts.append("\n".join(["```sh", *examples, "```"]))
    return "\n\n".join(parts) + "\n"


def _panel(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return "Arguments"
    return parameter.rich_help_panel or "Options"


def _first_line(command: Any) -> str:
    return command.help.split("\n\n")[0].replace("\n", " ")


if __name__ == "__main__":
    (Path(__file__).parent / "reference/commands.md").write_text(page())
