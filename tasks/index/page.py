"""The contact sheet of a search: the query, what was found for it, and what the similarity rests on."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tasks.index.agreeing import Agreement
from tasks.index.contributions import Contribution
from tasks.index.query import Box
from tasks.pages.pictures import thumbnail
from tasks.pages.rendering import style_sheet, template_environment

_TEMPLATES = Path(__file__).parent / "templates"

COLOURS = ("#ff5d8f", "#ffb000", "#4cc3ff", "#b58cff")
"""Of the pairs of regions, the best first; as many pairs are drawn."""
REGIONS = 3
"""Regions of a result that are drawn for a query with a text: more hide what they show."""


@dataclass(frozen=True)
class Picture:
    """A photograph on the sheet: the name of its file there, and its size in pixels after EXIF orientation."""

    name: str
    width: int
    height: int


@dataclass(frozen=True)
class Share:
    """What of a similarity one part of the query makes, such as its text, and the regions that add most to that."""

    name: str
    similarity: float
    regions: Sequence[Contribution]


@dataclass(frozen=True)
class Found:
    """A result, for a photograph with what both show, and for a query with a text with what makes it similar.

    Attributes:
        similarity: of the descriptors.
        verdict: `kept`, or the reason code for which it was dropped.
        box: what of it looks like the photograph, in its pixels.
        agreements: pairs of regions, the best first.
        shares: of each part of the query, which add up to the similarity.
    """

    picture: Picture
    image_id: str
    landmark_id: str
    similarity: float
    verdict: str
    box: Box | None = None
    agreements: Sequence[Agreement] = field(default=())
    shares: Sequence[Share] = field(default=())


@dataclass(frozen=True)
class Sheet:
    """A search: its query, what was found, and facts that are told of it.

    Attributes:
        query, box: the photograph, and what of it was searched for; none where only a text was.
        text: what was searched for in words; empty where only a photograph was.
    """

    title: str
    query: Picture | None
    box: Box | None
    text: str
    found: Sequence[Found]
    facts: Sequence[tuple[str, str]]


def render_search(sheet: Sheet, read: Callable[[Picture], bytes]) -> Iterator[tuple[str, bytes]]:
    """Yields the files of a sheet as (path in its folder, bytes): `index.html`, its style, its pictures.

    Args:
        read: gives the file of a photograph.
    """
    yield style_sheet()
    shown = [*([sheet.query] if sheet.query else []), *(found.picture for found in sheet.found)]
    for picture in {picture.name: picture for picture in shown}.values():
        yield f"pictures/{picture.name}.jpg", thumbnail(read(picture))
    template = template_environment(_TEMPLATES).get_template("search.html")
    colours = COLOURS[:REGIONS] if sheet.text else COLOURS
    page = template.render(base="", sheet=sheet, overlay=overlay, colours=colours)
    yield "index.html", page.encode(errors="replace")  # a file's name, or a text, may have bytes that are no UTF-8


def overlay(picture: Picture, box: Box | None, regions: Sequence[tuple[float, ...]]) -> str:
    """Boxes over a picture, as SVG of numbers alone: numbered regions, and what was searched or located."""
    scale = max(picture.width, picture.height) / 100
    parts = []
    for number, (region, colour) in enumerate(zip(regions, COLOURS, strict=False), start=1):
        inset = scale * number  # or those of one place hide each other
        x1, y1, x2, y2 = (region[0] + inset, region[1] + inset, region[2] - inset, region[3] - inset)
        parts.append(_rectangle((x1, y1, x2, y2), colour, "region"))
        at = f'x="{x1 + 2 * scale:.1f}" y="{y1 + 8 * scale:.1f}" font-size="{8 * scale:.1f}"'
        parts.append(f'<text {at} fill="{colour}">{number}</text>')
    if box is not None:
        parts.append(_rectangle(box, "#35e0a1", "located"))
    size = f"0 0 {picture.width} {picture.height}"
    return f'<svg class="over" viewBox="{size}" aria-hidden="true">{"".join(parts)}</svg>'


def _rectangle(box: tuple[float, ...], colour: str, name: str) -> str:
    x1, y1, x2, y2 = box
    frame = f'x="{x1:.1f}" y="{y1:.1f}" width="{max(x2 - x1, 0):.1f}" height="{max(y2 - y1, 0):.1f}"'
    return f'<rect class="under" {frame}/><rect class="{name}" {frame} stroke="{colour}"/>'
