"""What files say of who made them, and under which terms."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tasks.acquire.credits import credit
from tasks.acquire.decode import open_picture


def credits_of(content: bytes) -> tuple[str | None, str | None]:
    image = open_picture(content)
    image.load()
    return credit(image, "licence"), credit(image, "author")


def test_most_files_say_nothing(picture):
    assert credits_of(picture()) == (None, None)


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_credits_of_exif(picture, format_name):
    exif = Image.Exif()
    exif[0x8298], exif[0x013B] = "© Ann,\n CC BY 4.0".encode(), "Zoë\0Bob\x07".encode()
    assert credits_of(picture(96, 80, format_name, exif=exif)) == ("© Ann, CC BY 4.0", "Zoë Bob")


XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description>
<dc:creator><rdf:Seq><rdf:li>Zoë &amp; Bob</rdf:li>
</rdf:Seq></dc:creator><dc:rights><rdf:Alt><rdf:li xml:lang="x-default"> CC BY-SA
 4.0 </rdf:li></rdf:Alt></dc:rights></rdf:Description></rdf:RDF></x:xmpmeta>""".encode()


@pytest.mark.parametrize("format_name", ["JPEG", "WEBP", "AVIF"])
def test_credits_of_xmp(picture, format_name):
    assert credits_of(picture(96, 80, format_name, xmp=XMP)) == ("CC BY-SA 4.0", "Zoë & Bob")


def test_exif_goes_before_xmp(picture):
    exif = Image.Exif()
    exif[0x8298], exif[0x013B] = b"CC0", b"  "
    assert credits_of(picture(96, 80, exif=exif, xmp=XMP)) == ("CC0", "Zoë & Bob")


def test_credits_of_iptc(picture):
    records = b"".join(
        b"\x1c\x02" + bytes([number]) + struct.pack(">H", len(text)) + text
        for number, text in ((80, "Zoë".encode()), (80, b"Bob"), (116, "© Ann".encode("latin-1")))
    )
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(records)) + records + b"\0" * (len(records) % 2)
    segment = b"Photoshop 3.0\0" + block
    content = picture()
    content = content[:2] + b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment + content[2:]
    assert credits_of(content) == ("© Ann", "Zoë")


def test_credits_are_of_bounded_length(picture):
    exif = Image.Exif()
    exif[0x8298], exif[0x013B] = b"all rights " * 5000, b"\x01\x02"
    assert credits_of(picture(96, 80, exif=exif)) == (("all rights " * 28)[:300].strip(), None)


@given(st.binary(max_size=400))
def test_whatever_metadata_hold_credits_are_short_lines_or_none(data):
    sink = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(sink, "WEBP", xmp=b"<dc:rights><rdf:li>" + data, exif=data)
    for text in credits_of(sink.getvalue()):
        assert text is None or (text.isprintable() and text == text.strip() and 0 < len(text) <= 300)
