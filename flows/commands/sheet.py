"""What a search found and a test set scored, for the terminal and as a page."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from flows.commands.search import Opened, Query
from flows.commands.why import plain_text
from storage.images import get_image
from storage.root import Root
from tasks.evaluate.results import NOT_CERTIFIED
from tasks.index.page import Found, Picture, Sheet, render_search

_QUERY = "query"


def write_sheet(opened: Opened, title: str, query: Query, found: list[Found], out: Root | None) -> str:
    """Writes the sheet of a search, by default to a folder of its own in the root; gives where its page is.

    Args:
        title: of the page, such as the name of the query's file.
    """
    version, root, photograph = opened.version, opened.root, query.photograph
    text = query.text.words if query.text else ""
    content = photograph.content if photograph else b""
    asked = hashlib.sha256(content + repr((query.box, text, version.digest, len(found))).encode()).hexdigest()
    folder, target = ("", out) if out else (f"searches/{asked[:12]}/", root)
    paths = {image["sha256"]: image["path"] for image in opened.images}
    shown = Picture(_QUERY, photograph.width, photograph.height) if photograph else None
    sheet = Sheet(title, shown, query.box, text, found, [*_facts_of_text(query), *_facts(opened)])

    def read(picture: Picture) -> bytes:
        return content if picture.name == _QUERY else get_image(root, paths[picture.name])

    for path, written in render_search(sheet, read):
        target.write(f"{folder}{path}", written, flush=False)
    return target.path(f"{folder}index.html")


def _facts(opened: Opened) -> list[tuple[str, str]]:
    version = opened.version
    return [
        ("index", version.folder),
        ("kind", version.chosen.factory),
        ("images", f"{len(opened.images):,}"),
        ("network", f"{opened.network.settings.backbone} {version.network[:12]}"),
    ]


def _facts_of_text(query: Query) -> list[tuple[str, str]]:
    if not query.text:
        return []
    stems = ", ".join(f"{stem} {weight:.2f}" for stem, weight in query.text.stems)
    unknown = [("not known", ", ".join(query.text.unknown))] if query.text.unknown else []
    return [("stems", stems), *unknown]


def facts_of_found(found: list[Found]) -> list[dict[str, Any]]:
    """Returns what was found for programs, the best first."""
    names = ("image_id", "landmark_id", "similarity", "verdict")
    return [
        {
            **{name: getattr(one, name) for name in names},
            "box": one.box,
            "shares": [{**asdict(own), "regions": [region._asdict() for region in own.regions]} for own in one.shares],
        }
        for one in found
    ]


def found_table(found: list[Found]) -> Table:
    """Returns what was found, for the terminal."""
    table = Table("", "image", "class", "verdict", "similarity", box=None)
    for column in table.columns[1:3]:
        column.overflow = "fold"  # whole, since people copy them
    for rank, one in enumerate(found, start=1):
        kept = Text(one.verdict, "green" if one.verdict == "kept" else "red")
        table.add_row(str(rank), plain_text(one.image_id), plain_text(one.landmark_id), kept, f"{one.similarity:.3f}")
    return table


def scores_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Returns rows of the table `results`, for the terminal: two lines each, so that they fit a narrow one."""
    table = Table.grid(padding=(0, 2))
    for row in rows:
        table.add_row(Text(f"{plain_text(row['test_set'])}, {row['protocol']}", "bold"), _score(row))
        table.add_row(f"by {row['steps'] or 'descriptors'}", _conditions(row))
    return table


def _score(row: Mapping[str, Any]) -> str:
    first = ", ".join(f"{row[f'precision_at_{most}']:.2f}" for most in (1, 5, 10))
    mean, low, high = (row[name] for name in ("mean_average_precision", "low", "high"))
    return f"mAP {mean:.3f} ({low:.2f} to {high:.2f}), precision of the first 1, 5, 10: {first}"


def _conditions(row: Mapping[str, Any]) -> str:
    absent = f", of whose answers {row['absent']:,} are absent" if row["absent"] else ""
    certificate = "not certified" if row["certificate"] == NOT_CERTIFIED else f"certificate {row['certificate'][:13]}"
    return f"{row['queries']:,} queries{absent}, {row['photographs']:,} photographs; {certificate}"
