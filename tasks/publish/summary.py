"""A version in one screen of Markdown: what was kept, what was dropped and why, and what deserves a look."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from storage.manifest import Manifest
from storage.reasons import Reason
from tasks.acquire.address import host_of
from tasks.pages.rendering import template_environment
from tasks.publish.attention import classes_to_look_at, warnings_of
from tasks.publish.changes import KINDS, Changes
from tasks.publish.pages import TEMPLATES
from tasks.publish.rows import cells

_SHOWN = 8
_OF_HOSTS = {
    *(Reason.BLOCKED_ADDRESS, Reason.UNKNOWN_HOST, Reason.CONNECTION_FAILED, Reason.TIMEOUT, Reason.HTTP_ERROR),
    *(
        Reason.HOST_UNAVAILABLE,
        Reason.ROBOTS_DISALLOWED,
        Reason.OPTED_OUT,
        Reason.REDIRECT_LIMIT,
        Reason.TRUNCATED_BODY,
    ),
}


def describe_summary(
    version: Manifest, tables: Mapping[str, pa.Table], news: str, changes: Changes | None, pages: Mapping[str, str]
) -> str:
    """Returns the summary as Markdown.

    Args:
        tables: `sources`, `certificate` and those of `tasks.publish.attention.TABLES` of the version.
        news: what the run has brought, in a line.
        changes: since the latest version before, if there was another.
        pages: title to address, of what there is to open.
    """
    dropped = tables["verdicts"].filter(pc.equal(tables["verdicts"]["verdict"], "dropped"))
    reasons = Counter(dropped["reason"].to_pylist()).most_common()
    hosts, doubts = failing_hosts(tables["sources"], dropped), classes_to_look_at(tables)
    return (
        template_environment(TEMPLATES)
        .get_template("summary.md")
        .render(
            version=version,
            news=news,
            pages=pages,
            warnings=warnings_of(version),
            reasons=[(Reason(code), count) for code, count in reasons[:_SHOWN]],
            other_reasons=sum(count for _, count in reasons[_SHOWN:]),
            changes=changes,
            kinds={title: changes.count(kind) for kind, title in KINDS.items()} if changes else {},
            hosts=hosts[:_SHOWN],
            more_hosts=max(0, len(hosts) - _SHOWN),
            doubts=doubts[:_SHOWN],
            more_doubts=max(0, len(doubts) - _SHOWN),
            certificate=tables["certificate"].to_pylist(),
        )
    )


def failing_hosts(sources: pa.Table, dropped: pa.Table) -> list[dict[str, Any]]:
    """Lists hosts of which images were not had, most first: how many are listed, how many failed, mostly what for."""
    urls = dict(zip(*cells(sources, ["row", "url"]), strict=True))
    listed = Counter(map(host_of, urls.values()))
    failed: dict[str, Counter[str]] = {}
    for row, reason in zip(*cells(dropped, ["row", "reason"]), strict=True):
        if reason in _OF_HOSTS:
            failed.setdefault(host_of(urls[row]), Counter())[reason] += 1
    rows = [
        {"host": host, "listed": listed[host], "failed": counts.total(), "mostly": counts.most_common(1)[0][0]}
        for host, counts in failed.items()
    ]
    return sorted(rows, key=lambda row: (-row["failed"], row["host"]))
