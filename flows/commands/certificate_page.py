"""A certificate in words, for the terminal."""

from collections.abc import Mapping
from typing import Any

import pyarrow.compute as pc
from rich.console import Group
from rich.table import Table
from rich.text import Text

from flows.commands.terminal import page_path
from flows.commands.why import plain_text
from storage.certificates import read_certificate_table
from storage.manifest import Certificate
from storage.root import Root
from tasks.publish.passed_over import tell_reasons

_COUNTS = ("photographs", "images", "compared", "possible", "verified", "images_found")


def describe_certificate(root: Root, made: Certificate) -> Group:
    """Returns a line for each test set, the classes that are named like a landmark, and how much is shared in all."""
    table = Table("test set", box=None)
    for heading in ("photographs", "images", "compared", "of", "same", "found", "missed (95 %)"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in read_certificate_table(root, made, "certificate").to_pylist():
        missed = f"{row['missed']:.0f} ({row['missed_low']:.0f} to {row['missed_high']:.0f})"
        table.add_row(plain_text(row["test_set"]), *(str(row[name]) for name in _COUNTS), missed)
    named = [
        plain_text(f"named like {row['site']} of {row['test_set']}, look at it: {row['landmark_id']}")
        for row in read_certificate_table(root, made, "namesakes").to_pylist()
    ]
    shared = f"{count_shared(root, made)} of {made.tables['images'].rows} images share something with a test set"
    through = count_shared(root, made) - count_shared(root, made, directly=True)
    also = f", {through} of them through another image of their class" if through else ""
    return Group(table, *named, *describe_passed_over(made.passed_over), plain_text(shared + also + _doubt(made)))


def facts_of_certificate(root: Root, made: Certificate) -> dict[str, Any]:
    """Returns what the page of a certificate says, for programs."""
    return {
        "subject": made.subject,
        "digest": made.digest,
        "certificate": page_path(root, f"{made.folder}/index.html"),
        "images": made.tables["images"].rows,
        "shared": count_shared(root, made),
        "uncompared": made.uncompared,
        "test_sets": read_certificate_table(root, made, "certificate").to_pylist(),
        "namesakes": read_certificate_table(root, made, "namesakes").to_pylist(),
        "passed_over": made.passed_over,
    }


def describe_passed_over(passed_over: Mapping[str, Mapping[str, int]]) -> list[Text]:
    """Returns a line for each test set of which files were not compared, and for the list or folder itself."""
    return [plain_text(sentence) for _, sentence in tell_reasons(passed_over)]


def _doubt(made: Certificate) -> str:
    if not made.uncompared:
        return ""
    files = "1 file was" if made.uncompared == 1 else f"{made.uncompared:,} files were"
    return f"; {files} not compared, so this is no proof: the certificate names them"


def count_shared(root: Root, made: Certificate, *, directly: bool = False) -> int:
    """Returns how many images show the same thing as a test photograph.

    Or those alone that have a verified pair with one.
    """
    pairs = read_certificate_table(root, made, "overlaps")
    counted = pairs.filter(pc.is_null(pairs["through"])) if directly else pairs
    return int(pc.count_distinct(counted["image_id"]).as_py())
