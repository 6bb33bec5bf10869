"""What each host wants of robots: its robots.txt, asked for once."""

import codecs
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import NamedTuple

from protego import Protego

from storage.reasons import Reason
from tasks.acquire.address import encode_percents, read_address
from tasks.acquire.fetch import Fetched
from tasks.acquire.settings import ROBOT, ROBOTS_BYTES

_MOST_REDIRECTS = 5  # RFC 9309, 2.3.1.2
_UNREACHABLE = {Reason.TIMEOUT, Reason.CONNECTION_FAILED, Reason.UNKNOWN_HOST, Reason.TRUNCATED_BODY}


class Rules:
    """The rules of one origin."""

    def __init__(self, content: bytes) -> None:
        self._rules = Protego.parse(encode_percents(_text_of(content))) if content else None

    def allows(self, url: str) -> bool:
        """Returns whether the address may be fetched."""
        asked = read_address(url)
        return self._rules is None or bool(self._rules.can_fetch(asked.url if asked else url, ROBOT))

    @property
    def interval(self) -> float:
        """Seconds that the host wants between two requests."""
        delay = self._rules and self._rules.crawl_delay(ROBOT)
        return max(0.0, float(delay or 0.0))


def _text_of(content: bytes) -> str:
    """The text of a robots.txt, without a byte order mark: with one, the first rule would count for nobody."""
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = content[:ROBOTS_BYTES].decode("utf-16" if wide else "utf-8-sig", "replace")
    # Half a line is another rule: `Allow: /` of `Allow: /open`
    return text.rpartition("\n")[0] if len(content) > ROBOTS_BYTES else text


class Decision(NamedTuple):
    """Whether an address may be fetched now.

    Attributes:
        spent: the turn went to asking for the rules, or waiting for them; the address has to wait for its next.
        refusal: why it may not be.
    """

    spent: bool
    refusal: Fetched | None


class Robots:
    """The rules of every origin met so far. Thread-safe.

    Args:
        request: asks for an address once, follows no redirect, heeds no opt-out, and gives the beginning of a body
            that is longer than `ROBOTS_BYTES`.
    """

    def __init__(self, request: Callable[[str], Fetched]) -> None:
        self._request = request
        self._known: dict[str, Future[Rules | Fetched]] = {}
        self._lock = threading.Lock()

    def may_fetch(
        self, origin: str, url: str, on_crawl_delay: Callable[[float], None] = lambda _seconds: None
    ) -> Decision:
        """Asks whether an address may be fetched; while another thread asks the same origin, waits for its answer.

        A host without rules allows everything; one that does not answer, nothing for now (RFC 9309, 2.3.1).

        Args:
            on_crawl_delay: called with the seconds that the host wants between two requests, before anyone may fetch.
        """
        with self._lock:
            is_first = origin not in self._known
            future = self._known.setdefault(origin, Future())
        if is_first:
            try:
                found = self._fetch_rules(origin)
            except BaseException as error:  # or those who wait for the rules would wait for ever
                del self._known[origin]
                future.set_exception(error)
                raise
            if isinstance(found, Fetched):  # the next to come asks again
                del self._known[origin]
            else:
                on_crawl_delay(found.interval)
            future.set_result(found)
        spent = is_first or not future.done()
        found = future.result()
        if isinstance(found, Fetched):
            return Decision(spent, found)
        if spent or found.allows(url):
            return Decision(spent, None)
        return Decision(spent, Fetched(Reason.ROBOTS_DISALLOWED, final_url=url, detail=f"{origin}/robots.txt"))

    def _fetch_rules(self, origin: str) -> Rules | Fetched:
        """The rules, or what befell the request for them."""
        url = f"{origin}/robots.txt"
        for _ in range(1 + _MOST_REDIRECTS):
            answer = self._request(url)
            if not answer.location:
                break
            url = answer.location
        down = answer.status is not None and (answer.status >= 500 or answer.status == 429)
        if answer.reason in _UNREACHABLE or (answer.reason is Reason.HTTP_ERROR and down):
            detail = answer.detail or f"status {answer.status}"
            return replace(answer, body=b"", location=None, detail=f"{origin}/robots.txt: {detail}"[:300])
        return Rules(answer.body if answer.reason is None else b"")
