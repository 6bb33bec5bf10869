"""How templates become pages and cards, and what every page has in common."""

import json
from pathlib import Path

import jinja2

_TEMPLATES = Path(__file__).parent / "templates"


def template_environment(*folders: Path) -> jinja2.Environment:
    """Makes the environment in which the templates of some folders are rendered, and those that pages have in common.

    In HTML, what others named is text. In Markdown the filter `cell` tames it. What a template misses is an error.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([*folders, _TEMPLATES]),
        autoescape=jinja2.select_autoescape(),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["count"] = lambda number: f"{number:,}"
    environment.filters["cell"] = _cell
    environment.filters["yaml"] = json.dumps  # A JSON string is a YAML string.
    environment.globals["description"] = lambda field: field.metadata[b"description"].decode()
    return environment


def style_sheet() -> tuple[str, bytes]:
    """Returns the style of all pages as (path in their folder, bytes)."""
    return "style.css", (_TEMPLATES / "style.css").read_bytes()


def page_count(rows: int, per_page: int) -> int:
    """Returns how many pages rows fill, at least one."""
    return max(1, -(-rows // per_page))


def _cell(text: str) -> str:
    """Text inside a cell of a Markdown table: one line, no bars, no markup of its own."""
    for mark in "\\|`*_[]<>":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
