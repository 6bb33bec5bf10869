"""Which version may become the latest: one that can be used, and that is not much worse than the last."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import isnan
from typing import Any

import pyarrow.compute as pc

from flows.settings import CurationGate, IndexGate
from storage.errors import DamagedTableError
from storage.manifest import IndexManifest, Manifest
from storage.root import Root
from storage.versions import latest_if_sound, read_version_table
from tasks.evaluate.results import NOT_CERTIFIED

_SHOWN = 3


def why_not_latest(root: Root, version: Manifest, gate: CurationGate) -> list[str]:
    """Returns why a version should not become the latest; nothing where it should."""
    last = latest_if_sound(root, version.name)
    verdicts = read_version_table(root, version, "verdicts", ["image_id", "landmark_id", "verdict", "reason"])
    kept = verdicts.filter(pc.equal(verdicts["verdict"], "kept"))
    reasons = [*_too_few(version, last, gate), *_unread(version, gate), *_uncompared(version, gate)]
    overlaps = read_version_table(root, version, "overlaps", ["image_id"])["image_id"]
    if leaks := pc.sum(pc.is_in(kept["image_id"], overlaps.combine_chunks())).as_py():
        reasons.append(f"{leaks:,} images that it keeps show what a test photograph does")
    if gate.least_confidence:
        reasons += _unsure(root, version, {*kept["landmark_id"].to_pylist()}, gate.least_confidence)
    if gate.classes_lost is not None and last:
        reasons += _classes_lost(root, last, {*kept["landmark_id"].to_pylist()}, gate.classes_lost)
    if reasons:
        dropped = verdicts.filter(pc.equal(verdicts["verdict"], "dropped"))
        counts = Counter(dropped["reason"].to_pylist()).most_common(_SHOWN)
        most = ", ".join(f"{count:,} {reason}" for reason, count in counts)
        reasons.append(f"most rows were dropped for {most or 'no reason'}")
    return reasons


def why_index_not_latest(root: Root, index: IndexManifest, gate: IndexGate) -> list[str]:
    """Returns why an index should not become the latest; nothing where it should."""
    rows, last = _results(root, index), latest_if_sound(root, index.name, IndexManifest)
    reasons = list(_uncertified(rows)) if gate.certified else []
    if gate.most_lost is not None and last and last.digest != index.digest:
        reasons += _lost(_results(root, last), rows, gate.most_lost, last.folder)
    return reasons


def _classes_lost(root: Root, last: Manifest, kept: set[str], most: int) -> Iterator[str]:
    try:
        before = read_version_table(root, last, "verdicts", ["landmark_id", "verdict"])
    except DamagedTableError as error:
        yield f"nobody can say which classes are gone: {error}"
        return
    lost = sorted({*before.filter(pc.equal(before["verdict"], "kept"))["landmark_id"].to_pylist()} - kept)
    if len(lost) > most:
        named = ", ".join(map(repr, lost[:_SHOWN])) + (", …" if len(lost) > _SHOWN else "")
        yield f"classes that {last.folder} keeps images of are gone: {len(lost):,} ({named})"


def _unsure(root: Root, version: Manifest, kept: set[str], least: float) -> Iterator[str]:
    groups = read_version_table(root, version, "class_groups", ["landmark_id", "confidence"])
    unsure = groups.filter(pc.less(groups["confidence"], least)).sort_by("confidence").to_pylist()
    told = [f"{row['landmark_id']!r} {row['confidence']:.2f}" for row in unsure if row["landmark_id"] in kept]
    if told:
        named = ", ".join(told[:_SHOWN]) + (", …" if len(told) > _SHOWN else "")
        yield f"{len(told):,} classes may show a foreign landmark: their confidence is below {least:g} ({named})"


def _too_few(version: Manifest, last: Manifest | None, gate: CurationGate) -> Iterator[str]:
    kept, rows = version.funnel[-1].images, version.funnel[0].images
    before = last.funnel[-1].images if last else 0
    if kept and kept >= (1 - gate.images_lost) * before:
        return
    limit = f" ({gate.images_lost:.0%} fewer are allowed)" if kept else ""
    yield f"it keeps {kept:,} of {rows:,} images" + (f", and {last.folder} keeps {before:,}{limit}" if last else "")


def _unread(version: Manifest, gate: CurationGate) -> Iterator[str]:
    listed, readable = version.funnel[1].images, version.tables["images"].rows
    if readable < gate.least_readable * listed:
        share = f"{readable / listed:.0%}, less than {gate.least_readable:.0%}"
        yield f"{readable:,} of {listed:,} images could be fetched and read ({share})"


def _uncompared(version: Manifest, gate: CurationGate) -> Iterator[str]:
    if gate.certified and not version.test_sets:
        yield "it was compared with no test set"
    missed = version.crashed_pictures + version.uncompared
    if gate.certified and missed:
        yield f"{missed:,} pictures were not compared with each other, or files of test sets with nothing"


def _uncertified(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not rows:
        yield "it was scored on no test set"
    for name in sorted({row["test_set"] for row in rows if row["certificate"] == NOT_CERTIFIED}):
        yield f"{name} is {NOT_CERTIFIED}"


def _lost(
    before: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], most: float, last: str
) -> Iterator[str]:
    """What scores less than the last index did; so does what was not scored again, or could not be."""
    found = {_condition(row): row["mean_average_precision"] for row in rows}
    for row in before:
        what, score = f"{row['test_set']}, {row['protocol']}", found.get(_condition(row))
        if score is None:
            if not row["steps"]:  # codes are those of one kind of index, and an exact one has none
                yield f"{what}: it was not scored, and {last} was"
        elif not row["mean_average_precision"] - score <= most and not isnan(row["mean_average_precision"]):
            yield f"{what}: mAP is {row['mean_average_precision'] - score:.3f} below that of {last}"


def _results(root: Root, index: IndexManifest) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = read_version_table(root, index, "results").to_pylist()
    return rows


def _condition(row: Mapping[str, Any]) -> tuple[str, str, bool]:
    """Of which scores are compared: those of one set under one protocol, exact or by codes, whatever the network."""
    return row["test_set"], row["protocol"], bool(row["steps"])
