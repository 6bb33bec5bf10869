"""Searching a published index for a photograph, and the sheet that shows what was found."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from flows.commands.why import plain_text
from storage.errors import DamagedTableError, InputError
from storage.images import get_image
from storage.manifest import IndexManifest
from storage.parquet import is_intact, read_bytes
from storage.root import Root
from storage.versions import read_version_table, version_table
from tasks.describe.descriptors import describe_image
from tasks.describe.network import Network, load_network
from tasks.describe.objects import find_object, seek
from tasks.describe.settings import settings_of_index
from tasks.index.agreeing import agreeing_regions
from tasks.index.page import COLOURS, Found, Picture, Sheet, render_search
from tasks.index.published import open_database
from tasks.index.query import Box, Photograph
from tasks.index.regions import regions_of
from tasks.index.search import Database

_QUERY = "query"


@dataclass(frozen=True)
class Opened:
    """A published index, opened to be asked."""

    root: Root
    version: IndexManifest
    network: Network
    database: Database
    images: list[dict[str, Any]]


def open_index(root: Root, version: IndexManifest, backbone: str | None) -> Opened:
    """Opens an index with its network, which describes queries on the CPU.

    Raises:
        InputError: the root is not on this machine's disk, the network is not the one that described the images, or
            its backbone is somebody's own and not the one that is trusted (see `settings_of_index`).
        DamagedTableError: a file is gone or was changed.
    """
    index, vectors = version_table(version, "index"), version_table(version, "vectors")
    paths = root.local_path(index.path), root.local_path(vectors.path)
    if not is_intact(root, index):
        raise DamagedTableError(f"{paths[0]} was changed or damaged; run cairn index again")
    settings = settings_of_index({**version.settings["describe"], "device": "cpu"}, backbone)
    network = load_network(settings, read_bytes(root, version_table(version, "whitening")))
    if network.digest() != version.network:
        raise InputError(
            f"{version.folder} was made by network {version.network[:12]}, and {settings.backbone!r} is "
            f"{network.digest()[:12]} here; have the same weights and packages, or run cairn index again"
        )
    indexed = read_version_table(root, version, "indexed")
    database = open_database(*paths, indexed["faiss_id"].to_numpy())
    return Opened(root, version, network, database, indexed.to_pylist())


def search(opened: Opened, query: Photograph, box: Box | None, count: int) -> list[Found]:
    """What an index has that looks most like a photograph, or what a box holds of it: the best first.

    Raises:
        InputError: the box is too small.
        DamagedTableError: a stored image that was found is gone, or changed.
    """
    rerank = opened.version.settings["index"]["rerank"]
    vector = describe_image(opened.network, query.content, box)
    hits = opened.database.search(vector[None], min(count, len(opened.images)), rerank)
    images = [opened.images[place] for place in hits.places[0] if place >= 0]
    sought, regions = seek(opened.network, query.content, box), regions_of(opened.network, query, box)
    found = []
    for image, similarity in zip(images, hits.similarities[0].tolist(), strict=False):
        photograph = Photograph(get_image(opened.root, image["path"]), image["width"], image["height"])
        own = regions_of(opened.network, photograph)
        agreements = agreeing_regions(regions.vectors, regions.boxes, own.vectors, own.boxes, len(COLOURS))
        located = find_object(opened.network, photograph.content, sought).box
        picture = Picture(image["sha256"], image["width"], image["height"])
        facts = image["image_id"], image["landmark_id"], similarity, image["reason"]
        found.append(Found(picture, *facts, located, agreements))
    return found


def write_sheet(
    opened: Opened, title: str, query: Photograph, box: Box | None, found: list[Found], out: Root | None
) -> str:
    """Writes the sheet of a search, by default to a folder of its own in the root; gives where its page is.

    Args:
        title: of the page, such as the name of the query's file.
    """
    version, root = opened.version, opened.root
    asked = hashlib.sha256(query.content + repr((box, version.digest, len(found))).encode()).hexdigest()
    folder, target = ("", out) if out else (f"searches/{asked[:12]}/", root)
    facts = [
        ("index", version.folder),
        ("kind", version.chosen.factory),
        ("images", f"{len(opened.images):,}"),
        ("network", f"{version.settings['describe']['backbone']} {version.network[:12]}"),
    ]
    paths = {image["sha256"]: image["path"] for image in opened.images}
    sheet = Sheet(title, Picture(_QUERY, query.width, query.height), box, found, facts)

    def read(picture: Picture) -> bytes:
        return query.content if picture.name == _QUERY else get_image(root, paths[picture.name])

    for path, content in render_search(sheet, read):
        target.write(f"{folder}{path}", content, flush=False)
    return target.path(f"{folder}index.html")


def found_table(found: list[Found]) -> Table:
    """What was found, for the terminal."""
    table = Table("", "image", "class", "verdict", "similarity", box=None)
    for rank, one in enumerate(found, start=1):
        kept = Text(one.verdict, "green" if one.verdict == "kept" else "red")
        table.add_row(str(rank), plain_text(one.image_id), plain_text(one.landmark_id), kept, f"{one.similarity:.3f}")
    return table


def scores_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Rows of the table `results`, for the terminal."""
    table = Table("test set", "protocol", box=None)
    for heading in ("mAP", "95 %", "first 1", "5", "10", "queries", "photographs", "absent"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("certificate")
    for row in rows:
        table.add_row(plain_text(row["test_set"]), row["protocol"], *_numbers(row), row["certificate"][:13])
    return table


def _numbers(row: Mapping[str, Any]) -> Iterator[str]:
    yield f"{row['mean_average_precision']:.3f}"
    yield f"{row['low']:.3f} to {row['high']:.3f}"
    yield from (f"{row[f'precision_at_{most}']:.3f}" for most in (1, 5, 10))
    yield from (f"{row[name]:,}" for name in ("queries", "photographs", "absent"))
