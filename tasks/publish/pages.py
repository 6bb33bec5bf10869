"""The pages of a report, rendered from templates, and where each is."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from storage.manifest import Manifest
from storage.reasons import Reason
from tasks.pages.rendering import page_count, template_environment
from tasks.pages.words import flatten
from tasks.publish.attention import Doubt
from tasks.publish.best_pairs import BestPairs
from tasks.publish.items import Item, make_item
from tasks.publish.overview import check, losses
from tasks.publish.passed_over import sentence_of, tell_reasons, uncompared
from tasks.publish.related import RELATED_ON_INDEX
from tasks.publish.rows import ClassSummary

TEMPLATES = Path(__file__).parent / "templates"
PER_PAGE = 120
"""Most rows of the list on one page of a class or a reason."""

OVERLAPS_ON_INDEX = 20
"""Most classes with overlaps that the index shows; where there are more, all of them have pages of their own."""

DOUBTS_ON_INDEX = 20
"""Most classes to look at first that the index shows; its table of classes shows them all, where it is asked to."""

_OVERLAPS_PER_PAGE = 200

KINDS = {
    "kept": "kept",
    "group": "another group or class",
    "alone": "no match",
    "overlap": "overlap with a test set",
    "acquire": "unreadable, repeated or too few",
}
"""What became of a row, coarsely: the colours of the bars, in their order."""


def class_page(landmark_id: str, page: int = 0) -> str:
    """Returns path of a page of a class below `report/`; safe for any class name, unique by its digest."""
    slug = re.sub(r"[^a-z0-9]+", "-", landmark_id.lower()).strip("-")[:40]
    digest = hashlib.sha256(landmark_id.encode()).hexdigest()[:12]
    return f"classes/{slug}-{digest}{_suffix(page)}".replace("/-", "/")


def reason_page(reason: str, page: int = 0) -> str:
    """Returns path of a page of a reason below `report/`."""
    return f"reasons/{reason}{_suffix(page)}"


def overlaps_page(page: int = 0) -> str:
    """Returns path of a page of the overlaps with test sets below `report/`."""
    return f"overlaps{_suffix(page)}"


def pairs_script(page: str) -> str:
    """Returns path of the script with what is shown of images that are enlarged on a page."""
    return page.removesuffix(".html") + ".pairs.js"


def kind_of(reason: str) -> str:
    """Returns the key of `KINDS` that a reason code belongs to."""
    match Reason(reason):
        case Reason.KEPT:
            return "kept"
        case Reason.NO_MATCH:
            return "alone"
        case known if known.stage in ("cluster", "classes"):
            return "group"
        case known:
            return "overlap" if known.stage == "overlap" else "acquire"


class Pages:
    """Renders templates for one version.

    Args:
        names: the pictures that there are. masks: by sha256 of the picture, rows of the table `masks`.
        best: what is shown of kept images that are enlarged.
    """

    def __init__(
        self, manifest: Manifest, names: frozenset[str], masks: Mapping[str, Mapping[str, Any]], best: BestPairs
    ) -> None:
        self._names, self._masks, self._best = names, masks, best
        self._manifest = manifest
        self._environment = template_environment(TEMPLATES)
        self._environment.globals.update(
            manifest=manifest,
            Reason=Reason,
            KINDS=KINDS,
            DOUBTS_ON_INDEX=DOUBTS_ON_INDEX,
            OVERLAPS_ON_INDEX=OVERLAPS_ON_INDEX,
            RELATED_ON_INDEX=RELATED_ON_INDEX,
            kind_of=kind_of,
            names=names,
            class_page=class_page,
            reason_page=reason_page,
            overlaps_page=overlaps_page,
        )

    def of_class(
        self, summary: ClassSummary, rows: pa.Table, around: tuple[str | None, str | None]
    ) -> Iterator[tuple[str, bytes]]:
        """Yields the pages of a class as (path, bytes); `around` names the classes before and after it."""
        firsts: dict[str, str] = {}
        before = 0
        for reason, count in summary.reasons.items():
            firsts[reason] = class_page(summary.name, before // PER_PAGE)
            before += count
        pages = page_count(rows.num_rows, PER_PAGE)
        for page in range(pages):
            shown = rows.slice(page * PER_PAGE, PER_PAGE)
            items = self._items(shown)
            path = class_page(summary.name, page)
            yield pairs_script(path), self._best.script(shown["image_id"].to_pylist())
            parts = groupby(items, key=lambda item: item.record["reason"])
            sections = [(Reason(code), list(part)) for code, part in parts]
            yield self._render(
                "class.html",
                path,
                pairs=pairs_script(path),
                last_kept=max(0, summary.kept - 1) // PER_PAGE,
                summary=summary,
                sections=sections,
                firsts=firsts,
                around=around,
                pager=[class_page(summary.name, number) for number in range(pages)],
                page=page,
            )

    def of_reason(self, reason: Reason, rows: pa.Table) -> Iterator[tuple[str, bytes]]:
        """Yields the pages of the rows that were dropped for a reason, as (path, bytes)."""
        pages = page_count(rows.num_rows, PER_PAGE) if rows.num_rows else 0
        for page in range(pages):
            items = self._items(rows.slice(page * PER_PAGE, PER_PAGE))
            yield self._render(
                "reason.html",
                reason_page(reason, page),
                reason=reason,
                total=rows.num_rows,
                rows=items,
                pager=[reason_page(reason, number) for number in range(pages)],
                page=page,
            )

    def of_overlaps(self, overlaps: list[dict[str, Any]]) -> Iterator[tuple[str, bytes]]:
        """Yields the pages of the classes that show what test photographs do, as (path, bytes)."""
        pages = page_count(len(overlaps), _OVERLAPS_PER_PAGE)
        for page in range(pages):
            yield self._render(
                "overlaps.html",
                overlaps_page(page),
                overlaps=overlaps[page * _OVERLAPS_PER_PAGE : (page + 1) * _OVERLAPS_PER_PAGE],
                total=len(overlaps),
                pager=[overlaps_page(number) for number in range(pages)],
                page=page,
            )

    def index(
        self,
        tables: Mapping[str, pa.Table],
        classes: list[ClassSummary],
        overlaps: list[dict[str, Any]],
        related: list[dict[str, Any]],
        doubts: list[Doubt],
    ) -> tuple[str, bytes]:
        """Renders the first page of the report, as (path, bytes)."""
        counts: Counter[str] = Counter()
        for summary in classes:
            counts.update(summary.reasons)
        return self._render(
            "index.html",
            "index.html",
            reasons={reason: counts[reason] for reason in Reason if counts[reason] and reason is not Reason.KEPT},
            rows=tables["verdicts"].num_rows,
            kept=counts[Reason.KEPT],
            val=sum(summary.val for summary in classes),
            classes=classes,
            kept_classes=sum(1 for summary in classes if summary.kept),
            overlaps=overlaps,
            related=related,
            doubts=doubts,
            losses=losses(self._manifest.funnel, counts),
            certificate=tables["certificate"].to_pylist(),
            namesakes=tables["namesakes"].to_pylist(),
            told=tell_reasons(self._manifest.passed_over),
            passed_over=uncompared(tables["passed_over"]),
            sentence_of=sentence_of,
            checks=check(tables),
            settings=list(flatten(self._manifest.settings)),
            overrides=[entry for entry in flatten(self._manifest.overrides) if entry[1] != ""],
        )

    def _items(self, rows: pa.Table) -> list[Item]:
        return [make_item(record, self._names, self._masks.get(record["sha256"])) for record in rows.to_pylist()]

    def _render(self, template: str, path: str, **values: Any) -> tuple[str, bytes]:
        text = self._environment.get_template(template).render(base="../" * path.count("/"), **values)
        return path, text.encode()


def _suffix(page: int) -> str:
    return f"-p{page + 1}.html" if page else ".html"
