"""Tar shards, of which a sample is the files of one name: what the package webdataset reads.

The layout is that of https://github.com/webdataset/webdataset: a sample's key ends at the first dot of a name.
"""

import io
import json
import tarfile
from functools import partial

from tasks.export.layout import SPLITS, Content, File, Layout, Photograph, Read
from tasks.export.shards import shards


def webdataset(content: Content) -> Layout:
    """`SPLIT-000000.tar` and so on: of each photograph the picture, `.cls` with its class index, and `.json`."""
    for split in SPLITS:
        for number, part in enumerate(shards(content.of(split))):
            yield File(f"{split}-{number:06d}.tar", partial(_tar, part))


def _tar(part: list[Photograph], read: Read) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for photograph in part:
            facts = {
                "image_id": photograph.image_id,
                "landmark_id": photograph.landmark_id,
                "width": photograph.width,
                "height": photograph.height,
                "box": photograph.box,
                "supports": photograph.supports,
            }
            _add(tar, photograph.file, read(photograph))
            _add(tar, f"{photograph.name}.cls", str(photograph.class_index).encode())
            _add(tar, f"{photograph.name}.json", json.dumps(facts, ensure_ascii=False).encode())
    return sink.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o644
    tar.addfile(entry, io.BytesIO(content))
