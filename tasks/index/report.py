"""The card and the report of an index: what it costs and finds, and what it scored."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from storage.manifest import IndexManifest
from storage.tables.retrieval import INDEX_FILES, INDEX_TABLES
from tasks.index.plot import Point, draw_recall
from tasks.pages.rendering import style_sheet, template_environment
from tasks.pages.words import flatten

_TEMPLATES = Path(__file__).parent / "templates"
NEAREST = (
    "Each row begins with a kept image of a class; the nine nearest to it follow, framed green where they are of the "
    "same class, red where of another."
)


def render_card(manifest: IndexManifest) -> str:
    """Returns the card as Markdown with YAML front matter."""
    template = template_environment(_TEMPLATES).get_template("card-of-index.md")
    return template.render(manifest=manifest, specs=INDEX_TABLES, files=INDEX_FILES)


def render_report(
    manifest: IndexManifest, results: Sequence[Mapping[str, Any]], drawn: Sequence[str]
) -> Iterator[tuple[str, bytes]]:
    """Yields the files of the report as (path in the version's folder, bytes), but for the pages of worst queries.

    Args:
        results: rows of the table `results`. drawn: test sets that have a page of their worst queries.
    """
    plot, style = draw_plot(manifest) if len(manifest.tried) > 1 else "", style_sheet()[1]
    page = template_environment(_TEMPLATES).get_template("index-of-images.html")
    told = {"settings": list(flatten(manifest.settings)), "nearest": NEAREST}
    text = page.render(base="", manifest=manifest, results=results, drawn=drawn, plot=plot, **told)
    yield "report/index.html", text.encode()
    for folder in ("", *(f"{name}/" for name in drawn)):
        yield f"report/{folder}style.css", style


def draw_plot(manifest: IndexManifest) -> str:
    """Returns recall against bytes of every kind of index that was tried, as SVG."""
    return draw_recall([Point(tried.factory, tried.bytes_per_vector, tried.recall) for tried in manifest.tried])
