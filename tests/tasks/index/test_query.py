"""A query that can't be searched for is refused with its file, what was found, and what to give."""

import io

import pytest
from PIL import Image

from storage.errors import InputError
from tasks.index.query import read_query


def jpeg(width: int, height: int) -> bytes:
    sink = io.BytesIO()
    Image.effect_noise((width, height), 60).convert("RGB").save(sink, "JPEG")
    return sink.getvalue()


def test_a_photograph_is_read_with_its_upright_size(tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.effect_noise((120, 80), 60).save(tmp_path / "q.jpg", exif=turned)
    found = read_query(tmp_path / "q.jpg", (0, 0, 80, 120))
    assert (found.width, found.height) == (80, 120)
    assert found.content == (tmp_path / "q.jpg").read_bytes()


@pytest.mark.parametrize(
    ("content", "box", "said"),
    [
        (None, None, "q.jpg: No such file or directory; give the path of a photograph"),
        (
            b"<html>gone</html>",
            None,
            "q.jpg: not-an-image: starts with b'<html>gone.*; expected a whole photograph of 64",
        ),
        (jpeg(200, 40), None, "q.jpg: too-small: 200×40 pixels; expected a whole photograph of 64 pixels a side"),
        (jpeg(200, 100)[:3000], None, "q.jpg: truncated-image: .*; expected a whole photograph"),
        (jpeg(200, 100), (10, 10, 300, 90), "q.jpg: box 10 10 300 90 does not lie in its 200×100 pixels; expected x1"),
        (jpeg(200, 100), (50, 10, 50, 90), "q.jpg: box 50 10 50 90 does not lie"),
        (jpeg(200, 100), (float("nan"), 0, 50, 90), "q.jpg: box nan 0 50 90 does not lie"),
    ],
)
def test_what_can_not_be_searched_for_is_refused(tmp_path, content, box, said):
    if content is not None:
        (tmp_path / "q.jpg").write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_query(tmp_path / "q.jpg", box)
