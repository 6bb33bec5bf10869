"""What comes next for an address, by what is known of it and what the policy asks again."""

from datetime import UTC, datetime, timedelta

import pytest

from storage.reasons import Reason
from tasks.acquire.resume import PriorOutcome, SourceRow, Step, Steps
from tasks.acquire.settings import FetchPolicy

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def step(known: PriorOutcome | None, refetch: str = "never", **changes: object) -> Step:
    policy = FetchPolicy(refetch=refetch, before=NOW - timedelta(days=7))
    steps = {
        "policy": policy,
        "known": {"u": known} if known else {},
        "stored": {"p"},
        "asking": "a",
        "looking": "l",
        "in_folder": False,
        **changes,
    }
    return Steps(**steps).of(SourceRow("i", "u", "c", "new" if changes.get("in_folder") else None))


def image(path: str = "p", *, is_of_now: bool = False, md5: str = "old", refused: bool = False) -> PriorOutcome:
    drop = {"reason": "too-small"} if refused else None
    return PriorOutcome({"started_at": NOW}, {"path": path, "md5": md5}, drop, "a", "l", is_of_now)


def failure(days: int | None = 0, *, is_of_now: bool = False, reason: str = "timeout") -> PriorOutcome:
    tried = None if days is None else NOW - timedelta(days=days)
    return PriorOutcome({"started_at": tried}, None, {"reason": reason}, "a", "l", is_of_now)


ASKED_OTHERWISE, LOOKED_OTHERWISE = {"asking": "b"}, {"looking": "m"}


@pytest.mark.parametrize(
    ("known", "how", "expected"),
    [
        (None, {}, Step.FETCH),
        (image(), {}, Step.STANDS),
        (image(), ASKED_OTHERWISE, Step.STANDS),
        (image(), LOOKED_OTHERWISE, Step.INSPECT),
        (image("lost"), {}, Step.FETCH),
        (image(), {"refetch": "failed"}, Step.STANDS),
        (image(), {"refetch": "revalidate"}, Step.REVALIDATE),
        (image(), {"refetch": "revalidate", **LOOKED_OTHERWISE}, Step.INSPECT_AND_REVALIDATE),
        (image(is_of_now=True), {"refetch": "revalidate"}, Step.STANDS),
        (image(refused=True), {}, Step.STANDS),
        (image(refused=True), ASKED_OTHERWISE, Step.STANDS),
        (image(refused=True), LOOKED_OTHERWISE, Step.INSPECT),
        (image(refused=True), {"refetch": "failed"}, Step.STANDS),
        (failure(), {}, Step.STANDS),
        (failure(), ASKED_OTHERWISE, Step.FETCH),
        (failure(), LOOKED_OTHERWISE, Step.STANDS),
        (failure(reason="too-large"), ASKED_OTHERWISE, Step.FETCH),
        (failure(reason="too-large"), LOOKED_OTHERWISE, Step.FETCH),
        (failure(), {"refetch": "failed"}, Step.FETCH),
        (failure(is_of_now=True), {"refetch": "failed"}, Step.STANDS),
        (failure(is_of_now=True), {"refetch": "failed", **ASKED_OTHERWISE}, Step.FETCH),
        (failure(), {"refetch": "revalidate"}, Step.FETCH),
        (failure(3), {"refetch": "failed-older-than"}, Step.STANDS),
        (failure(30), {"refetch": "failed-older-than"}, Step.FETCH),
        (failure(None), {"refetch": "failed-older-than"}, Step.FETCH),
        (image(md5="old"), {"in_folder": True}, Step.FETCH),
        (image(md5="new"), {"in_folder": True}, Step.STANDS),
        (failure(), {"in_folder": True}, Step.FETCH),
    ],
)
def test_the_next_step(known, how, expected):
    assert step(known, **how) is expected


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.stage == "acquire"])
def test_what_a_failure_hangs_on(reason):
    """Limits of pictures have a say in what came of a body, and no other reason that an address can fail for."""
    of_selection = {"placeholder", "duplicate-image", "ambiguous-class", "drawing", "class-too-small"}
    turned = step(failure(reason=reason), **LOOKED_OTHERWISE) is Step.FETCH
    of_asking = {"invalid-url", "blocked-address", "unknown-host", "connection-failed", "timeout", "http-error"}
    of_asking |= {"host-unavailable", "robots-disallowed", "opted-out", "redirect-limit", "truncated-body"}
    assert turned == (reason not in of_asking | of_selection)
