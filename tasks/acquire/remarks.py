"""What to tell of a list before its addresses are asked: what is odd about it, and what hosts expect."""

from collections.abc import Iterator, Sequence
from itertools import islice

import pyarrow.compute as pc

from tasks.acquire.estimate import Host
from tasks.acquire.settings import PoliteSettings
from tasks.acquire.sources import SourceList

_EXAMPLES = 3
_WANT_CONTACT = ("wikimedia.org", "wikipedia.org", "wikidata.org", "wikivoyage.org")
"""Domains of the Wikimedia Foundation, whose policy on User-Agents wants a way to reach whoever asks."""


def odd_rows(read: SourceList) -> Iterator[str]:
    """Yields sentences on rows of a list that are not taken as they stand."""
    count = pc.sum(pc.equal(read.table["landmark_id"], "")).as_py() if read.unlabelled else 0
    if count:
        first = ", ".join(f"{location}: {cell!r}" for location, cell in islice(read.unlabelled.values(), _EXAMPLES))
        more = ", …" if len(read.unlabelled) > _EXAMPLES else ""
        yield (
            f"{count:,} of {read.table.num_rows:,} rows have no class ({first}{more}): they are not fetched, and "
            "dropped as no-class"
        )
    if read.credentials:
        yield (
            f"{read.credentials:,} addresses have a user name or password before the host: it was cut off, is sent to "
            "nobody and stored nowhere"
        )


def contact_hint(hosts: Sequence[Host], polite: PoliteSettings) -> str | None:
    """Returns what to say where hosts want to know whom to turn to, and the settings do not tell them."""
    wanting = [host for host in hosts if _wants_contact(host.name)]
    if polite.contact or not wanting:
        return None
    images = sum(host.images for host in wanting)
    return (
        f"{wanting[0].name} wants to know whom to turn to, and may refuse or slow down requests without ({images:,} "
        "images of the list are there): give --contact, or set [polite] contact, a mail or web address"
    )


def _wants_contact(host: str) -> bool:
    name = host.rsplit(":", 1)[0] if host.rsplit(":", 1)[-1].isdecimal() else host
    return any(name == domain or name.endswith(f".{domain}") for domain in _WANT_CONTACT)
