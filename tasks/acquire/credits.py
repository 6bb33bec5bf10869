"""Who made a picture, and under which terms, as its file says."""

import contextlib
import html

from PIL import Image, IptcImagePlugin

_LONGEST = 300  # characters
_EXIF = {"licence": 0x8298, "author": 0x013B}  # Copyright, Artist
_XMP = {"licence": b"<dc:rights", "author": b"<dc:creator"}
_IPTC = {"licence": (2, 116), "author": (2, 80)}  # copyright notice, by-line


def credit(image: Image.Image, kind: str) -> str | None:
    """Returns the `licence` or the `author` of an opened image; None where its file names none.

    The first that EXIF, XMP or IPTC holds, in one line of at most 300 printable characters.
    """
    for read in (_of_exif, _of_xmp, _of_iptc):
        with contextlib.suppress(Exception):  # malformed metadata say nothing, and cost nothing
            if text := _in_one_line(read(image, kind)):
                return text
    return None


def _of_exif(image: Image.Image, kind: str) -> str:
    value = image.getexif().get(_EXIF[kind], "")
    # Pillow reads text as Latin-1, as the standard has it; today's programs write UTF-8
    return _text(value if isinstance(value, bytes) else value.encode("latin-1"))


def _of_xmp(image: Image.Image, kind: str) -> str:
    """The first item of the property's list; read without an XML parser, which strangers' files could overwork."""
    xmp = image.info.get("xmp", b"")
    data = xmp.encode() if isinstance(xmp, str) else bytes(xmp)
    found = data.find(_XMP[kind])
    start = data.find(b"<rdf:li", found) if found >= 0 else -1
    if start < 0:
        return ""
    begin = data.find(b">", start) + 1
    return html.unescape(_text(data[begin : data.find(b"<", begin)][: 8 * _LONGEST]))


def _of_iptc(image: Image.Image, kind: str) -> str:
    if "photoshop" not in image.info:
        return ""
    value = (IptcImagePlugin.getiptcinfo(image) or {}).get(_IPTC[kind], b"")  # type: ignore[arg-type]
    return _text(value[0] if isinstance(value, list) else value)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _in_one_line(text: str) -> str:
    printable = (character if character.isprintable() else " " for character in text[: 8 * _LONGEST])
    return " ".join("".join(printable).split())[:_LONGEST].strip()
