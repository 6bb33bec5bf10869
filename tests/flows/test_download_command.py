"""`cairn download`, from a real site."""

import hashlib
import io
import json
import re
import zipfile

import pytest

from tasks.acquire.address import host_of


@pytest.fixture
def archive(listed) -> bytes:
    """A test set of one photograph, as its authors would pack it."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as packed:
        packed.write(listed.testset / "tower_000001.jpg", "jpg/tower_000001.jpg")
    listed.site.answers["/mine.zip"] = (200, sink.getvalue())
    return sink.getvalue()


def addresses(listed, tmp_path, **promised):
    path = tmp_path / "addresses.toml"
    facts = {"url": f"{listed.site.url}/mine.zip", **promised}
    path.write_text("\n".join(["[[mine]]", *(f"{name} = {json.dumps(value)}" for name, value in facts.items())]))
    return path


def test_a_set_is_fetched_and_can_be_checked_against(cairn, listed, archive, tmp_path):
    promised = addresses(listed, tmp_path, sha256=hashlib.sha256(archive).hexdigest(), bytes=len(archive))
    allowed = ("--allow-host", host_of(listed.site.url))
    ended = cairn("download", "mine", tmp_path / "mine", "--addresses", promised, *allowed)
    assert (ended.code, "1 photographs of 1 sites" in ended.output) == (0, True)
    ended = cairn("download", "mine", tmp_path / "again", "--addresses", promised, *allowed, "--json")
    facts = json.loads(ended.output)
    assert (facts["photographs"], facts["sites"], facts["folder"]) == (1, 1, str(tmp_path / "again"))
    (told,) = json.loads((tmp_path / "mine/downloaded.json").read_text())
    assert told["sha256"] == hashlib.sha256(archive).hexdigest()
    assert (tmp_path / "mine/jpg/tower_000001.jpg").is_file()


def test_other_bytes_than_promised_end_with_an_error_and_no_folder(cairn, listed, archive, tmp_path):
    promised = addresses(listed, tmp_path, sha256="0" * 64)
    allowed = ("--allow-host", host_of(listed.site.url))
    ended = cairn("download", "mine", tmp_path / "mine", "--addresses", promised, *allowed)
    assert ended.code == 2
    assert "what came is not what was promised" in ended.errors
    assert not (tmp_path / "mine").exists()


def test_a_private_address_is_reached_only_where_it_is_allowed(cairn, listed, archive, tmp_path):
    ended = cairn("download", "mine", tmp_path / "mine", "--addresses", addresses(listed, tmp_path))
    assert ended.code == 2
    assert f"--allow-host {host_of(listed.site.url)} opens it" in ended.errors
    assert listed.site.hits["/mine.zip"] == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[mine]]\nurl = 'ftp://example.org/a.tgz'", "mine.0.url: String should match pattern"),
        ("[[mine]]\nsha256 = ''", "mine.0.url: Field required"),
        ("[[mine]]\nurl = 'https://example.org/a.tgz'\nmd5 = ''", "mine.0.md5: Extra inputs are not permitted"),
        ("[[mine]", r"expected a TOML file with sections such as \[\[oxford5k\]\]"),
        ("[[other]]\nurl = 'https://example.org/a.tgz'", "test set 'mine': no addresses are known"),
    ],
)
def test_addresses_that_say_something_else(cairn, tmp_path, text, said):
    (tmp_path / "addresses.toml").write_text(text)
    ended = cairn("download", "mine", tmp_path / "mine", "--addresses", tmp_path / "addresses.toml")
    assert ended.code == 2
    assert re.search(said, ended.errors)
