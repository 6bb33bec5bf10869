"""What came of an address, as rows of `fetch_log`, `images` and `drops`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from storage.reasons import Reason
from tasks.acquire.fetch import Fetched
from tasks.acquire.inspect import Picture, Rejected
from tasks.acquire.resume import PriorOutcome, SourceRow

Row = dict[str, Any]
_WITHDRAWN = {str(Reason.OPTED_OUT), str(Reason.ROBOTS_DISALLOWED)}


@dataclass(frozen=True)
class Outcome:
    """What came of an address: a row of `fetch_log`, and one of `images` or `drops`. Any row that names it has them.

    With both an image and a drop it is a stored picture that today's limits refuse: others may take it again.
    """

    log: Mapping[str, Any]
    image: Mapping[str, Any] | None
    drop: Mapping[str, Any] | None

    @property
    def is_refused(self) -> bool:
        """Whether a picture is stored that today's limits refuse."""
        return bool(self.image and self.drop)

    def log_row(self, source: SourceRow) -> Row:
        """Returns the row of `fetch_log` for a row of `sources`."""
        row = {**self.log, "image_id": source.image_id}
        if self.image and self.drop:
            return {**row, "outcome": self.drop["reason"]}
        is_new = row["outcome"] in ("fetched", "md5-mismatch")
        if is_new and self.image:
            row["outcome"] = "md5-mismatch" if self._matches(source) is False else "fetched"
        return row

    def image_row(self, source: SourceRow) -> Row | None:
        """Returns the row of `images` for a row of `sources`."""
        ids = {"image_id": source.image_id, "landmark_id": source.landmark_id}
        return {**self.image, **ids, "md5_matches": self._matches(source)} if self.image and not self.drop else None

    def drop_row(self, source: SourceRow) -> Row | None:
        """Returns the row of `drops` for a row of `sources`."""
        return {**self.drop, "image_id": source.image_id} if self.drop else None

    def _matches(self, source: SourceRow) -> bool | None:
        assert self.image
        return None if source.md5 is None else bool(source.md5 == self.image["md5"])


def settle(url: str, fetched: Fetched, found: Picture | Rejected | None, path: str | None) -> Outcome:
    """Returns the outcome of a fetch.

    Args:
        found: what the inspection of the body came to; None where there is no body.
        path: where a picture is stored.
    """
    reason = found.reason if isinstance(found, Rejected) else fetched.reason
    detail = fetched.detail
    if isinstance(found, Picture):
        detail = _odd_type(fetched, found)
    elif isinstance(found, Rejected):
        detail = f"Content-Encoding: {fetched.packing}; {found.detail}"[:300] if fetched.packing else found.detail
    log = {
        "url": url,
        "outcome": str(reason) if reason else "fetched",
        "status": fetched.status,
        "final_url": fetched.final_url,
        "content_type": fetched.header("content-type"),
        "etag": fetched.header("etag"),
        "last_modified": fetched.header("last-modified"),
        "retry_after": fetched.header("retry-after"),
        "robots_tag": fetched.header("x-robots-tag"),
        "attempts": fetched.attempts,
        "bytes": len(fetched.body),
        "started_at": fetched.started_at,
        "seconds": fetched.seconds,
        "detail": detail,
    }
    if isinstance(found, Picture):
        return Outcome(log, {**vars(found), "path": path, "final_url": fetched.final_url}, None)
    return Outcome(log, None, _drop(log, reason))


def settle_again(known: PriorOutcome, fetched: Fetched, new: Outcome) -> Outcome:
    """Renews the outcome of an address whose image is there: it stays, unless another came or its host withdrew it."""
    assert known.image
    if fetched.is_unchanged or (new.image and new.image["sha256"] == known.image["sha256"]):
        return Outcome({**new.log, **_validators(new, known), "outcome": "unchanged"}, known.image, known.drop)
    if new.image or new.log["outcome"] in _WITHDRAWN:
        return new
    return Outcome({**new.log, **_validators(new, known)}, known.image, known.drop)


def inspect_anew(known: PriorOutcome, found: Picture | Rejected) -> Outcome:
    """Returns the outcome of stored bytes under other settings."""
    assert known.image
    if isinstance(found, Picture):
        return Outcome(known.log, {**known.image, **vars(found)}, None)
    return Outcome(known.log, known.image, _drop({**known.log, "detail": found.detail}, found.reason))


def _validators(new: Outcome, known: PriorOutcome) -> Row:
    """ETag and date for the next time: those of the answer, or, where it has none, those of the image that stays."""
    return {name: new.log[name] or known.log[name] for name in ("etag", "last_modified")}


def _odd_type(fetched: Fetched, found: Picture) -> str | None:
    declared = (fetched.header("content-type") or "").split(";")[0].strip().lower()
    kind = "jpeg" if found.format == "MPO" else found.format.lower()
    if not declared or declared.removeprefix("image/").replace("jpg", "jpeg").removeprefix("x-") == kind:
        return None
    return f"declared {declared[:60]}, is {found.format}"


def _drop(log: Mapping[str, Any], reason: Reason | None) -> Row:
    evidence = {name: log[name] for name in ("url", "status", "final_url") if log[name] is not None}
    if log["detail"]:
        evidence["found"] = log["detail"]
    return {"stage": "acquire", "reason": str(reason), "evidence": json.dumps(evidence)}
