"""Why rows were dropped, by count, with what each reason means and what can be done: the end of a curation."""

import json
from collections import Counter

import pyarrow.compute as pc
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from flows.commands.why import plain_text
from storage.manifest import Manifest
from storage.reasons import Reason
from storage.root import Root
from storage.versions import read_version_table
from tasks.acquire.address import host_and_port

_SHOWN = 8
_HOSTS = 5
_REMEDIES = {
    Reason.NO_CLASS: "The evidence has the line.",
    Reason.BLOCKED_ADDRESS: "If the host is yours: --allow-host.",
    Reason.UNKNOWN_HOST: "--refetch failed tries again.",
    Reason.CONNECTION_FAILED: "--refetch failed tries again.",
    Reason.TIMEOUT: "--refetch failed tries again.",
    Reason.HTTP_ERROR: "--refetch failed tries again.",
    Reason.HOST_UNAVAILABLE: "--refetch failed tries again.",
    Reason.TRUNCATED_BODY: "--refetch failed tries again.",
    Reason.TOO_LARGE: "Limit: [acquire] max_bytes.",
    Reason.TOO_SMALL: "Limit: [acquire] min_side.",
    Reason.TOO_MANY_PIXELS: "Limit: [acquire] max_pixels.",
    Reason.AMBIGUOUS_CLASS: '[select] ambiguous = "keep" lets it stay.',
    Reason.CLASS_TOO_SMALL: "Limit: [select] min_class_size.",
    Reason.NO_MATCH: "The report shows them.",
    Reason.SMALLER_GROUP: "--overrides can pin another group.",
    Reason.OTHER_CLASS: "--overrides can merge the two.",
}
"""What to do about a reason, where there is something."""


def describe_reasons(root: Root, version: Manifest) -> Group:
    """The reasons for which rows of a version were dropped, the most frequent first, and which hosts to allow."""
    verdicts = read_version_table(root, version, "verdicts")
    dropped = verdicts.filter(pc.equal(verdicts["verdict"], "dropped"))
    counts = Counter(dropped["reason"].to_pylist())
    if not counts:
        return Group(Text("no row was dropped"))
    parts: list[RenderableType] = [_table(counts)]
    blocked = dropped.filter(pc.equal(dropped["reason"], str(Reason.BLOCKED_ADDRESS)))
    if hosts := _blocked_hosts(blocked["evidence"].to_pylist()):
        parts += [Text(), advise_allowing(hosts)]
    return Group(*parts)


def advise_allowing(hosts: Counter[str]) -> Text:
    """What to do about blocked hosts, HOST:PORT to addresses, most first."""
    options = " ".join(f"--allow-host {plain_text(host)}" for host, _ in hosts.most_common(_HOSTS))
    more = f" (and {len(hosts) - _HOSTS:,} more)" if len(hosts) > _HOSTS else ""
    return Text(
        f"Addresses of private or loopback hosts, or of unusual ports, are not asked: {hosts.total():,} of the list. "
        f"If you trust these hosts, run the same command with {options}{more}",
        "yellow",
    )


def _table(counts: Counter[str]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("dropped for", no_wrap=True)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("what it means, what to do")
    ranked = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    for code, count in ranked[:_SHOWN]:
        reason = Reason(code)
        table.add_row(code, f"{count:,}", f"{reason.sentence} {_REMEDIES.get(reason, '')}".strip())
    if others := ranked[_SHOWN:]:
        rest = sum(count for _, count in others)
        table.add_row("others", f"{rest:,}", ", ".join(code for code, _ in others), style="dim")
    return table


def _blocked_hosts(evidences: list[str]) -> Counter[str]:
    """Hosts with their ports that an allowance would open: those that are listed themselves, and not only led to."""
    hosts: Counter[str] = Counter()
    for evidence in map(json.loads, evidences):
        listed, led_to = (host_and_port(evidence.get(name) or evidence["url"]) for name in ("url", "final_url"))
        if listed == led_to:
            hosts[listed] += 1
    return hosts
