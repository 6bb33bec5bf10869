"""What to think over before a curation: what the plan shows that settings or the list should change."""

import os
from collections import Counter
from collections.abc import Iterator

from flows.commands.reasons import advise_allowing
from flows.planning.plan import Plan
from flows.planning.room import lack_of_room
from storage.root import Root
from tasks.acquire.remarks import contact_hint
from tasks.acquire.settings import LARGE_RUN

_MOST_OF_THE_LIST = 0.5
_SLOW = 3600.0
_MEASURED_CLASS = 3000  # the largest class whose costs were measured: docs/evidence/benchmarks.md
_DAY = 24 * 3600.0


def cautions(plan: Plan, root: Root) -> list[str]:
    """Lists sentences on what to think over before a run, the most serious first."""
    hint = contact_hint(plan.asked.hosts, plan.settings.polite)
    return [*([hint] if hint else []), *_hosts(plan), *plan.asked.odd, *_classes(plan), *_machine(plan, root)]


def _hosts(plan: Plan) -> Iterator[str]:
    asked, polite = plan.asked, plan.settings.polite
    on_the_web = sum(host.images for host in asked.hosts)
    if asked.blocked:
        yield str(advise_allowing(Counter({host.name: host.images for host in asked.blocked})))
    if asked.rows > LARGE_RUN and not polite.contact and not asked.is_folder:
        yield (
            f"no contact: a list of more than {LARGE_RUN:,} rows is refused without one; give --contact, or set "
            "[polite] contact, a mail or web address where a host's owner reaches you"
        )
    if asked.hosts and asked.hosts[0].images > _MOST_OF_THE_LIST * on_the_web and plan.fetch_seconds > _SLOW:
        yield (
            f"{asked.hosts[0].name} has {asked.hosts[0].images / on_the_web:.0%} of the images and sets the time "
            "alone: no machine is faster than [polite] host_rate; raise it only as that host allows"
        )
    if plan.fetch_seconds > 7 * _DAY:
        yield "fetching takes more than a week: run it under a supervisor; what was fetched stays when it is broken off"
    elsewhere = 0 if asked.is_folder else asked.new - on_the_web
    if elsewhere:
        yield f"{elsewhere:,} addresses are not of http or https: they are dropped as invalid-url"


def _classes(plan: Plan) -> Iterator[str]:
    least, sizes = plan.settings.select.min_class_size, plan.asked.sizes
    small = sizes[sizes < least]
    if len(small):
        yield (
            f"{len(small):,} of {len(sizes):,} classes have fewer than {least} images: their {small.sum():,} are "
            "fetched and then dropped as class-too-small; leave them out, or lower [select] min_class_size"
        )
    if sizes[-1] > _MEASURED_CLASS:
        yield (
            f"the largest class has {sizes[-1]:,} images; above {_MEASURED_CLASS:,} costs were never measured and are "
            "continued from smaller ones"
        )


def _machine(plan: Plan, root: Root) -> Iterator[str]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if plan.memory_bytes > memory:
        yield (
            f"about {plan.memory_bytes / 1e9:.1f} GB of memory are needed, and this machine has {memory / 1e9:.1f}: "
            "give fewer --workers, or split the list"
        )
    if lack := lack_of_room(root, plan.written):
        yield lack
    if plan.cpu_seconds / plan.workers > 7 * _DAY:
        yield "computing takes more than a week here: spread it with --runner dask, on one root"
