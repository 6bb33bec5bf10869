"""Which version may become the latest: one that can be used, and that is not much worse than the last."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import isnan
from typing import Any

import pyarrow.compute as pc

from flows.settings import IndexGate
from storage.errors import InputError
from storage.manifest import IndexManifest, Manifest
from storage.root import Root
from storage.versions import V, latest_version, read_version_table
from tasks.evaluate.results import NOT_CERTIFIED

_REASONS = 3


class NotLatestError(InputError):
    """A version is published, but not made the latest; the text says why, and what to do.

    Attributes:
        folder: of the version, below the root.
    """

    def __init__(self, said: str, folder: str) -> None:
        super().__init__(said)
        self.folder = folder


def why_not_latest(root: Root, version: Manifest, share: float) -> NotLatestError | None:
    """Why a version should not become the latest and what to do; None where it should.

    Args:
        share: of the images that the latest version keeps, those that this one has to keep.
    """
    last, kept = _readable_latest(root, version.name, Manifest), _kept(version)
    if kept and not (last and kept < share * _kept(last)):
        return None
    before = f", where the latest, {last.folder}, keeps {_kept(last):,}" if last else ""
    rows = read_version_table(root, version, "verdicts", ["verdict", "reason"])
    reasons = Counter(rows.filter(pc.equal(rows["verdict"], "dropped"))["reason"].to_pylist())
    most = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common(_REASONS))
    how = "; to make it the latest all the same: --latest-share 0" if kept else ""
    said = (
        f"{version.folder} keeps {kept:,} of {version.funnel[0].images:,} images{before}: it is not made the latest. "
        f"Most rows were dropped for {most or 'no reason'}; mend that and run the same command again{how}"
    )
    return NotLatestError(said, version.folder)


def why_index_not_latest(root: Root, index: IndexManifest, gate: IndexGate) -> NotLatestError | None:
    """Why an index should not become the latest and what to do; None where it should."""
    rows, last = _results(root, index), _readable_latest(root, index.name, IndexManifest)
    reasons = list(_uncertified(rows)) if gate.certified else []
    if gate.most_lost is not None and last and last.digest != index.digest:
        reasons += _lost(_results(root, last), rows, gate.most_lost, last.folder)
    if not reasons:
        return None
    said = (
        f"{index.folder} is not made the latest: {'; '.join(reasons)}. Look at its report; `cairn search --index "
        f"{index.number}` asks it all the same. To let it pass, run the same command with another gate"
    )
    return NotLatestError(said, index.folder)


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


def _readable_latest(root: Root, name: str, kind: type[V]) -> V | None:
    try:
        return latest_version(root, name, kind)
    except InputError:  # damaged or gone: nothing to compare with
        return None


def _kept(version: Manifest) -> int:
    return version.funnel[-1].images
