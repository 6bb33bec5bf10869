"""`python -m demo.train`: trains a network on what the demo curated, and indexes and searches by what it has become."""

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console

from demo import photos, truth, views
from demo.catalogue import PHOTOS
from demo.command import run
from demo.plan import Picture
from demo.search import show_search
from demo.site import shoot
from demo.surroundings import SCENES, Surroundings

TEST_SET = "new_views"
_VIEWS = 4  # of each landmark; the first asks for the others

# So small that two cores do it in minutes; a network for use sees 800 pixels and 64 triplets in each iteration.
SETTINGS = """
[describe]
longest_sides = [256]
levels = 2

[whiten]
dimensions = 128

[train]
iterations = 48
longest_sides = [256]

[train.mining]
batch = 8
hardest = 10
refresh = 16

[train.optimizer]
lower_after = 32

[train.validation]
every = 16
"""


class Asked(NamedTuple):
    """A new view of a landmark; the first of each landmark asks for the others."""

    landmark: str
    picture: Picture


def main(
    folder: Annotated[Path, typer.Option(help="Where the demo is, or goes.")] = Path("data/demo"),
    port: Annotated[int, typer.Option(help="Port of the demo's site, where there is something to curate.")] = 8765,
) -> None:
    """Trains on the demo's version, scores new views before and after, indexes by the network and searches."""
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "WARNING")
    os.environ.setdefault("PREFECT_HOME", str(folder.absolute() / "prefect"))  # not among the runs of others
    from demo.__main__ import main as curate
    from flows.commands.retrieval import index
    from flows.commands.training import train

    console, root, settings = Console(), folder / "root", folder / "train.toml"
    if not (root / "versions/demo/latest").exists():
        curate(folder, port)
    settings.write_text(SETTINGS)
    asked = list(new_views(truth.read(folder / "truth.parquet")))
    write_test_set(folder / TEST_SET, asked, folder / "photos")
    console.print(
        f"[bold]demo[/]: a network, trained on what was curated and scored by {len(asked)} new views of the landmarks …"
    )
    train(root=str(root), name="demo", settings=settings, test_set=[f"{TEST_SET}={folder / TEST_SET}"])
    index(root=str(root), name="demo", network="latest")
    show_search(folder, console)


def new_views(rows: Sequence[truth.Truth]) -> Iterator[Asked]:
    """Views that are not in the list, of every landmark that it keeps, before scenes of the catalogue."""
    kept = sorted({row.landmark_id for row in rows if row.kept and row.landmark_id})
    for number, landmark in enumerate(kept):
        own = sorted({row.photo for row in rows if row.kept and row.landmark_id == landmark and row.photo})
        for turn in range(_VIEWS):
            scene = Surroundings(SCENES[(number + turn) % len(SCENES)], turn)
            yield Asked(landmark, Picture(own[turn % len(own)], "re-shot", f"{landmark}_new_{turn}", scene))


def write_test_set(folder: Path, asked: Sequence[Asked], cache: Path) -> None:
    """Writes the views as a test set with its two tables of queries and answers.

    Args:
        cache: the folder of the demo's photographs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    queries: list[tuple[str, ...]] = [("query", "image", "x1", "y1", "x2", "y2")]
    answers: list[tuple[str, ...]] = [("query", "image", "grade")]
    for landmark, picture in asked:
        assert picture.surroundings
        pixels = {name: photos.read(name, cache) for name in (picture.photo, picture.surroundings.photo)}
        view, file = shoot(picture, pixels), f"{picture.name}.jpg"
        (folder / file).write_bytes(view.jpeg)
        if landmark not in {query for query, *_ in queries}:
            box = PHOTOS[picture.photo].box
            edges = views.map_box(box, view.homography, view.size) if box else ("",) * 4
            queries.append((landmark, file, *map(str, edges)))
        else:
            answers.append((landmark, file, "positive"))
    for name, lines in (("queries.csv", queries), ("answers.csv", answers)):
        with (folder / name).open("w", newline="") as table:
            csv.writer(table).writerows(lines)


if __name__ == "__main__":
    run(main)
