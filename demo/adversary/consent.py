"""Hosts that allow some things and not others, and some whose robots.txt is itself hostile."""

from demo.adversary.case import FETCHED, Case
from demo.adversary.server import Behaviour
from demo.adversary.wire import JPEG, PHOTOGRAPH, drips, redirects, resets, sends, stays_silent

_PAGE = b"<!doctype html><title>Welcome</title><p>User-agent: * Disallow: /"
_NOBODY = b"User-agent: *\nDisallow: /\n"
_PHOTOGRAPH = sends(PHOTOGRAPH)


def _tagged(name: str, does: str, outcome: str, *tags: str) -> Case:
    return Case(name, does, outcome, sends(PHOTOGRAPH, JPEG, *(f"X-Robots-Tag: {tag}" for tag in tags)))


OPT_OUT = (
    _tagged("tag-noai", "X-Robots-Tag: noai.", "opted-out", "noai"),
    _tagged("tag-noimageai", "X-Robots-Tag: noimageai, in capitals.", "opted-out", "NOIMAGEAI"),
    _tagged("tag-noimageindex", "The same with noimageindex, among others.", "opted-out", "noarchive, noimageindex"),
    _tagged("tag-second", "A second X-Robots-Tag says noindex.", "opted-out", "nofollow", "noindex"),
    _tagged("tag-others", "X-Robots-Tag forbids it to another robot.", FETCHED, "otherbot: noindex"),
    _tagged("tag-harmless", "X-Robots-Tag with what is none of ours.", FETCHED, "nofollow, max-snippet:0"),
)


def _ruled(name: str, does: str, outcome: str, robots: Behaviour) -> Case:
    return Case(name, does, outcome, _PHOTOGRAPH, robots=robots)


ROBOTS = (
    _ruled("robots-all", "robots.txt forbids everything to all.", "robots-disallowed", sends(_NOBODY)),
    _ruled("robots-us", "robots.txt forbids everything to us.", "robots-disallowed",
           sends(b"User-agent: *\nAllow: /\n\nUser-agent: Cairn\nDisallow: /\n")),
    _ruled("robots-others", "robots.txt forbids everything to others.", FETCHED,
           sends(b"User-agent: otherbot\nDisallow: /\n")),
    _ruled("robots-elsewhere", "robots.txt forbids another folder.", FETCHED,
           sends(b"User-agent: *\nDisallow: /private/\n")),
    _ruled("robots-long", "robots.txt forbids everything, and goes on for 600 KB.", "robots-disallowed",
           sends(_NOBODY + b"# so be it\n" * 55_000)),
    _ruled("robots-huge", "robots.txt forbids everything, and is longer than any picture may be.", "robots-disallowed",
           sends(_NOBODY + b"# so be it\n" * 200_000)),
    _ruled("robots-mark", "robots.txt forbids everything, after a byte order mark.", "robots-disallowed",
           sends(b"\xef\xbb\xbf" + _NOBODY)),
    _ruled("robots-utf-16", "robots.txt forbids everything, in UTF-16.", "robots-disallowed",
           sends(_NOBODY.decode().encode("utf-16"))),
    _ruled("robots-redirect", "robots.txt is elsewhere on the host, and forbids everything.", "robots-disallowed",
           redirects("/robots/landing", landing=_NOBODY)),
    _ruled("robots-forbidden", "403 for robots.txt, which counts as none.", FETCHED,
           sends(_PAGE, status="403 Forbidden")),
    _ruled("robots-page", "A page in the place of robots.txt.", FETCHED, sends(_PAGE)),
    _ruled("robots-binary", "A photograph in the place of robots.txt.", FETCHED, _PHOTOGRAPH),
    _ruled("robots-loop", "robots.txt redirects to itself.", FETCHED, redirects("/robots.txt")),
    _ruled("robots-inward", "robots.txt redirects to a loopback address.", FETCHED,
           redirects("http://127.0.0.1:{port}/robots.txt")),
    _ruled("robots-endless-ban", "robots.txt forbids everything, and does not end.", "robots-disallowed",
           drips(b"HTTP/1.1 200 OK\r\n\r\n" + _NOBODY, b"# and so on\n" * 5000, 0)),
    _ruled("robots-endless", "A robots.txt that does not end, and forbids nothing.", FETCHED,
           drips(b"HTTP/1.1 200 OK\r\n\r\n", b"# and so on\n" * 5000, 0)),
    _ruled("robots-failing", "500 for robots.txt, which forbids for now.", "http-error",
           sends(b"", status="500 Internal Server Error")),
    _ruled("robots-silent", "No answer for robots.txt.", "timeout", stays_silent()),
    _ruled("robots-reset", "Resets the connection when asked for robots.txt.", "connection-failed", resets()),
    _ruled("robots-delay", "robots.txt asks for 31 years between two requests.", "host-unavailable",
           sends(b"User-agent: *\nCrawl-delay: 999999999\n")),
    _ruled("robots-delay-nonsense", "robots.txt asks for a time between requests that is no number.", FETCHED,
           sends(b"User-agent: *\nCrawl-delay: nan\n")),
)  # fmt: skip
