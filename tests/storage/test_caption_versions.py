"""Versions of captions: the same mechanism on a shelf of its own, with tables that stages have stored already."""

import hashlib

import pytest

from storage.archives import partial_file, put_archive, suffix_of
from storage.errors import InputError
from storage.manifest import CaptionFacts, CaptionManifest, TripletFacts
from storage.parquet import write_bytes
from storage.versions import (
    find_version,
    list_names,
    list_versions,
    only_name,
    point_latest,
    publish_version,
    version_table,
)

FACTS = CaptionFacts(
    settings={}, software={}, sources=[], encodings={}, similarity="captions",
    triplets=TripletFacts(drawn=0, without={}), wordnet=None,
)  # fmt: skip


def stored(root, mark: str):
    """Something under the name of every table; what is in it is nobody's business here."""
    suffixes = {name: ".npz" if name.endswith("weights") else ".parquet" for name in CaptionManifest.contents}
    return {
        name: write_bytes(root, f"stages/x/{mark}/whatever-{name}{suffix}", f"{mark} {name}".encode(), 1)
        for name, suffix in suffixes.items()
    }


def publish_captions(root, mark: str, name: str = "vg") -> CaptionManifest:
    def render(manifest: CaptionManifest):
        yield "README.md", f"{manifest.name} {manifest.similarity}".encode()

    return publish_version(root, name, stored(root, mark), FACTS, render, CaptionManifest)


def test_stored_tables_are_copied_as_they_are(root):
    version = publish_captions(root, "a")
    assert version.folder == f"captions/vg/1-{version.digest[:12]}"
    assert {ref.path for ref in version.tables.values()} >= {"caption_weights.npz", "regions.parquet"}
    for name in version.tables:
        ref = version_table(version, name)
        assert root.read(ref.path) == f"a {name}".encode()
        assert hashlib.sha256(root.read(ref.path)).hexdigest() == ref.digest
    assert root.read(f"{version.folder}/README.md") == b"vg captions"


def test_both_kinds_of_version_lie_apart(root, publish, tables_of):
    curated = publish(root, tables_of({"a": "kept"}), "vg")
    made = publish_captions(root, "a")
    point_latest(root, made)
    assert list_versions(root, "vg") == [curated]
    assert list_versions(root, "vg", CaptionManifest) == [made]
    assert find_version(root, "vg", "latest", CaptionManifest) == made
    assert list_names(root) == list_names(root, CaptionManifest) == ["vg"]
    with pytest.raises(InputError, match="0 versions of 'vg'"):
        find_version(root, "vg", "latest")


def test_the_same_content_is_published_once_and_mended(local_root):
    first = publish_captions(local_root, "a")
    path = f"{first.folder}/caption_weights.npz"
    local_root.remove(path)
    assert publish_captions(local_root, "a") == first
    assert local_root.read(path) == b"a caption_weights"
    assert publish_captions(local_root, "b").number == 2


def test_the_only_name_need_not_be_given(local_root):
    with pytest.raises(InputError, match=r"holds 0 datasets in captions/ \(none\); give --name"):
        only_name(local_root, None, CaptionManifest)
    publish_captions(local_root, "a")
    assert only_name(local_root, None, CaptionManifest) == "vg"
    assert only_name(local_root, "other", CaptionManifest) == "other"
    publish_captions(local_root, "a", "more")
    with pytest.raises(InputError, match="holds 2 datasets"):
        only_name(local_root, None, CaptionManifest)


def test_archives_are_kept_once_by_their_sha256(root):
    sha256 = hashlib.sha256(b"zip").hexdigest()
    for _ in range(2):
        with partial_file(root, "part") as file:
            file.write_bytes(b"zip")
            assert put_archive(root, file, sha256, ".zip") == f"archives/{sha256[:2]}/{sha256}.zip"
            assert list(file.parent.iterdir()) == []
    assert root.read(f"archives/{sha256[:2]}/{sha256}.zip") == b"zip"
    assert suffix_of("https://x.example/a/objects.json.zip?download=1") == ".zip"


def test_a_local_root_keeps_what_has_arrived(local_root):
    with partial_file(local_root, "part") as file:
        file.write_bytes(b"half")
    with partial_file(local_root, "part") as file:
        assert file.read_bytes() == b"half"
