"""The commands about published versions: they list, verify, open, explain and score them."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from flows.commands.listing import print_versions
from flows.commands.options import (
    JsonOption,
    KindOption,
    NameOption,
    RootOption,
    VersionArgument,
    VersionOption,
    kind_of,
)
from flows.commands.terminal import console, print_json, print_verified, report_path
from storage.manifest import Manifest
from storage.root import Root
from storage.verify import verify_version
from storage.versions import find_version, only_name


def list_all(root: RootOption = "./data", as_json: JsonOption = False) -> None:
    """List the published versions of a root."""

    def facts(version: Manifest) -> tuple[object, ...]:
        kept = version.funnel[-1]
        return kept.images, kept.classes, ", ".join(version.test_sets) or "none"

    headings = ("images", "classes", "test sets")
    print_versions(Root(root), Manifest, headings, facts, "cairn verify", as_json=as_json)


def verify(
    version: VersionArgument = "latest",
    root: RootOption = "./data",
    name: NameOption = None,
    kind: KindOption = "versions",
    as_json: JsonOption = False,
) -> None:
    """Read all files of VERSION and all images that it keeps; exit with 1 where any is not as it was published."""
    store, of = Root(root), kind_of(kind)
    found = verify_version(store, only_name(store, name, of), version, of)
    print_verified(found, as_json=as_json)
    if found.wrong:
        raise typer.Exit(1)


def report(
    root: RootOption = "./data",
    name: NameOption = None,
    version: VersionOption = "latest",
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say where the report of a version is."""
    store = Root(root)
    found = find_version(store, only_name(store, name), version)
    path = report_path(store, found)
    if as_json:
        print_json({"version": found.folder, "report": path})
    else:
        console.print(Text(path), soft_wrap=True)
    if open_it:
        webbrowser.open(f"file://{path}")


def why(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="Its id, the start of that, or its address.")],
    root: RootOption = "./data",
    name: NameOption = None,
    version: VersionOption = "latest",
    as_json: JsonOption = False,
) -> None:
    """Say what became of one image, and on what evidence."""
    store = Root(root)
    found = find_version(store, only_name(store, name), version)
    from flows.commands.why import explain, facts_of, find_image

    facts = facts_of(store, found, find_image(store, found, image))
    if as_json:
        print_json(facts)
    else:
        console.print(explain(facts))


def compare(
    version: str,
    reference: Annotated[
        list[Path],
        typer.Option(
            metavar="FILE",
            help="What the authors kept: lines of URL CLASS_ID x1 x2 y1 y2, or Google-Landmarks v2's train_clean.csv; "
            "repeatable.",
        ),
    ],
    md5: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="File with one MD5 per line of the reference; its boxes need it; repeatable likewise.",
        ),
    ] = None,
    root: RootOption = "./data",
    name: NameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare VERSION with what the authors of its list kept: keep and discard, class by class, and boxes."""
    store = Root(root)
    found = find_version(store, only_name(store, name), version)
    from flows.commands.compare import compare_with, describe_comparison, facts_of_comparison
    from tasks.evaluate.reference import read_reference

    theirs = read_reference(reference, md5 or ())
    agreement = compare_with(store, found, theirs)
    if as_json:
        print_json(facts_of_comparison(agreement))
    else:
        console.print(describe_comparison(found, theirs, agreement))
