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


def count_reasons(root: Root, version: Manifest) -> Counter[str]:
    """Returns how many rows of a version were dropped for each reason."""
    verdicts = read_version_table(root, version, "verdicts", ["verdict", "reason"])
    return Counter(verdicts.filter(pc.equal(verdicts["verdict"], "dropped"))["reason"].to_pylist())


def describe_reasons(root: Root, version: Manifest) -> Group:
    """Counts the reasons for which rows of a version were dropped, most frequent first, with the hosts to allow."""
    counts = count_reasons(root, version)
    if not counts:
        return Group(Text("no row was dropped"))
    parts: list[RenderableType] = [_table(counts)]
    verdicts = read_version_table(root, version, "verdicts", ["reason", "evidence"])
    blocked = verdicts.filter(pc.equal(verdicts["reason"], str(Reason.BLOCKED_ADDRESS)))
    if hosts := _blocked_hosts(blocked["evidence"].to_pylist()):
        parts += [Text(), advise_allowing(hosts)]
    return Group(*parts)


def advise_allowing(hosts: Counter[str]) -> Text:
    """Returns what to do about blocked hosts, HOST:PORT to addresses, most first."""
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
        table.add_row(code, f"{count:,}", Text(f"{reason.sentence} {reason.remedy}".replace("`", "")))
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
