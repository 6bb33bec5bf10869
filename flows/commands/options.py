"""Options that several commands have."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from storage.errors import InputError
from storage.manifest import Version
from storage.retention import KINDS

ListArgument = Annotated[
    Path,
    typer.Argument(
        metavar="LIST", help="CSV or Parquet of id,url,landmark_id; lines URL CLASS_ID; or a folder of class folders."
    ),
]
Md5Option = Annotated[Path | None, typer.Option(help="File with one MD5 per line of the list.")]
CleanOption = Annotated[
    Path | None, typer.Option(help="Google-Landmarks v2's train_clean.csv: keep only the ids it names.")
]
RootOption = Annotated[str, typer.Option(help="Dataset root: a folder, or any URL that fsspec opens.")]
NameOption = Annotated[str | None, typer.Option(help="Name of the dataset; not needed where the root holds only one.")]
VersionArgument = Annotated[str, typer.Argument(help="`latest`, a number, a folder name, or the start of a digest.")]
VersionOption = Annotated[
    str, typer.Option("--version", help="`latest`, a number, a folder name, or the start of a digest.")
]
KindOption = Annotated[
    Literal["versions", "captions", "networks", "indexes"], typer.Option(help="What it is a version of.")
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
    typer.Option(help='TOML file of lines SITE = ["SPELLING"]: classes named like a test landmark are listed.'),
]
SettingsOption = Annotated[Path | None, typer.Option(help="TOML file with a section per stage, such as 'match'.")]
AllowHostOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="HOST[:PORT]",
        help="Fetch from this host although its address is private or the port unusual; without PORT, 80 and 443.",
    ),
]
RunnerOption = Annotated[Literal["threads", "processes", "dask"], typer.Option(help="What carries out the tasks.")]
WorkersOption = Annotated[int, typer.Option(min=1, help="Tasks carried out at once.", show_default="one a core")]


def kind_of(shelf: str) -> type[Version]:
    """The kind of versions that a shelf has."""
    return next(kind for kind in KINDS if kind.shelf == shelf)


def read_test_sets(options: list[str]) -> dict[str, Path]:
    """The folders, or signatures, of test sets by name, from options NAME=DIR.

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
