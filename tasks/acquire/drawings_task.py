"""The stage `drawings`: which pictures of a shard are drawn or set rather than photographed, each looked at once."""

from collections.abc import Iterator
from typing import Annotated, Any

from storage.images import get_image
from storage.newest import RowsByPicture, keep_newest, read_newest
from storage.parquet import read_table, write_rows
from storage.tables.acquisition import DRAWINGS, DrawingsRef, ImagesRef
from tasks.acquire.drawings import look_at
from tasks.contracts import Inputs, Output, Run, Unkeyed, stage


class DrawingInputs(Inputs):
    """What `drawings` reads."""

    images: ImagesRef
    shard: Annotated[str, Unkeyed("a picture shows the same signs wherever it was looked at before")]
    """Of what the images are a shard: under it, the root keeps what was found last."""


class FoundDrawings(Output):
    """What `drawings` writes: a row for each picture, with the sign that it is no photograph, if it has one."""

    drawings: DrawingsRef


@stage("drawings", version=1, software=("numpy", "pillow", "opencv-contrib-python-headless"))
def find_drawings(run: Run, inputs: DrawingInputs, settings: None) -> FoundDrawings:
    """Looks at every picture that the root has not looked at in this shard before."""
    images = read_table(run.root, inputs.images, ["sha256", "path"]).to_pylist()
    pictures = sorted({(image["sha256"], image["path"]) for image in images})
    identity = find_drawings.identity(settings)
    newest = read_newest(run.root, find_drawings.name, identity, inputs.shard, FoundDrawings)
    known = RowsByPicture(run.root, newest.drawings if newest else None)

    def look() -> Iterator[dict[str, Any]]:
        for number, (sha256, path) in enumerate(pictures):
            run.report(number, len(pictures), "pictures")
            yield known.find(sha256) or {"sha256": sha256, **_row(get_image(run.root, path))}

    found = FoundDrawings(drawings=write_rows(run.root, run.path("drawings"), DRAWINGS, look()))
    keep_newest(run.root, find_drawings.name, identity, inputs.shard, found)
    return found


def _row(content: bytes) -> dict[str, Any]:
    drawing = look_at(content)
    return {"sign": drawing and str(drawing.sign), "share": drawing and drawing.share}
