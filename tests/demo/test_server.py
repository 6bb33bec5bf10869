"""Each behaviour of the site, seen over real HTTP."""

import socket
import time

import pytest
import requests
import urllib3

from demo import server, site
from demo.plan import entries

TIMEOUT = 5


def _url(site_url: str, behaviour: str) -> str:
    entry = next(entry for entry in entries() if entry.behaviour == behaviour)
    return f"{site_url}/photos/{entry.image_id}.jpg"


@pytest.mark.parametrize(("behaviour", "status"), [("missing", 404), ("gone", 410), ("failing", 500)])
def test_dead_addresses(site_url: str, behaviour: str, status: int) -> None:
    assert requests.get(_url(site_url, behaviour), timeout=TIMEOUT).status_code == status


def test_an_unknown_path_is_404(site_url: str) -> None:
    assert requests.get(f"{site_url}/photos/../stamp.json", timeout=TIMEOUT).status_code == 404


def test_a_fine_address_sends_the_file(site_url: str, demo_list: site.DemoList) -> None:
    entry = next(entry for entry in entries() if entry.behaviour == "fine" and entry.picture)
    assert entry.picture
    answer = requests.get(f"{site_url}/photos/{entry.image_id}.jpg", timeout=TIMEOUT)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.content == (demo_list.folder / "files" / f"{entry.picture.name}.jpg").read_bytes()


def test_html_wears_the_name_of_a_picture(site_url: str) -> None:
    answer = requests.get(_url(site_url, "html"), timeout=TIMEOUT)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html")


def test_slow_is_slow_and_fine(site_url: str) -> None:
    start = time.monotonic()
    assert requests.get(_url(site_url, "slow"), timeout=TIMEOUT).content.startswith(b"\xff\xd8")
    assert time.monotonic() - start >= server.SLOW_SECONDS


def test_a_redirect_ends_at_a_picture_and_a_loop_nowhere(site_url: str) -> None:
    answer = requests.get(_url(site_url, "redirect"), timeout=TIMEOUT)
    assert [step.status_code for step in answer.history] == [302]
    assert answer.content.startswith(b"\xff\xd8")
    with pytest.raises(requests.TooManyRedirects):
        requests.get(_url(site_url, "loop"), timeout=TIMEOUT)


def test_heals_on_the_second_request(site_url: str) -> None:
    statuses = [requests.get(_url(site_url, "heals"), timeout=TIMEOUT).status_code for _ in range(3)]
    assert statuses == [503, 200, 200]


def test_cut_is_half_a_picture_that_looks_whole_on_the_wire(site_url: str) -> None:
    answer = requests.get(_url(site_url, "cut"), timeout=TIMEOUT)
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert not answer.content.endswith(b"\xff\xd9")


@pytest.mark.parametrize(("behaviour", "least"), [("short", 1_000), ("oversized", server.OVERSIZED_BYTES)])
def test_a_promise_of_more_than_comes(site_url: str, behaviour: str, least: int) -> None:
    with requests.get(_url(site_url, behaviour), stream=True, timeout=TIMEOUT) as answer:
        assert int(answer.headers["Content-Length"]) >= least
        with pytest.raises(urllib3.exceptions.ProtocolError, match="IncompleteRead"):
            list(answer.raw.stream(4096))


def test_stalled_sends_something_and_never_ends(site_url: str) -> None:
    deadline = time.monotonic() + 3 * server.DRIP_SECONDS
    with requests.get(_url(site_url, "stalled"), stream=True, timeout=TIMEOUT) as answer:
        drips = 0
        while time.monotonic() < deadline:
            drips += len(answer.raw.read(1))
    assert 4 < drips < 20


def test_the_placeholder_is_the_same_everywhere(site_url: str) -> None:
    ids = [entry.image_id for entry in entries() if entry.behaviour == "placeholder"]
    bodies = {requests.get(f"{site_url}/photos/{name}.jpg", timeout=TIMEOUT).content for name in ids}
    assert len(ids) > len(bodies) == 1


def test_a_taken_port_gives_another(site_url: str) -> None:
    taken = int(site_url.rsplit(":", 1)[1])
    assert server.choose_port(taken) != taken


def test_closing_the_site_frees_its_port(demo_list: site.DemoList) -> None:
    port = site.choose_port(0)
    with site.serve(demo_list.folder, port), socket.create_connection((server.HOST, port), TIMEOUT):
        pass
    assert site.choose_port(port) == port
