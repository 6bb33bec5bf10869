"""Side data decide nothing: whatever is wrong with them, a picture whose pixels are whole is kept as it is."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from storage.reasons import Reason
from tasks.acquire.decode import decode
from tasks.acquire.inspect import Picture, Rejected, inspect
from tasks.acquire.settings import AcquireSettings

SETTINGS = AcquireSettings()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'


def photograph(mode: str = "RGB") -> Image.Image:
    patches = np.random.default_rng(7).integers(0, 256, (7, 9, 3), np.uint8)
    return Image.fromarray(patches).resize((130, 90), Image.Resampling.BICUBIC).convert(mode)


def encode(format_name: str, **options: object) -> bytes:
    sink = io.BytesIO()
    photograph().save(sink, format_name, **options)
    return sink.getvalue()


def exif(orientation: int | None) -> bytes:
    made = Image.Exif()
    made[0x013B] = "Ann"
    if orientation:
        made[0x0112] = orientation
    return made.tobytes()


def accepted(content: bytes) -> Picture:
    found = inspect(content, SETTINGS)
    assert isinstance(found, Picture), found
    assert decode(content).shape == (found.height, found.width, 3)
    return found


def rejected(content: bytes) -> Rejected:
    found = inspect(content, SETTINGS)
    assert isinstance(found, Rejected), found
    return found


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("own", [None, 1])
def test_an_orientation_in_xmp_turns_nothing(format_name, own):
    if format_name == "PNG":
        texts = PngImagePlugin.PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", XMP.decode())
        options = {"pnginfo": texts}
    elif format_name == "TIFF":
        options = {"tiffinfo": {700: XMP}}
    else:
        options = {"xmp": XMP}
    content = encode(format_name, **options, **({} if format_name == "TIFF" else {"exif": exif(own)}))
    assert XMP in content
    found = accepted(content)
    assert (found.width, found.height, found.orientation) == (130, 90, 1)


def test_exif_in_a_text_of_a_png_counts():
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Raw profile type exif", f"\nexif\n{len(exif(6)):8}\n{exif(6).hex()}\n", zip=True)
    assert accepted(encode("PNG", pnginfo=texts)).orientation == 6


def segment(marker: int, data: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


@pytest.mark.parametrize(
    "odd",
    [
        segment(0xED, b"Photoshop 3.0\x008BIM\x03\xed"),
        segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\xff\xff8"),
        segment(0xE2, b"ICC_PROFILE\0"),
        segment(0xE2, b"ICC_PROFILE\0\1\2" + bytes(40)),
        segment(0xE2, b"MPF\0II*\0"),
        segment(0xE2, b"MPF\0II*\0\x08\0\0\0\xff\xff"),
        segment(0xE0, b"JFIF\0"),
        segment(0xEE, b"Adobe"),
        segment(0xE1, b"Exif\0\0"),
        segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\x7f"),
        segment(0xE1, b"Exif\0\0" + exif(None)[6:-9]),
        segment(0xFE, b""),
    ],
    ids=lambda odd: f"{odd[1]:X}-{len(odd)}",
)
def test_a_jpeg_stands_whatever_its_side_data(odd):
    plain = encode("JPEG")
    clean, found = accepted(plain), accepted(plain[:2] + odd + plain[2:])
    assert found.pixel_hash == clean.pixel_hash
    assert rejected(plain[:2] + odd + plain[2:-300] + b"\xff\xd9").reason is Reason.TRUNCATED_IMAGE


def test_exif_counts_where_other_side_data_are_cut():
    cut = segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04")
    plain = encode("JPEG", exif=exif(6))
    found = accepted(plain[:2] + cut + plain[2:])
    assert (found.width, found.height, found.orientation, found.author) == (90, 130, 6, "Ann")


def test_a_corrupt_thumbnail_costs_nothing():
    thumbnail = encode("JPEG")
    made = Image.Exif()
    made[0x0112], made[0x0201], made[0x0202] = 3, 100, len(thumbnail)
    content = encode("JPEG", exif=made.tobytes() + thumbnail[:400])
    assert accepted(content).orientation == 3


def test_of_an_mpo_the_first_picture_must_be_whole_and_only_that():
    content = encode("MPO", save_all=True, append_images=[photograph().rotate(180)])
    second = content.index(b"\xff\xd8\xff", 100)
    clean = accepted(content)
    assert (clean.format, clean.frames) == ("MPO", 2)
    assert accepted(content[: second + 500] + bytes(200)).pixel_hash == clean.pixel_hash
    half = second // 2
    assert rejected(content[:half] + content[second:]).reason in (Reason.BROKEN_IMAGE, Reason.TRUNCATED_IMAGE)
    garbled = content[:half] + bytes(range(200)) + content[half + 200 :]
    assert rejected(garbled).reason in (Reason.BROKEN_IMAGE, Reason.TRUNCATED_IMAGE)


def chunk(kind: bytes, data: bytes, damage: int = 0) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data) ^ damage)


def with_chunk(odd: bytes, *, at_end: bool, plain: bytes | None = None) -> bytes:
    plain = plain or encode("PNG")
    offset = plain.index(b"IEND") - 4 if at_end else 33
    return plain[:offset] + odd + plain[offset:]


_MADE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PROFILE = _MADE[:24] + bytes(12) + _MADE[36:]  # without the time at which it was made
NOISE = np.random.default_rng(1).bytes(3_000_000)


@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize(
    "odd",
    [
        chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(PROFILE), damage=1),
        chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(NOISE)),
        chunk(b"iCCP", b"sRGB\0\7" + zlib.compress(PROFILE)),
        chunk(b"iCCP", b""),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP + bytes(1_500_000))),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP + bytes(20_000_000))),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP)[:-20]),
        chunk(b"zTXt", b"Comment\0\3abc"),
        chunk(b"zTXt", b"Raw profile type exif\0\3abc"),
        chunk(b"tEXt", b"Comment\0" + bytes(2_000_000)),
        *(chunk(kind, b"\1") for kind in (b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"tRNS", b"eXIf", b"acTL", b"fdAT")),
        *(chunk(kind, bytes(26), damage=5) for kind in (b"gAMA", b"tRNS", b"acTL", b"prVt")),
        chunk(b"fcTL", struct.pack(">5IHHBB", 3, 130, 90, 0, 0, 1, 1, 0, 0)),
        chunk(b"fcTL", struct.pack(">5IHHBB", 0, 131, 90, 0, 0, 1, 1, 0, 0)),
    ],
    ids=lambda odd: f"{odd[4:8].decode()}-{len(odd)}",
)
def test_a_png_stands_whatever_its_side_data(odd, at_end):
    found = accepted(with_chunk(odd, at_end=at_end))
    assert found.pixel_hash == accepted(encode("PNG")).pixel_hash
    assert (found.width, found.orientation) == (130, 1)


def test_a_png_that_ends_within_its_side_data_is_whole():
    whole = with_chunk(chunk(b"tEXt", b"Comment\0" + bytes(9000)), at_end=True)
    assert accepted(whole[:-5000]).pixel_hash == accepted(encode("PNG")).pixel_hash


@pytest.mark.parametrize("kind", [b"IHDR", b"IDAT", b"PLTE"])
def test_a_png_of_damaged_pixels_is_broken(kind):
    plain = encode("PNG") if kind != b"PLTE" else b""
    if not plain:
        sink = io.BytesIO()
        photograph("P").save(sink, "PNG")
        plain = sink.getvalue()
    offset = plain.index(kind) + 9
    flipped = plain[:offset] + bytes([plain[offset] ^ 8]) + plain[offset + 1 :]
    assert rejected(flipped).reason is Reason.BROKEN_IMAGE


def test_each_byte_of_the_coded_pixels_of_a_png_counts():
    plain = encode("PNG")
    start = plain.index(b"IDAT") + 4
    for offset in range(start, plain.index(b"IEND") - 8, 997):
        assert rejected(plain[:offset] + bytes([plain[offset] ^ 1]) + plain[offset + 1 :]).reason is Reason.BROKEN_IMAGE


@pytest.mark.parametrize(
    "odd",
    [
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(65_000_000), 9)),
        chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(bytes(65_000_000), 9)),
        chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(bytes(65_000_000), 9)),
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(7_000_000), 9)) * 10,
    ],
    ids=["text", "profile", "international text", "ten texts"],
)
def test_side_data_that_unfold_without_measure_are_refused(odd):
    found = rejected(with_chunk(odd, at_end=True))
    assert found == Rejected(Reason.BROKEN_IMAGE, "ValueError: its texts and profiles unfold to more than 64 MB")
