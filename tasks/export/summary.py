"""What an export has, in words, and what of it a trainer may stumble over."""

from collections import Counter
from collections.abc import Iterator

from tasks.export.layout import SPLITS, Content
from tasks.export.options import Format

_FOR_RETRIEVAL = {Format.CIRTORCH, Format.DIRTORCH, Format.OML}
_NEGATIVES = 5
"""How many classes beside a query's cirtorch takes negatives of, unless told otherwise."""


def describe(content: Content, layout: Format) -> Iterator[str]:
    """Yields lines on the splits of an export, pictures that are not as they are stored, and a val of little use."""
    sizes = {split: Counter(photograph.class_index for photograph in content.of(split)) for split in SPLITS}
    for split, own in sizes.items():
        yield f"{split}: {own.total():,} pictures of {len(own):,} classes"
    anew = sum(not photograph.as_stored and photograph.crop is None for photograph in content.photographs)
    if anew:
        yield (
            f"{anew:,} pictures are written anew as upright JPEGs: a plain loader would turn them, lose what is "
            "transparent, or not read them at all"
        )
    if not sizes["val"]:
        yield "val is empty: no class is large enough to give it a picture; --split-by class gives it whole classes"
    elif layout in _FOR_RETRIEVAL and (alone := sum(size == 1 for size in sizes["val"].values())):
        yield (
            f"{alone:,} pictures of val have no other of their class there, so there is nothing to find for them; "
            "--split-by class gives val classes of its own"
        )
    for split, own in sizes.items():
        if layout == Format.CIRTORCH and 0 < len(own) <= _NEGATIVES:
            yield f"{split} has too few classes for {_NEGATIVES} negatives a query: train with --neg-num {len(own) - 1}"
