"""What Open Metric Learning reads, https://github.com/OML-Team/open-metric-learning: a table of pictures."""

import csv
import io
from functools import partial

from storage.errors import InputError
from tasks.export.layout import Content, File, Layout, Photograph, Picture, Read

_COLUMNS = ("label", "path", "split", "is_query", "is_gallery", "x_1", "y_1", "x_2", "y_2")


def oml(content: Content) -> Layout:
    """`images/CLASS/PICTURE`, and `df.csv` with absolute paths and boxes of whole pixels.

    Each photograph of val is a query, and searched.

    Raises:
        InputError: val is empty, which the library takes for a mistake.
    """
    if not content.of("val"):
        raise InputError("val is empty, which OML refuses; give --split-by class")
    for photograph in content.photographs:
        yield Picture(f"images/{photograph.file}", photograph)
    yield File("df.csv", partial(_table, content))


def _table(content: Content, _: Read) -> bytes:
    sink = io.StringIO(newline="")
    table = csv.writer(sink, lineterminator="\n")
    table.writerow(_COLUMNS)
    for photograph in content.photographs:
        table.writerow(_row(photograph, f"{content.folder}/images/{photograph.file}"))
    return sink.getvalue().encode()


def _row(photograph: Photograph, path: str) -> tuple[object, ...]:
    searched = ("validation", True, True) if photograph.split == "val" else ("train", None, None)
    return photograph.class_index, path, *searched, *photograph.box.pixels(photograph.width, photograph.height)
