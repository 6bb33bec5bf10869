"""A plan in words, for the terminal."""

from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from flows.commands.spans import effort, size, span
from flows.commands.why import plain_text
from flows.planning.plan import Plan
from tasks.acquire.estimate import polite_seconds

_HOSTS = 10


def describe_plan(plan: Plan, cautions: list[str]) -> Group:
    """Returns the list, its hosts, the stages, what all takes, and what to think over."""
    parts: list[RenderableType] = [_list(plan), Text()]
    if plan.asked.hosts:
        parts += [_hosts(plan), Text()]
    parts += [_stages(plan), Text(), _totals(plan)]
    if cautions:
        warned = Table.grid(padding=(0, 1))
        for caution in cautions:
            warned.add_row(Text("!", "bold yellow"), plain_text(caution))
        parts += [Text(), warned]
    return Group(*parts)


def facts_of_plan(plan: Plan, cautions: list[str]) -> dict[str, Any]:
    """Returns what the page of a plan says, for programs: times in seconds, sizes in bytes."""
    asked, written = plan.asked, plan.written
    polite = plan.settings.polite
    return {
        "rows": asked.rows,
        "images": asked.images,
        "classes": len(asked.sizes),
        "addresses": {"new": asked.new, "fetched": asked.fetched, "failed": asked.failed},
        "hosts": [
            {"host": host.name, "images": host.images, "seconds": polite_seconds(host, polite)} for host in asked.hosts
        ],
        "blocked_hosts": [{"host": host.name, "images": host.images} for host in asked.blocked],
        "pairs": {"possible": plan.pairs.possible, "compared": plan.pairs.compared},
        "stages": [asdict(work) for work in plan.works],
        "fetch_seconds": plan.fetch_seconds,
        "cpu_seconds": plan.cpu_seconds,
        "workers": plan.workers,
        "disk_bytes": written.total,
        "memory_bytes": plan.memory_bytes,
        "cautions": cautions,
    }


def _list(plan: Plan) -> Table:
    asked = plan.asked
    table = _facts()
    small = asked.sizes < plan.settings.select.min_class_size
    repeated = f" ({asked.rows - asked.images:,} repeat others)" if asked.rows > asked.images else ""
    table.add_row("rows", f"{asked.rows:,}{repeated}")
    if asked.fetched or asked.failed:
        known = f"{asked.fetched:,} fetched before, {asked.failed:,} failed before, {asked.new:,} new to fetch"
        table.add_row("known", f"{known}; stages are told as for a first run, and do only what changed")
    sizes = f"{len(asked.sizes):,}; the largest has {asked.sizes[-1]:,} images, the median {_median(plan):,}"
    least = plan.settings.select.min_class_size
    below = f"; {small.sum():,} have fewer than {least}" if small.any() else ""
    table.add_row("classes", sizes + below)
    pairs = plan.pairs
    compared = "all" if pairs.compared == pairs.possible else f"about {pairs.compared:,}"
    table.add_row("pairs", f"{pairs.possible:,} inside classes; {compared} are compared")
    return table


def _facts() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", min_width=9)
    return table


def _median(plan: Plan) -> int:
    return int(plan.asked.sizes[len(plan.asked.sizes) // 2])


def _hosts(plan: Plan) -> Table:
    hosts = plan.asked.hosts
    table = Table(box=None, pad_edge=False)
    heading = f"host, the first of {len(hosts):,}" if len(hosts) > _HOSTS else "host"
    table.add_column(heading, no_wrap=True, max_width=40)
    for name in ("images", "share", "at least"):
        table.add_column(name, justify="right")
    total = sum(host.images for host in hosts)
    shown, others = hosts[:_HOSTS], hosts[_HOSTS:]
    for host in shown:
        seconds = polite_seconds(host, plan.settings.polite)
        table.add_row(plain_text(host.name), f"{host.images:,}", f"{host.images / total:.1%}", span(seconds))
    if others:
        rest = sum(host.images for host in others)
        slowest = span(polite_seconds(others[0], plan.settings.polite))
        table.add_row("others", f"{rest:,}", f"{rest / total:.1%}", f"at most {slowest}", style="dim")
    return table


def _stages(plan: Plan) -> Table:
    table = Table("stage", box=None, pad_edge=False)
    table.add_column("work", justify="right")
    table.add_column("")
    table.add_column("CPU", justify="right")
    table.add_column("share", justify="right")
    for work in plan.works:
        share = work.seconds / max(plan.cpu_seconds, 1e-9)
        table.add_row(work.stage, f"{work.count:,}", work.unit, effort(work.seconds), f"{share:.0%}")
    table.add_row("all", "", "", effort(plan.cpu_seconds), "", style="bold")
    return table


def _totals(plan: Plan) -> Table:
    table, polite, sample = _facts(), plan.settings.polite, plan.sample
    if plan.asked.hosts:
        # Few connections hold it up too, where transfers are slow: those to one host, or all.
        slow = min(polite.host_connections / polite.host_rate, plan.fetch_seconds * polite.connections / plan.asked.new)
        needed = plan.written.images / max(plan.fetch_seconds, 1e-9) / 1e6
        told = (
            f"at least {span(plan.fetch_seconds)} at {polite.host_rate:g} requests a second to a host, longer "
            f"where an image takes more than {slow:.1f} s; the line has to carry {needed:.1f} MB/s"
        )
        table.add_row("fetching", told)
    shared = f"{span(plan.cpu_seconds / plan.workers)} with {plan.workers} workers"
    table.add_row("computing", f"{effort(plan.cpu_seconds)} of CPU, {shared}")
    written = plan.written
    each = f"{sample.image_bytes / 1000:,.0f} KB an image, {'assumed' if sample.is_drawn else 'measured'}"
    others = f"{size(written.keypoints)} of keypoints, {size(written.pictures)} of thumbnails and drawn matches"
    table.add_row("disk", f"{size(written.images)} of images ({each}), {others}")
    table.add_row("memory", f"about {size(plan.memory_bytes)}")
    costs = sample.costs
    timed = f"on {costs.pictures} {sample.origin}, in {sample.seconds:.0f} s"
    rates = f"{1000 * costs.picture:.0f} ms an image, {1000 * costs.verify:.1f} ms a pair"
    table.add_row("measured", f"{timed}: {rates}; as if every address gave an image")
    return table
