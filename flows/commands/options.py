"""Options that several commands have."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from storage.errors import InputError
from storage.manifest import Version
from storage.retention import KINDS

HELP = {"help_option_names": ["-h", "--help"]}
"""Settings of the context in which commands are read."""

LIST, FETCHING, GATE, RUNNING = "The list", "Fetching", "What the latest must hold", "How it runs"
"""Groups of options in the help."""

ListArgument = Annotated[
    Path,
    typer.Argument(
        metavar="LIST", help="CSV or Parquet of id,url,landmark_id; lines URL CLASS_ID; or a folder of class folders."
    ),
]
Md5Option = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="File with one MD5 per line of the list.", rich_help_panel=LIST),
]
CleanOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Google-Landmarks v2's train_clean.csv: keep only the ids it names.",
        rich_help_panel=LIST,
    ),
]
RootOption = Annotated[str, typer.Option(metavar="ROOT", help="Dataset root: a folder, or any URL that fsspec opens.")]
NameOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Name of the dataset; not needed where the root holds only one."),
]
VersionArgument = Annotated[str, typer.Argument(help="`latest`, a number, a folder name, or the start of a digest.")]
VersionOption = Annotated[
    str,
    typer.Option("--version", metavar="VERSION", help="`latest`, a number, a folder name, or the start of a digest."),
]
KindOption = Annotated[
    Literal["versions", "captions", "networks", "indexes"],
    typer.Option(metavar="KIND", help="What it is a version of: versions, captions, networks or indexes."),
]
TestSetOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=DIR",
        help="Test set that must not leak in: folder of its photographs, or its signature, a Parquet file; repeatable.",
    ),
]
AliasesOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help='TOML file of lines SITE = ["SPELLING"]: classes named like a test landmark are listed.',
        rich_help_panel=LIST,
    ),
]
SettingsOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="TOML file with a section per stage; `cairn settings` prints all of them."),
]
AllowHostOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="HOST[:PORT]",
        help="Fetch from this host although its address is private or the port unusual; without PORT, 80 and 443.",
        rich_help_panel=FETCHING,
    ),
]
ContactOption = Annotated[
    str,
    typer.Option(
        metavar="ADDRESS",
        help="Mail or web address where hosts' owners reach you; lists of over 1,000 rows need it.",
        rich_help_panel=FETCHING,
    ),
]
RunnerOption = Annotated[
    Literal["threads", "processes", "dask"],
    typer.Option(
        metavar="RUNNER",
        help="What carries out the tasks: threads, processes or dask.",
        rich_help_panel=RUNNING,
    ),
]
WorkersOption = Annotated[
    int,
    typer.Option(
        metavar="N", min=1, help="Tasks carried out at once.", show_default="one a core", rich_help_panel=RUNNING
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the facts as JSON.")]


def kind_of(shelf: str) -> type[Version]:
    """Returns the kind of versions that a shelf has."""
    return next(kind for kind in KINDS if kind.shelf == shelf)


def read_test_sets(options: list[str]) -> dict[str, Path]:
    """Returns the folders, or signatures, of test sets by name, from options NAME=DIR.

    Raises:
        InputError: an option is no such pair, or a name is given twice.
    """
    pairs = [option.partition("=") for option in options]
    for option, (name, _, folder) in zip(options, pairs, strict=True):
        if not name or not folder:
            raise InputError(f"--test-set {option!r}: expected NAME=DIR, such as oxford5k=./oxford5k")
        if sum(other == name for other, _, _ in pairs) > 1:
            raise InputError(f"--test-set {name!r} is given twice; give each set a name of its own")
    return {name: Path(folder) for name, _, folder in pairs}
