"""What comes next for an address, by what is known of it and what the policy asks again."""

from datetime import UTC, datetime, timedelta

import pytest

from tasks.acquire.resume import Known, Listed, Step, Steps
from tasks.acquire.settings import FetchPolicy

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def step(known: Known | None, refetch: str = "never", **changes: object) -> Step:
    policy = FetchPolicy(refetch=refetch, before=NOW - timedelta(days=7))
    steps = {
        "policy": policy,
        "known": {"u": known} if known else {},
        "stored": {"p"},
        "again": refetch != "never",
        "same_settings": True,
        "in_folder": False,
        **changes,
    }
    return Steps(**steps).of(Listed("i", "u", "c", "new" if changes.get("in_folder") else None))


def image(path: str = "p", *, is_of_now: bool = False, md5: str = "old") -> Known:
    return Known({"started_at": NOW}, {"path": path, "md5": md5}, None, is_of_now)


def failure(days: int = 0, *, is_of_now: bool = False) -> Known:
    return Known({"started_at": NOW - timedelta(days=days)}, None, {"reason": "timeout"}, is_of_now)


@pytest.mark.parametrize(
    ("known", "how", "expected"),
    [
        (None, {}, Step.FETCH),
        (image(), {}, Step.STANDS),
        (image(), {"same_settings": False}, Step.INSPECT),
        (image("lost"), {}, Step.FETCH),
        (image(), {"refetch": "failed"}, Step.STANDS),
        (image(), {"refetch": "revalidate"}, Step.REVALIDATE),
        (image(is_of_now=True), {"refetch": "revalidate"}, Step.STANDS),
        (failure(), {}, Step.STANDS),
        (failure(), {"same_settings": False}, Step.FETCH),
        (failure(), {"refetch": "failed"}, Step.FETCH),
        (failure(), {"refetch": "failed", "again": False}, Step.STANDS),
        (failure(), {"refetch": "revalidate"}, Step.FETCH),
        (failure(3), {"refetch": "failed-older-than"}, Step.STANDS),
        (failure(30), {"refetch": "failed-older-than"}, Step.FETCH),
        (Known({"started_at": None}, None, {}), {"refetch": "failed-older-than"}, Step.FETCH),
        (image(md5="old"), {"in_folder": True}, Step.FETCH),
        (image(md5="new"), {"in_folder": True}, Step.STANDS),
        (failure(), {"in_folder": True}, Step.FETCH),
    ],
)
def test_the_next_step(known, how, expected):
    assert step(known, **how) is expected
