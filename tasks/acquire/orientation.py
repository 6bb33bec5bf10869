"""Which way is up: as EXIF has it, and nothing else."""

from PIL import Image, TiffImagePlugin

_TAG = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation_of(image: Image.Image) -> int:
    """EXIF orientation of a loaded image, 1 to 8; 1 where the tag is absent or nonsense. Loading turns a TIFF.

    XMP does not count, as it does not for browsers; Pillow's own way takes it where EXIF says nothing.
    """
    try:
        value = _exif_of(image).get(_TAG, 1)
    except Exception:  # a malformed EXIF block says nothing, and costs nothing
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _exif_of(image: Image.Image) -> Image.Exif:
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return image.getexif()
    exif, data = Image.Exif(), image.info.get("exif", b"")
    if not data and (text := image.info.get("Raw profile type exif")):
        data = bytes.fromhex("".join(text.split("\n")[3:]))
    exif.load(data)
    return exif


def turn_upright(image: Image.Image, orientation: int) -> Image.Image:
    """Undoes an EXIF orientation. Pillow's own way writes all tags anew, and fails on malformed ones."""
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def keep_to_exif(image: TiffImagePlugin.TiffImageFile) -> None:
    """Has an opened TIFF, whose loading turns the picture, take no orientation from XMP."""
    if _TAG not in image.tag_v2:
        image.getexif().pop(_TAG, None)
