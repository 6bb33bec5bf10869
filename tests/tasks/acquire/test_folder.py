import io
import os
from pathlib import Path

import pytest
from PIL import Image

from storage.errors import InputError
from storage.reasons import PassedOver
from tasks.acquire.folder import Skipped, look_through, looks_like_picture


def picture(file_format: str) -> bytes:
    sink = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(sink, file_format)
    return sink.getvalue()


def put(folder: Path, **files: bytes) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.mark.parametrize("name", ["a.jpg", "a.jfif", "a.JPE", "a.pjpeg", "a.jpg_large", "a", "a.txt", ".a", "a.b.c"])
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
def test_a_picture_is_one_whatever_its_name(name, file_format):
    assert looks_like_picture(name, picture(file_format)[:512])


@pytest.mark.parametrize(
    ("name", "head", "found"),
    [
        ("a.jpg", b"<html>", True),  # it claims to be one: so it is told what it is
        ("a.jpg", b"", True),
        ("a.heic", b"\0\0\0\x18ftypheic", True),
        ("a", b"\0\0\0\x18ftypheic", True),  # a picture, but of no format that is read here
        ("a.zip", b"PK\3\4\24\0\0\0\x08\0", True),  # photographs may be in it
        ("notes.txt", b"of 1889", False),
        ("README", "Café, Übermut\n".encode("latin-1"), False),
        ("notes.txt", "of 1889".encode("utf-16"), False),
        ("BMW.txt", b"BMW of 1889", False),  # begins as a BMP file does
        ("empty", b"", False),
        (".DS_Store", b"\0\0\0\1Bud1", False),
        ("._a.jpg", b"\0\5\x16\7\0\2\0\0", False),
        ("Thumbs.db", b"\xd0\xcf\x11\xe0\0", False),
    ],
)
def test_only_what_is_surely_no_picture_is_left_out(name, head, found):
    assert looks_like_picture(name, head) == found


def test_what_a_folder_holds(tmp_path):
    jpeg = picture("JPEG")
    put(tmp_path, top=jpeg, a__b__deep=jpeg, notes=b"text", gnd=b"\0")
    found = look_through(tmp_path, lambda name: name == "gnd")
    assert found == (["a/b/deep", "top"], ["gnd", "notes"], [])


def test_links_are_followed_inside_and_told_where_they_lead_out(tmp_path):
    outside = put(tmp_path / "outside", **{"a.jpg": picture("JPEG")})
    folder = put(tmp_path / "set", **{"real__b.jpg": picture("JPEG")})
    (folder / "alias").symlink_to("real")
    (folder / "again.jpg").symlink_to("real/b.jpg")
    (folder / "out").symlink_to(outside)
    (folder / "out.jpg").symlink_to(outside / "a.jpg")
    (folder / "nothing.jpg").symlink_to("gone.jpg")
    (folder / "round.jpg").symlink_to("round.jpg")
    (folder / "real/up").symlink_to("..")
    (folder / "real/here").symlink_to(".")
    os.mkfifo(folder / "pipe.jpg")
    assert look_through(folder) == (
        ["again.jpg", "alias/b.jpg", "real/b.jpg"],
        [],
        [
            Skipped("nothing.jpg", PassedOver.BROKEN_LINK),
            Skipped("out", PassedOver.LINKED_OUT),
            Skipped("out.jpg", PassedOver.LINKED_OUT),
            Skipped("pipe.jpg", PassedOver.SPECIAL_FILE),
            Skipped("real/here", PassedOver.LINKED_LOOP),
            Skipped("real/up", PassedOver.LINKED_LOOP),
            Skipped("round.jpg", PassedOver.BROKEN_LINK),
        ],
    )


def test_the_folder_itself_may_be_a_link(tmp_path):
    put(tmp_path / "real", **{"a.jpg": picture("JPEG")})
    (tmp_path / "set").symlink_to("real")
    assert look_through(tmp_path / "set").pictures == ["a.jpg"]


def test_a_maze_of_links_has_an_end(tmp_path):
    for index in range(12):
        put(tmp_path, **{f"{index}__a.jpg": b"1"})
        for other in range(12):
            if other != index:
                (tmp_path / f"{index}/to{other}").symlink_to(f"../{other}")
    assert len(look_through(tmp_path).pictures) == 12 * 12


def test_a_name_that_is_no_text_is_told_in_one_line(tmp_path):
    put(tmp_path, **{os.fsdecode(b"Sacr\xe9-Coeur__a.jpg"): b"1"})
    with pytest.raises(InputError) as caught:
        look_through(tmp_path)
    assert r"the name 'Sacr\xe9-Coeur/a.jpg' is no text in UTF-8; rename it" in str(caught.value)
    str(caught.value).encode()


def test_a_folder_that_can_not_be_opened(tmp_path):
    with pytest.raises(InputError, match=r"absent: can't be opened \(No such file"):
        look_through(tmp_path / "absent")
