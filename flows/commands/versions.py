"""The commands about published versions: they list, verify, open, explain and compare them."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from flows.commands.listing import print_versions
from flows.commands.options import KindOption, NameOption, RootOption, VersionArgument, VersionOption, kind_of
from flows.commands.terminal import console, describe_verified, page_path, report_path
from storage.manifest import Manifest
from storage.root import Root
from storage.verify import verify_version
from storage.versions import find_version, only_name


def list_all(root: RootOption = "./data") -> None:
    """List the published versions of a root."""

    def facts(version: Manifest) -> tuple[object, ...]:
        kept = version.funnel[-1]
        return kept.images, kept.classes, ", ".join(version.test_sets) or "none"

    print_versions(Root(root), Manifest, ("images", "classes", "test sets"), facts, "cairn verify")


def verify(
    version: VersionArgument = "latest",
    root: RootOption = "./data",
    name: NameOption = None,
    kind: KindOption = "versions",
) -> None:
    """Read all files of VERSION and all images that it keeps; exit with 1 where any is not as it was published."""
    store, of = Root(root), kind_of(kind)
    found = verify_version(store, only_name(store, name, of), version, of)
    console.print(describe_verified(found), soft_wrap=True)
    if found.wrong:
        raise typer.Exit(1)


def report(
    root: RootOption = "./data",
    name: NameOption = None,
    version: VersionOption = "latest",
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Say where the report of a version is."""
    store = Root(root)
    path = report_path(store, find_version(store, only_name(store, name), version))
    console.print(Text(path), soft_wrap=True)
    if open_it:
        webbrowser.open(f"file://{path}")


def why(image_id: str, root: RootOption = "./data", name: NameOption = None, version: VersionOption = "latest") -> None:
    """Say what became of one image, and on what evidence."""
    store = Root(root)
    found = find_version(store, only_name(store, name), version)
    from flows.commands.why import explain

    console.print(explain(store, found, image_id))


def diff(
    before: str,
    after: str,
    root: RootOption = "./data",
    name: NameOption = None,
    open_it: Annotated[bool, typer.Option("--open", help="Write it as a page, and open that in the browser.")] = False,
) -> None:
    """Show what changed from version BEFORE to version AFTER, image by image, with the reason."""
    store = Root(root)
    only = only_name(store, name)
    from flows.changes import find_changes, write_changes
    from flows.commands.why import plain_text

    changes = find_changes(store, find_version(store, only, before), find_version(store, only, after))
    shown = ["image_id", "landmark_id", "change", "before", "after", "evidence"]
    table = Table("image", "class", *shown[2:], box=None)
    for row in changes.rows[shown].to_numpy():
        table.add_row(*map(plain_text, row))
    console.print(table if len(changes.rows) else "no image entered, left, or changed its verdict or its box")
    if len(changes.rows):
        counts = changes.rows.change.value_counts()
        console.print(", ".join(f"{count} {change}" for change, count in counts.items()))
    if open_it:
        page = page_path(store, write_changes(store, changes))
        console.print(Text(page), soft_wrap=True)
        webbrowser.open(f"file://{page}")


def compare(
    version: str,
    reference: Annotated[
        list[Path],
        typer.Option(
            help="What the authors kept: lines of URL CLASS_ID x1 x2 y1 y2, or Google-Landmarks v2's train_clean.csv; "
            "repeatable."
        ),
    ],
    md5: Annotated[
        list[Path] | None,
        typer.Option(help="File with one MD5 per line of the reference; its boxes need it; repeatable likewise."),
    ] = None,
    root: RootOption = "./data",
    name: NameOption = None,
) -> None:
    """Compare VERSION with what the authors of its list kept: keep and discard, class by class, and boxes."""
    store = Root(root)
    found = find_version(store, only_name(store, name), version)
    from flows.commands.compare import compare_with
    from tasks.evaluate.reference import read_reference

    console.print(compare_with(store, found, read_reference(reference, md5 or ())))
