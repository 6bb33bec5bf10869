"""The bytes of an exported picture that is not exported as it is stored."""

import io

from PIL import Image

from tasks.acquire.decode import decode
from tasks.export.layout import Photograph

_QUALITY = 95


def render(photograph: Photograph, content: bytes) -> bytes:
    """Returns the stored bytes of a picture as they are; or a JPEG of what is exported of it, upright, RGB.

    Raises whatever the decoder does for bytes that are no accepted image.
    """
    if photograph.as_stored:
        return content
    upright = Image.fromarray(decode(content))
    shown = upright if photograph.crop is None else upright.crop(photograph.crop)
    sink = io.BytesIO()
    shown.save(sink, "JPEG", quality=_QUALITY, subsampling=0)
    return sink.getvalue()
