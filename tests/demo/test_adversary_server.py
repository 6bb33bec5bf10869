"""The adversarial server itself: each case has a host of its own, and a page tells a known outcome."""

import zlib
from collections import Counter

import requests

from demo import adversary
from demo.adversary import CASES, GROUPS, HOSTS
from demo.adversary.case import FETCHED
from demo.adversary.pictures import packed_zeros
from demo.adversary.server import INNER
from storage.reasons import Reason


def test_names_and_hosts_are_told_apart() -> None:
    assert len(CASES) == sum(map(len, GROUPS.values()))
    assert max(Counter(HOSTS.values()).values()) == 1
    assert INNER not in HOSTS.values()


def test_every_outcome_is_a_reason_of_acquire() -> None:
    reasons = {reason.value for reason in Reason if reason.stage == "acquire"}
    assert {case.outcome for case in CASES.values()} <= {FETCHED, *reasons}


def test_the_witness_saw_what_was_asked() -> None:
    with adversary.serve() as witness:
        answer = requests.get(adversary.address(CASES["fine"], witness.port), timeout=5)
        missing = requests.get(f"http://{HOSTS['fine']}:{witness.port}/robots.txt", timeout=5)
    assert (answer.status_code, answer.content[:2], missing.status_code) == (200, b"\xff\xd8", 404)
    [first, _] = witness.heads[HOSTS["fine"]]
    assert first.startswith(b"GET /fine.jpg HTTP/1.1\r\n")


def test_zeros_are_packed_as_if_in_one_go() -> None:
    assert zlib.decompress(packed_zeros(1000, 70)) == bytes(70_000)
