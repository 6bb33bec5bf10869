"""The report of a version: pages that say why each row of the list was kept or dropped, readable from disk."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import pyarrow as pa
import pyarrow.compute as pc

from storage.reasons import Reason

if TYPE_CHECKING:
    # At run time this would import storage.root, and with it every object store.
    from storage.versions import FunnelStep, Manifest

PER_PAGE = 120
"""Most rows of the list on one page of a class or a reason."""

_OVERLAPS_PER_PAGE = 200
_OVERLAPS_ON_INDEX = 20
_TEMPLATES = Path(__file__).parent / "templates"
_LONGEST_TEXT = 240
_LONGEST_LINK = 1000
_LONGEST_LIST = 8
_THUMBNAIL_SIDE = 256

_BY_STAGE = {
    "acquire": ("status", "detail", "final_url", "content_type", "attempts"),
    "overlap": ("test_set", "test_image", "site", "kind", "inliers", "putative", "mirrored"),
    "cluster": ("group", "group_size", "neighbours"),
}
"""Columns of other tables that explain a drop by the stage, in the order of reading."""

_REASONS = {str(reason): reason for reason in Reason}
_DROPPING = tuple(dict.fromkeys(reason.stage for reason in Reason if reason is not Reason.KEPT))

KINDS = {
    "kept": "kept",
    "group": "another group",
    "alone": "no match",
    "overlap": "overlap with a test set",
    "acquire": "unreadable, repeated or too few",
}
"""What became of a row, coarsely: the colours of the bars, in their order."""


@dataclass(frozen=True, slots=True)
class Item:
    """One row of the list as a page shows it.

    `record` has the verdict's columns and those joined to it; `picture` and `drawing` are names below `pictures/`;
    `size` is the thumbnail's (width, height); `box` is CSS, in percent of the picture; `link` is safe to follow.
    """

    record: dict[str, Any]
    picture: str | None
    drawing: str | None
    size: tuple[int, int] | None
    box: str | None
    facts: list[tuple[str, str]]
    link: str | None


@dataclass(frozen=True, slots=True)
class ClassSummary:
    """One class: its verdicts by reason code, its groups as (number, size, kept), how many images were readable."""

    name: str
    reasons: dict[str, int]
    groups: list[tuple[int, int, bool]]
    readable: int
    val: int

    @property
    def rows(self) -> int:
        return sum(self.reasons.values())

    @property
    def kept(self) -> int:
        return self.reasons.get(Reason.KEPT, 0)


def render_report(
    manifest: "Manifest", tables: Mapping[str, pa.Table], names: Collection[str]
) -> Iterator[tuple[str, bytes]]:
    """Yields every page and static file of the report as (path below `report/`, bytes).

    Args:
        manifest: of the version.
        tables: every table of `VERSION_TABLES` by name.
        names: the pictures that the caller writes below `report/pictures/`, any subset of: `SHA256.jpg`, a thumbnail;
            `overlap-SHA256.jpg`, the image beside the test photograph it shares most inliers with;
            `pair-SHA256.jpg`, the strongest pair of an image in a smaller group.
    """
    pages = _Pages(manifest, frozenset(names))
    rows = _join(tables)
    classes = _summarise(rows, tables)
    for name in ("style.css", "report.js"):
        yield name, (_TEMPLATES / name).read_bytes()
    yield "classes.js", _class_data(classes)
    start = 0
    for number, summary in enumerate(classes):
        before, after = classes[number - 1 : number], classes[number + 1 : number + 2]
        around = (before[0].name if before else None, after[0].name if after else None)
        yield from pages.of_class(summary, rows.slice(start, summary.rows), around)
        start += summary.rows
    for reason in Reason:
        if reason is not Reason.KEPT:
            yield from pages.of_reason(reason, rows.filter(pc.equal(rows["reason"], pa.scalar(str(reason)))))
    overlaps = _overlaps_by_class(tables["overlaps"], classes)
    if len(overlaps) > _OVERLAPS_ON_INDEX:
        yield from pages.of_overlaps(overlaps)
    yield pages.index(tables, classes, overlaps)


def class_page(landmark_id: str, page: int = 0) -> str:
    """Path of a page of a class below `report/`; safe for any class name, unique by its digest."""
    slug = re.sub(r"[^a-z0-9]+", "-", landmark_id.lower()).strip("-")[:40]
    digest = hashlib.sha256(landmark_id.encode()).hexdigest()[:12]
    return f"classes/{slug}-{digest}{_suffix(page)}".replace("/-", "/")


def reason_page(reason: str, page: int = 0) -> str:
    """Path of a page of a reason below `report/`."""
    return f"reasons/{reason}{_suffix(page)}"


def overlaps_page(page: int = 0) -> str:
    """Path of a page of the overlaps with test sets below `report/`."""
    return f"overlaps{_suffix(page)}"


def kind_of(reason: str) -> str:
    """The key of `KINDS` that a reason code belongs to."""
    match _REASONS[reason]:
        case Reason.KEPT:
            return "kept"
        case Reason.NO_MATCH:
            return "alone"
        case known if known.stage == "cluster":
            return "group"
        case known:
            return "overlap" if known.stage == "overlap" else "acquire"


class _Pages:
    """Renders templates for one version."""

    def __init__(self, manifest: "Manifest", names: frozenset[str]) -> None:
        self._names = names
        self._manifest = manifest
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["count"] = lambda number: f"{number:,}"
        self._environment.globals.update(
            manifest=manifest,
            Reason=Reason,
            KINDS=KINDS,
            OVERLAPS_ON_INDEX=_OVERLAPS_ON_INDEX,
            kind_of=kind_of,
            class_page=class_page,
            reason_page=reason_page,
            overlaps_page=overlaps_page,
        )

    def of_class(
        self, summary: ClassSummary, rows: pa.Table, around: tuple[str | None, str | None]
    ) -> Iterator[tuple[str, bytes]]:
        firsts: dict[str, str] = {}
        before = 0
        for reason, count in summary.reasons.items():
            firsts[reason] = class_page(summary.name, before // PER_PAGE)
            before += count
        pages = _page_count(rows.num_rows, PER_PAGE)
        for page in range(pages):
            items = self._items(rows.slice(page * PER_PAGE, PER_PAGE))
            parts = groupby(items, key=lambda item: item.record["reason"])
            sections = [(_REASONS[code], list(part)) for code, part in parts]
            yield self._render(
                "class.html",
                class_page(summary.name, page),
                summary=summary,
                sections=sections,
                firsts=firsts,
                around=around,
                pager=[class_page(summary.name, number) for number in range(pages)],
                page=page,
            )

    def of_reason(self, reason: Reason, rows: pa.Table) -> Iterator[tuple[str, bytes]]:
        pages = _page_count(rows.num_rows, PER_PAGE) if rows.num_rows else 0
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
        pages = _page_count(len(overlaps), _OVERLAPS_PER_PAGE)
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
        self, tables: Mapping[str, pa.Table], classes: list[ClassSummary], overlaps: list[dict[str, Any]]
    ) -> tuple[str, bytes]:
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
            losses=_losses(self._manifest.funnel, counts),
            test_sets=_overlaps_by_test_set(tables["overlaps"], self._manifest.test_sets),
            checks=_check(tables),
            settings=list(_flatten(self._manifest.settings)),
        )

    def _items(self, rows: pa.Table) -> list[Item]:
        return [_item(record, self._names) for record in rows.to_pylist()]

    def _render(self, template: str, path: str, **values: Any) -> tuple[str, bytes]:
        text = self._environment.get_template(template).render(base="../" * path.count("/"), **values)
        return path, text.encode()


def _join(tables: Mapping[str, pa.Table]) -> pa.Table:
    """Verdicts with what other tables say of the image, sorted by class, then by reason along the road."""
    rows = tables["verdicts"].join(tables["sources"].select(["row", "url"]), "row")
    overlaps = (
        tables["overlaps"]
        .select(["image_id", *_BY_STAGE["overlap"]])
        .sort_by(
            [
                ("inliers", "descending"),
                ("test_set", "ascending"),
                ("test_image", "ascending"),
                ("mirrored", "ascending"),
            ]
        )
    )
    strongest = overlaps.group_by("image_id", use_threads=False).aggregate(
        [(name, "first") for name in _BY_STAGE["overlap"]]
    )
    others = [
        tables["images"].select(["image_id", "width", "height"]),
        tables["boxes"].select(["image_id", "x1", "y1", "x2", "y2", "supports"]),
        tables["groups"].select(["image_id", *_BY_STAGE["cluster"]]),
        tables["fetch_log"].select(["image_id", *_BY_STAGE["acquire"]]),
        strongest.rename_columns([name.removesuffix("_first") for name in strongest.column_names]),
    ]
    for other in others:
        rows = rows.join(other, "image_id")
    order = pc.index_in(rows["reason"], value_set=pa.array(list(_REASONS)))
    return rows.append_column("order", order).sort_by(
        [
            ("landmark_id", "ascending"),
            ("order", "ascending"),
            ("supports", "descending"),
            ("group", "ascending"),
            ("row", "ascending"),
        ]
    )


def _summarise(rows: pa.Table, tables: Mapping[str, pa.Table]) -> list[ClassSummary]:
    """One summary per class, in the order of `rows`."""
    groups: dict[str, list[tuple[int, int, bool]]] = {}
    columns = ["landmark_id", "group", "group_size", "kept"]
    distinct = tables["groups"].group_by(columns).aggregate([])
    for landmark_id, number, size, kept in sorted(zip(*_columns(distinct, columns), strict=True)):
        groups.setdefault(landmark_id, []).append((number, size, kept))
    readable = Counter(tables["images"]["landmark_id"].to_pylist())
    verdicts = zip(*_columns(rows, ["landmark_id", "reason", "split"]), strict=True)
    summaries = []
    for name, part in groupby(verdicts, key=lambda verdict: verdict[0]):
        members = list(part)
        reasons = dict(Counter(reason for _, reason, _ in members))
        val = sum(split == "val" for _, _, split in members)
        summaries.append(ClassSummary(name, reasons, groups.get(name, []), readable[name], val))
    return summaries


def _columns(table: pa.Table, names: list[str]) -> list[list[Any]]:
    return [table[name].to_pylist() for name in names]


def _class_data(classes: list[ClassSummary]) -> bytes:
    """The index's table of classes as a script: pages opened from disk may load scripts, but not data."""
    records = []
    for summary in classes:
        sizes = [size for _, size, _ in summary.groups]
        largest, runner_up = [*sizes, 0, 0][:2]
        numbers = [summary.rows, summary.readable, summary.kept, largest, runner_up, summary.val]
        records.append([summary.name, class_page(summary.name), *numbers, summary.reasons])
    kinds = {code: kind_of(code) for code in _REASONS}
    data = {"classes": records, "kindOf": kinds, "kinds": KINDS}
    return f"const REPORT = {json.dumps(data, separators=(',', ':'))};\n".encode()


def _item(record: dict[str, Any], names: frozenset[str]) -> Item:
    sha256, url = record["sha256"], record["url"]
    # The same bytes may stand in rows that other stages dropped: they have a thumbnail in common, not a drawing.
    drawing = {"overlap": f"overlap-{sha256}.jpg", "cluster": f"pair-{sha256}.jpg"}.get(record["stage"])
    size = None
    if record["width"]:
        scale = min(1.0, _THUMBNAIL_SIDE / max(record["width"], record["height"]))
        size = (max(1, round(record["width"] * scale)), max(1, round(record["height"] * scale)))
    return Item(
        record=record,
        picture=f"{sha256}.jpg" if f"{sha256}.jpg" in names else None,
        drawing=drawing if drawing in names else None,
        size=size,
        box=_box(record) if record["verdict"] == "kept" and record["x1"] is not None else None,
        facts=_facts(record),
        link=url if len(url) <= _LONGEST_LINK and url.lower().startswith(("http://", "https://")) else None,
    )


def _box(record: dict[str, Any]) -> str:
    left, right = (100 * record[name] / record["width"] for name in ("x1", "x2"))
    top, bottom = (100 * record[name] / record["height"] for name in ("y1", "y2"))
    return f"left:{left:.2f}%;top:{top:.2f}%;width:{right - left:.2f}%;height:{bottom - top:.2f}%"


def _facts(record: dict[str, Any]) -> list[tuple[str, str]]:
    """What a drop rests on, in words: its evidence, and what other tables say where the evidence does not."""
    evidence = json.loads(record["evidence"])
    columns = {name: record[name] for name in _BY_STAGE.get(record["stage"], ()) if record[name] is not None}
    if record["stage"] == "acquire" and record["width"] is not None:
        columns = {}  # The log of an image that came says nothing of why it was dropped.
    if "test_image" in evidence:
        # The verdict may rest on another pair than the one with most inliers, which is the one that is drawn.
        same = all(evidence.get(name, value) == value for name, value in columns.items())
        columns = {} if same else {"drawn_beside": f"{record['test_set']}: {record['test_image']}"}
    facts = {**evidence, **{name: value for name, value in columns.items() if name not in evidence}}
    # The address stands beside the facts as it is.
    return [(_plain(name), _clip(_words(value))) for name, value in facts.items() if value != record["url"]]


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _words(value: Any) -> str:
    """A JSON value in plain words."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4g}"
        case list():
            more = f" and {len(value) - _LONGEST_LIST} more" if len(value) > _LONGEST_LIST else ""
            return ", ".join(_words(part) for part in value[:_LONGEST_LIST]) + more
        case dict():
            return "; ".join(f"{_plain(name)} {_words(part)}" for name, part in value.items())
        case _:
            return str(value)


def _clip(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"


def _overlaps_by_class(overlaps: pa.Table, classes: list[ClassSummary]) -> list[dict[str, Any]]:
    """Classes with verified pairs to test photographs; most pairs first."""
    kept = {summary.name: summary.kept for summary in classes}
    columns = ["landmark_id", "image_id", "test_set", "site", "kind", "inliers"]
    pairs = sorted(zip(*_columns(overlaps, columns), strict=True))
    found = []
    for name, part in groupby(pairs, key=lambda pair: pair[0]):
        members = list(part)
        found.append(
            {
                "landmark_id": name,
                "kept": kept[name],
                "pairs": len(members),
                "images": len({image_id for _, image_id, *_ in members}),
                "copies": sum(kind == "copy" for *_, kind, _ in members),
                "inliers": max(inliers for *_, inliers in members),
                "sites": _clip(_words(sorted({f"{test_set}: {site}" for _, _, test_set, site, _, _ in members}))),
            }
        )
    return sorted(found, key=lambda entry: (-entry["pairs"], entry["landmark_id"]))


def _overlaps_by_test_set(overlaps: pa.Table, test_sets: Mapping[str, int]) -> list[dict[str, Any]]:
    """Every test set of the manifest with what was found of it in the list."""
    pairs = list(zip(*_columns(overlaps, ["test_set", "landmark_id", "image_id", "site"]), strict=True))
    return [
        {
            "name": name,
            "photographs": photographs,
            "pairs": sum(pair[0] == name for pair in pairs),
            "classes": len({pair[1] for pair in pairs if pair[0] == name}),
            "images": len({pair[2] for pair in pairs if pair[0] == name}),
            "sites": len({pair[3] for pair in pairs if pair[0] == name}),
        }
        for name, photographs in test_sets.items()
    ]


def _check(tables: Mapping[str, pa.Table]) -> list[tuple[bool, str]]:
    """What must hold of every version, counted anew from its tables: (whether it holds, the sentence)."""
    verdicts, sources = tables["verdicts"], tables["sources"].num_rows
    kept = verdicts.filter(pc.equal(verdicts["verdict"], pa.scalar("kept")))
    leaks, boxed = (
        kept.filter(pc.is_in(kept["image_id"], value_set=tables[name]["image_id"].combine_chunks())).num_rows
        for name in ("overlaps", "boxes")
    )
    distinct = pc.count_distinct(kept["sha256"]).as_py()
    return [
        (leaks == 0, f"{leaks:,} of {len(kept):,} kept images have a verified pair with a test photograph."),
        (verdicts.num_rows == sources, f"{sources:,} rows came in, {verdicts.num_rows:,} left with a verdict."),
        (boxed == len(kept), f"{boxed:,} of {len(kept):,} kept images have a box."),
        (distinct == len(kept), f"{len(kept):,} kept images are {distinct:,} different files."),
    ]


def _losses(steps: Sequence["FunnelStep"], counts: Mapping[str, int]) -> list[dict[str, int]]:
    """For each step of the funnel the rows lost there by reason, most first.

    The first step is the whole list; each later one is what a stage that drops rows leaves, in their order.
    """
    stages = ("", *_DROPPING)
    most_first = sorted(counts.items(), key=lambda entry: -entry[1])
    return [
        {reason: count for reason, count in most_first if reason != Reason.KEPT and _REASONS[reason].stage == stage}
        for _, stage in zip(steps, stages, strict=False)
    ]


def _flatten(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _words(value)


def _page_count(rows: int, per_page: int) -> int:
    return max(1, -(-rows // per_page))


def _suffix(page: int) -> str:
    return f"-p{page + 1}.html" if page else ".html"
