"""Inspection in children that crash, hang and run out of memory."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from PIL import Image

from storage.reasons import Reason
from tasks.acquire import inspectors
from tasks.acquire.inspect import Limits, Picture, Rejected, inspect
from tasks.acquire.inspectors import Inspectors
from tasks.acquire.settings import AcquireSettings

SETTINGS = AcquireSettings()
PATIENCE = 60  # seconds that no body of these tests takes, however busy the machine is


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "tasks.isolated" in " ".join(child.cmdline())]


def faulty(content: bytes, limits: Limits) -> Picture | Rejected:
    """What a decoder with faults does of some bodies; runs in the child."""
    if content == b"abort":
        os.abort()
    if content.startswith(b"once ") and not Path(content[5:].decode()).exists():
        Path(content[5:].decode()).touch()
        os.kill(os.getpid(), signal.SIGSEGV)
    if content == b"sleep":
        time.sleep(600)
    if content.startswith(b"until "):
        while not Path(content[6:].decode()).exists():
            time.sleep(0.01)
    if content == b"raise":
        raise RuntimeError("a fault of ours")
    return inspect(content, limits)


def test_what_comes_back_is_what_inspect_finds(picture):
    bodies = [picture(seed=1), picture(seed=2, format_name="PNG"), picture()[:-100], b"<html>", b"", picture(8, 8)]
    with Inspectors(SETTINGS, 2) as pool:
        assert [pool.inspect(body) for body in bodies] == [inspect(body, SETTINGS) for body in bodies]


def test_settings_decide_what_is_accepted(picture):
    with Inspectors(AcquireSettings(min_side=300, max_pixels=100_000), 1) as pool:
        assert pool.inspect(picture(299, 310)).reason is Reason.TOO_SMALL
        assert pool.inspect(picture(310, 330)).reason is Reason.TOO_MANY_PIXELS
        assert pool.inspect(picture(310, 310)).width == 310


def test_many_threads_share_few_children(picture):
    bodies = [picture(seed=seed) for seed in range(40)]
    with Inspectors(SETTINGS, 2) as pool, ThreadPoolExecutor(8) as threads:
        found = list(threads.map(pool.inspect, bodies))
        assert len(children()) <= 2
    assert found == [inspect(body, SETTINGS) for body in bodies]
    assert not children()


def test_no_picture_starts_no_child():
    with Inspectors(SETTINGS, 4):
        assert not children()


def test_one_thread_needs_one_child(picture):
    with Inspectors(SETTINGS, 4) as pool:
        for seed in range(5):
            pool.inspect(picture(seed=seed))
        assert len(children()) == 1


def test_a_body_that_kills_its_decoder_costs_its_row_alone(monkeypatch, picture):
    monkeypatch.setattr(inspectors, "inspect", faulty)
    bodies = [picture(), b"abort", picture(seed=1), b"abort", picture(seed=2)]
    with Inspectors(SETTINGS, 2) as pool, ThreadPoolExecutor(5) as threads:
        found = list(threads.map(pool.inspect, bodies))
    died = "the child process ended: SIGABRT"
    assert [row.reason if isinstance(row, Rejected) else None for row in found] == [
        None, Reason.CRASHED_DECODER, None, Reason.CRASHED_DECODER, None,
    ]  # fmt: skip
    assert found[1].detail == f"{died}; {died}"


def test_an_error_of_ours_reaches_who_asked_and_nobody_else(monkeypatch, picture):
    monkeypatch.setattr(inspectors, "inspect", faulty)
    with Inspectors(SETTINGS, 1) as pool, ThreadPoolExecutor(5) as threads:
        asked = [threads.submit(pool.inspect, body) for body in [picture(), b"raise", picture(seed=1), b"raise"]]
        assert [str(future.exception() or "") for future in asked] == ["", "a fault of ours"] * 2


def test_bodies_wait_at_the_door_once_eight_megabytes_do(monkeypatch, tmp_path):
    monkeypatch.setattr(inspectors, "inspect", faulty)
    found: list[object] = []
    with Inspectors(AcquireSettings(inspect_timeout=PATIENCE), 1) as pool:
        hanging = threading.Thread(target=pool.inspect, args=(f"until {tmp_path / 'end'}".encode(),))
        hanging.start()
        while not children():
            time.sleep(0.01)
        pool.submit(bytes(5_000_000), found.append)
        more = threading.Thread(target=pool.submit, args=(bytes(5_000_000), found.append))
        more.start()
        more.join(0.5)
        assert more.is_alive()
        assert not found
        (tmp_path / "end").touch()
        hanging.join()
        more.join()
        while len(found) < 2:
            time.sleep(0.01)
    assert {verdict.reason for verdict in found} == {Reason.NOT_AN_IMAGE}


def test_a_child_that_dies_once_is_tried_again(monkeypatch, tmp_path):
    monkeypatch.setattr(inspectors, "inspect", faulty)
    with Inspectors(SETTINGS, 1) as pool:
        found = pool.inspect(b"once " + str(tmp_path / "seen").encode())
    assert found.reason is Reason.NOT_AN_IMAGE
    assert (tmp_path / "seen").exists()


def test_a_child_killed_from_without_costs_nothing(picture):
    with Inspectors(SETTINGS, 1) as pool:
        pool.inspect(picture())
        [child] = children()
        child.kill()
        assert isinstance(pool.inspect(picture()), Picture)


def test_a_body_that_hangs_is_ended_and_not_tried_again(monkeypatch, picture):
    monkeypatch.setattr(inspectors, "inspect", faulty)
    with Inspectors(AcquireSettings(inspect_timeout=5), 1) as pool:
        pool.inspect(picture())
        started = time.monotonic()
        assert pool.inspect(b"sleep") == Rejected(Reason.HUNG_DECODER, "no answer in 5 s")
        assert 4.9 < time.monotonic() - started < 9.9
        assert isinstance(pool.inspect(picture()), Picture)


def test_while_one_hangs_others_go_on(monkeypatch, picture, tmp_path):
    monkeypatch.setattr(inspectors, "inspect", faulty)
    with Inspectors(AcquireSettings(inspect_timeout=PATIENCE), 2) as pool:
        pool.inspect(picture())
        hanging = threading.Thread(target=pool.inspect, args=(f"until {tmp_path / 'end'}".encode(),))
        hanging.start()
        found = [pool.inspect(picture(seed=seed)) for seed in range(10)]
        assert hanging.is_alive()
        (tmp_path / "end").touch()
        hanging.join()
    assert all(isinstance(row, Picture) for row in found)


@pytest.mark.parametrize(
    ("format_name", "options"),
    [("WEBP", {"method": 0}), ("JPEG", {"progressive": True, "subsampling": 0}), ("TIFF", {"exif": 6})],
)
def test_what_takes_too_much_memory_says_so(format_name, options):
    """Decoders that keep more than the picture: each fits with room to spare, and not without."""
    if "exif" in options:  # Pillow turns a TIFF by a second copy
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = 6
    side, sink = 5000, io.BytesIO()
    Image.effect_noise((50, 50), 50).convert("RGB").resize((side, side)).save(sink, format_name, **options)
    with Inspectors(AcquireSettings(max_pixels=side * side, max_bytes=1_000_000), 1) as pool:
        found = pool.inspect(sink.getvalue())
    assert found.reason is Reason.TOO_MUCH_MEMORY
    assert "5000×5000" in found.detail
    with Inspectors(AcquireSettings(), 1) as pool:
        assert isinstance(pool.inspect(sink.getvalue()), Picture)


def test_a_child_does_without_heavy_modules():
    """Each costs CPU time and memory of every child."""
    script = "import sys, tasks.acquire.inspect as i; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"cv2", "pandas", "pydantic", "pyarrow", "scipy", "prefect", "torch", "fsspec", "PIL.PdfImagePlugin"}
    assert not heavy & set(loaded)
