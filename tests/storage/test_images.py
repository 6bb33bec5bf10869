import hashlib

import pytest

from storage.errors import DamagedTableError
from storage.images import check_stored, get_image, put_image, rotten_images
from storage.root import Root

CONTENT = b"\xff\xd8 a picture"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def put(root: Root, content: bytes) -> str:
    return put_image(root, content, hashlib.sha256(content).hexdigest(), "jpg")


def test_bytes_are_kept_under_their_sha256(root):
    path = put(root, CONTENT)
    assert path == f"images/{SHA256[:2]}/{SHA256}.jpg"
    assert get_image(root, path) == CONTENT


def test_the_same_bytes_are_stored_once(bucket_root, object_store):
    paths = {put(bucket_root, CONTENT) for _ in range(3)}
    assert len(paths) == 1
    assert [method for method, _ in object_store.requests] == ["PUT"]


def test_other_bytes_do_not_replace_them(root):
    first, second = put(root, CONTENT), put(root, CONTENT + b"!")
    assert first != second
    assert get_image(root, first) == CONTENT


def test_lost_bytes_are_named_with_what_to_do(root):
    with pytest.raises(DamagedTableError, match=rf"{SHA256}\.jpg is gone; run the same command with --refetch failed"):
        get_image(root, f"images/{SHA256[:2]}/{SHA256}.jpg")


@pytest.mark.parametrize("damaged", [b"", CONTENT[:-1], CONTENT + b"\0", b"\xff\xd9" + CONTENT[2:]])
def test_damaged_bytes_are_never_handed_out(root, damaged):
    path = put(root, CONTENT)
    root.write(path, damaged)
    with pytest.raises(DamagedTableError, match="was changed or damaged; run the same command with --refetch failed"):
        get_image(root, path)


def test_a_rotten_file_is_written_anew(root):
    path = put(root, CONTENT)
    root.write(path, b"\xff\xd9" + CONTENT[2:])
    assert put(root, CONTENT) == path
    assert get_image(root, path) == CONTENT


def test_rotten_images_are_found_and_never_published(root):
    paths = [put(root, CONTENT + bytes([number])) for number in range(3)]
    check_stored(root, paths)
    root.write(paths[0], CONTENT + b"x")
    root.remove(paths[1])
    assert rotten_images(root, paths) == set(paths[:2])
    said = r"/images/.* and 1 more stored images are gone or damaged; run the same command with --refetch failed"
    with pytest.raises(DamagedTableError, match=said):
        check_stored(root, paths)
