"""What files say of themselves before a decoder is asked."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.acquire.headers import JpegEnd, jpeg_end, webp_canvas

SOI, EOI = b"\xff\xd8", b"\xff\xd9"


def segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def frame(marker: int, components: bytes) -> bytes:
    sizes = struct.pack(">BHHB", 8, 80, 120, len(components))
    return segment(marker, sizes + b"".join(bytes([name, 0x11, 0]) for name in components))


def scan(components: bytes, first: int = 0, last: int = 63, bits: int = 0) -> bytes:
    """A scan of the components, whose coded data hold a stuffed byte and a restart marker."""
    tables = b"".join(bytes([name, 0]) for name in components)
    return (
        segment(0xDA, bytes([len(components)]) + tables + bytes([first, last, bits])) + b"\x12\xff\x00\x34\xff\xd0\x56"
    )


BASELINE = SOI + segment(0xE1, b"thumbnail" + SOI + EOI) + frame(0xC0, b"\1\2\3") + scan(b"\1\2\3")
PROGRESSIVE = SOI + frame(0xC2, b"\1\2") + scan(b"\1\2", 0, 0, 1) + scan(b"\1", 1, 63) + scan(b"\2", 1, 63)


def test_a_baseline_jpeg_ends_at_its_own_end_marker():
    assert jpeg_end(BASELINE + EOI) == JpegEnd(len(BASELINE), one_scan=True, complete=True)
    assert jpeg_end(BASELINE + EOI + b"more" + EOI) == JpegEnd(len(BASELINE), one_scan=True, complete=True)
    assert jpeg_end(BASELINE) is None


def test_a_progressive_jpeg_is_complete_with_the_last_bit_of_all_coefficients():
    assert jpeg_end(PROGRESSIVE + EOI) == JpegEnd(len(PROGRESSIVE), one_scan=False, complete=False)
    whole = PROGRESSIVE + scan(b"\1\2", 0, 0, 0x10)
    assert jpeg_end(whole + EOI) == JpegEnd(len(whole), one_scan=False, complete=True)


@pytest.mark.parametrize("absent", [b"\1", b"\2", b"\3"])
def test_a_jpeg_of_a_scan_for_each_component_needs_all_of_them(absent):
    parts = {name: scan(bytes([name])) for name in b"\1\2\3"}
    whole = SOI + frame(0xC0, b"\1\2\3") + b"".join(parts.values())
    assert jpeg_end(whole + EOI) == JpegEnd(len(whole), one_scan=False, complete=True)
    lacking = whole.replace(parts[absent[0]], b"")
    assert jpeg_end(lacking + EOI) == JpegEnd(len(lacking), one_scan=False, complete=False)


@pytest.mark.parametrize("filling", [b"\xff", b"\xff\xff\xff", b"\0", b"\xff\x00"])
def test_filling_between_segments_is_passed_over(filling):
    content = SOI + filling + BASELINE[2:] + EOI
    assert jpeg_end(content) == JpegEnd(len(content) - 2, one_scan=True, complete=True)


@given(st.integers(0, len(BASELINE)), st.binary(max_size=40))
def test_whatever_the_bytes_a_jpeg_has_an_end_marker_where_it_is_said_to_be(cut, rest):
    content = BASELINE[:cut] + rest
    end = jpeg_end(content)
    assert end is None or content[end.position : end.position + 2] == EOI


def webp(kind: bytes, data: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 30) + b"WEBP" + kind + struct.pack("<I", len(data)) + data


def test_the_canvas_of_a_webp():
    lossy = b"\x30\x01\x00\x9d\x01\x2a" + struct.pack("<HH", 550 | 1 << 14, 368)
    assert webp_canvas(webp(b"VP8 ", lossy)) == (550, 368)
    lossless = b"\x2f" + struct.pack("<I", 385 | 394 << 14 | 1 << 28) + bytes(5)
    assert webp_canvas(webp(b"VP8L", lossless)) == (386, 395)
    extended = bytes(4) + (16_382).to_bytes(3, "little") + (9_999).to_bytes(3, "little")
    assert webp_canvas(webp(b"VP8X", extended)) == (16_383, 10_000)


@pytest.mark.parametrize("content", [b"", b"RIFF", webp(b"VP8X", b""), webp(b"ALPH", bytes(20)), b"\xff\xd8" * 30])
def test_what_is_no_webp_has_no_canvas(content):
    assert webp_canvas(content) is None
