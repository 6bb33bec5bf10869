"""Brings addresses to their outcomes: asked for, looked at, stored."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic

from storage.errors import DamagedTableError
from storage.reasons import Reason
from tasks.acquire.address import host_of
from tasks.acquire.decode import EXTENSIONS
from tasks.acquire.fetch import Fetched
from tasks.acquire.fetcher import Validators
from tasks.acquire.inspect import Picture, Rejected
from tasks.acquire.inspectors import Verdict
from tasks.acquire.outcome import Outcome, inspect_anew, settle, settle_again
from tasks.acquire.resume import PriorOutcome, Step
from tasks.acquire.shared import Shared

Found = tuple[str, Outcome, bool]
"""An address, its outcome, and whether that is new."""
Deliver = Callable[[Found | BaseException], None]
"""Takes what came of an address to who asked."""


class Acquirer:
    """Brings each address to its outcome, whatever the next step for it is.

    Args:
        put: stores bytes under their sha256 and an extension, and returns their path.
        get: the bytes of a path.
        folder: where addresses are paths of a folder, that folder.
        max_bytes: longest body accepted, be it a stored one or a file's; a longer file is not read.
    """

    def __init__(
        self,
        shared: Shared,
        put: Callable[[bytes, str, str], str],
        get: Callable[[str], bytes],
        folder: Path | None,
        max_bytes: int,
    ) -> None:
        self._shared, self._put, self._get, self._folder, self._max_bytes = shared, put, get, folder, max_bytes

    def run(self, urls: Mapping[Step, Sequence[str]], known: Mapping[str, PriorOutcome]) -> Iterator[Found]:
        """Yields the outcomes, as they are found; those that stand come first.

        Args:
            urls: the addresses by what comes next for them.
            known: what is known of those that are not fetched for the first time.
        """
        for url in urls[Step.STANDS]:
            yield url, Outcome(known[url].log, known[url].image, known[url].drop), False
        asked, again = list(urls[Step.FETCH]), {url: known[url] for url in urls[Step.REVALIDATE]}
        with ThreadPoolExecutor(2 * self._shared.inspectors.count) as threads:  # half of them read meanwhile
            stored = [*urls[Step.INSPECT], *urls[Step.INSPECT_AND_REVALIDATE]]
            looked = zip(stored, threads.map(lambda url: self._inspect(known[url]), stored), strict=True)
            for index, (url, outcome) in enumerate(looked):
                if outcome is None:
                    asked.append(url)
                elif index < len(urls[Step.INSPECT]):
                    yield url, outcome, True
                else:
                    again[url] = known[url]._replace(image=outcome.image, drop=outcome.drop)
            if self._folder:
                yield from threads.map(partial(self._read, self._folder), asked)
        if not self._folder:
            yield from self._fetch([*asked, *again], again)

    def _fetch(self, urls: Sequence[str], known: Mapping[str, PriorOutcome]) -> Iterator[Found]:
        """Fetches addresses; those of which something is known, if they have something else by now."""
        self._shared.tally.expect(host_of(url) for url in urls)
        held = {url: Validators(own.log["etag"], own.log["last_modified"]) for url, own in known.items()}

        def conclude(index: int, fetched: Fetched, verdict: Verdict | None) -> Found:
            url = urls[index]
            outcome = self._settle(url, fetched, verdict)
            if url in known:
                outcome = settle_again(known[url], fetched, outcome)
            self._shared.tally.add(host_of(url), str(outcome.log["outcome"]), len(fetched.body))
            return url, outcome, True

        def arrived(index: int, fetched: Fetched, deliver: Deliver) -> None:
            if not _has_body(fetched):
                deliver(conclude(index, fetched, None))
                return

            def inspected(verdict: Verdict | Exception) -> None:
                try:
                    deliver(verdict if isinstance(verdict, Exception) else conclude(index, fetched, verdict))
                except BaseException as error:  # it belongs to who asked, and this thread to all
                    deliver(error)

            self._shared.inspectors.submit(fetched.body, inspected)

        return self._shared.fetcher.fetch(urls, arrived, held)

    def _settle(self, url: str, fetched: Fetched, found: Verdict | None) -> Outcome:
        if not isinstance(found, Picture):
            return settle(url, fetched, found, None)
        return settle(url, fetched, found, self._put(fetched.body, found.sha256, EXTENSIONS[found.format]))

    def _read(self, folder: Path, url: str) -> Found:
        """Brings a file of a folder to its outcome."""
        started_at, clock = datetime.now(UTC), monotonic()
        try:
            fetched = self._read_file(folder / url)
        except OSError as error:
            fetched = Fetched(Reason.CONNECTION_FAILED, detail=str(error))
        found = self._shared.inspectors.inspect(fetched.body) if _has_body(fetched) else None
        fetched = replace(fetched, started_at=started_at, seconds=monotonic() - clock)
        return url, self._settle(url, fetched, found), True

    def _read_file(self, path: Path) -> Fetched:
        with path.open("rb") as file:
            length = os.fstat(file.fileno()).st_size
            body = file.read(self._max_bytes + 1) if length <= self._max_bytes else b""
        if max(length, len(body)) > self._max_bytes:  # it may grow meanwhile
            return Fetched(Reason.TOO_LARGE, detail=f"more than {self._max_bytes} bytes")
        return Fetched(None, body)

    def _inspect(self, known: PriorOutcome) -> Outcome | None:
        """Looks at stored bytes again, without fetching; None where they rotted, so that they are fetched."""
        assert known.image
        try:
            content = self._get(known.image["path"])
        except DamagedTableError:
            return None
        if len(content) > self._max_bytes:
            return inspect_anew(known, Rejected(Reason.TOO_LARGE, f"more than {self._max_bytes} bytes"))
        return inspect_anew(known, self._shared.inspectors.inspect(content))


def _has_body(fetched: Fetched) -> bool:
    return fetched.reason is None and not fetched.is_unchanged
