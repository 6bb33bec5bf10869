"""Damage to TIFFs packed by deflate, which their decoder does not see."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin

from storage.reasons import Reason
from tasks.acquire.inspect import Limits, Picture, Rejected, inspect

LIMITS = Limits(1_000_000, 1)


def tiff(compression: str = "tiff_adobe_deflate", **options: object) -> bytes:
    cells = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    sink = io.BytesIO()
    Image.fromarray(cells).resize((160, 120)).save(sink, "TIFF", compression=compression, **options)
    return sink.getvalue()


WHOLE = tiff()
with Image.open(io.BytesIO(WHOLE)) as opened:
    OFFSETS, LENGTHS = (opened.tag_v2[tag] for tag in (TiffImagePlugin.STRIPOFFSETS, TiffImagePlugin.STRIPBYTECOUNTS))


@pytest.mark.parametrize("options", [{}, {"strip_size": 1000}, {"tiffinfo": {317: 2}}])
def test_whole_pictures_are_kept(options):
    assert isinstance(inspect(tiff(**options), LIMITS), Picture)
    assert isinstance(inspect(tiff("raw"), LIMITS), Picture)
    assert isinstance(inspect(tiff("tiff_lzw"), LIMITS), Picture)


@given(st.integers(min_value=0), st.integers(0, 7))
def test_any_changed_bit_of_the_coded_pixels_is_seen(position, bit):
    """But for the header of the stream, of which the decoder itself has a say."""
    strip = position % len(OFFSETS)
    at = OFFSETS[strip] + 2 + position % (LENGTHS[strip] - 2)
    damaged = bytearray(WHOLE)
    damaged[at] ^= 1 << bit
    found = inspect(bytes(damaged), LIMITS)
    assert isinstance(found, Rejected)
    assert found.reason in (Reason.BROKEN_IMAGE, Reason.TRUNCATED_IMAGE)


def test_a_stream_without_its_checksum_is_let_pass():
    (length,) = LENGTHS
    counts = WHOLE.index(struct.pack("<HHI", TiffImagePlugin.STRIPBYTECOUNTS, 4, 1)) + 8  # of one strip, in its tag
    shorter = WHOLE[:counts] + struct.pack("<I", length - 4) + WHOLE[counts + 4 :]
    assert isinstance(inspect(shorter, LIMITS), Picture)
