"""`python -m demo.search`: indexes what the demo curated, and searches it by a view that is not in its list."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from demo import photos, truth, views
from demo.catalogue import PHOTOS
from demo.command import run
from demo.plan import Picture
from demo.site import shoot
from demo.surroundings import Surroundings

LANDMARK = "notre_dame"
QUERY = Picture("notre_dame_above", "re-shot", "asked", Surroundings("flower", 3))
"""A view of it that is not in the list."""
_SHOWN = 20

# The demo's photographs have 900 pixels at most, and there are few of them to learn a whitening from.
SETTINGS = """
[describe]
longest_sides = [384]

[whiten]
dimensions = 128
"""


def main(
    folder: Annotated[Path, typer.Option(help="Where the demo is, or goes.")] = Path("data/demo"),
    port: Annotated[int, typer.Option(help="Port of the demo's site, where there is something to curate.")] = 8765,
) -> None:
    """Describes and indexes the demo's version, and searches it by one more view of a landmark."""
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "WARNING")
    os.environ.setdefault("PREFECT_HOME", str(folder.absolute() / "prefect"))  # not among the runs of others
    from demo.__main__ import main as curate
    from flows.commands.retrieval import index

    console, root, settings = Console(), folder / "root", folder / "search.toml"
    if not (root / "versions/demo/latest").exists():
        curate(folder, port)
    settings.write_text(SETTINGS)
    console.print("[bold]demo[/]: what was curated, described by a network and indexed …")
    index(root=str(root), name="demo", settings=settings)
    show_search(folder, console)


def show_search(folder: Path, console: Console) -> None:
    """Searches the demo's latest index by the query, prints what was found, and writes the page that shows it."""
    from flows.commands.search import Query, open_index, search
    from flows.commands.sheet import found_table, write_sheet
    from storage.manifest import IndexManifest
    from storage.root import Root
    from storage.versions import find_version
    from tasks.index.query import read_query

    photo, root = folder / "query.jpg", folder / "root"
    box = write_query(photo, folder / "photos")
    told = " ".join(f"{edge:.0f}" for edge in box)
    console.print(Text(f"\ncairn search {photo} --root {root} --box {told}", "bold"), soft_wrap=True)
    store = Root(str(root))
    opened = open_index(store, find_version(store, "demo", "latest", IndexManifest), None)
    query = Query(read_query(photo, box), box)
    found = search(opened, query, _SHOWN)
    console.print(found_table(found))
    showing = ids_showing(LANDMARK, truth.read(folder / "truth.parquet")) & {row["image_id"] for row in opened.images}
    right = sum(one.image_id in showing for one in found[: len(showing)])
    console.print(f"{len(showing)} photographs show the landmark of the query; {right} of them are found first")
    page = write_sheet(opened, photo.name, query, found, Root(str(folder / "search")))
    console.print(Text(f"\nopen {page}", "bold"), soft_wrap=True)


def ids_showing(landmark: str, rows: Sequence[truth.Truth]) -> set[str]:
    """The ids of the list's pictures that show a landmark as a query does: not its inside, nor what looks like it."""
    return {row.image_id for row in rows if row.view_group == landmark}


def write_query(path: Path, cache: Path) -> views.Box:
    """Writes the photograph that is searched for, and gives the box of the landmark in it.

    Args:
        cache: the folder of the demo's photographs.
    """
    assert QUERY.surroundings
    pixels = {name: photos.read(name, cache) for name in (QUERY.photo, QUERY.surroundings.photo)}
    view, own = shoot(QUERY, pixels), PHOTOS[QUERY.photo].box
    path.write_bytes(view.jpeg)
    assert own
    return views.map_box(own, view.homography, view.size)


if __name__ == "__main__":
    run(main)
