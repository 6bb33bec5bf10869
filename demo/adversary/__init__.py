"""A server that does what hosts on the open web do to a reader: every case an address with a known outcome."""

from collections.abc import Iterator
from contextlib import contextmanager

from demo.adversary.addresses import LISTED, REDIRECTS
from demo.adversary.answers import BODIES, STATUSES
from demo.adversary.case import Case
from demo.adversary.consent import OPT_OUT, ROBOTS
from demo.adversary.server import INNER, Witness
from demo.adversary.server import serve as _serve
from demo.adversary.transfers import BROKEN, ENDLESS, LENGTHS, SLOW

GROUPS = {
    "Slow": SLOW,
    "Endless": ENDLESS,
    "Wrong about their length": LENGTHS,
    "Broken": BROKEN,
    "Status": STATUSES,
    "Redirects": REDIRECTS,
    "Addresses": LISTED,
    "Bodies": BODIES,
    "Opt-out": OPT_OUT,
    "robots.txt": ROBOTS,
}
"""All cases, under the headings of docs/evidence/hosts.md."""

CASES = {case.name: case for group in GROUPS.values() for case in group}
HOSTS = {name: f"127.0.{1 + number // 200}.{1 + number % 200}" for number, name in enumerate(CASES)}
"""Each case's own loopback address."""


@contextmanager
def serve() -> Iterator[Witness]:
    """Serves all cases while the context is open.

    Needs a system where all of 127.0.0.0/8 is this machine, as Linux is.
    """
    behaviours = {HOSTS[name]: case.behaviour for name, case in CASES.items() if case.behaviour}
    robots = {HOSTS[name]: case.robots for name, case in CASES.items() if case.robots}
    with _serve(behaviours, robots, [HOSTS[name] for name, case in CASES.items() if case.deaf]) as witness:
        yield witness


def address(case: Case, port: int) -> str:
    """The address of a case, for a server on this port."""
    return case.url.format(host=HOSTS[case.name], port=port, inner=INNER, name=case.name, hosts=HOSTS)
