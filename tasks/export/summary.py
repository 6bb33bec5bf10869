"""What an export has, in words, and what of it a trainer may stumble over."""

from collections.abc import Iterator

from tasks.export.layout import SPLITS, Content


def describe(content: Content) -> Iterator[str]:
    """Lines on the splits of an export, and on the pictures that are not as they are stored."""
    for split in SPLITS:
        own = content.of(split)
        classes = {photograph.class_index for photograph in own}
        yield f"{split}: {len(own):,} pictures of {len(classes):,} classes"
    anew = sum(not photograph.as_stored and photograph.crop is None for photograph in content.photographs)
    if anew:
        yield (
            f"{anew:,} pictures are written anew as upright JPEGs: a plain loader would turn them, lose what is "
            "transparent, or not read them at all"
        )
    if not content.of("val"):
        yield "val is empty: no class may give a picture to it; see [publish] validation_share, or --split-by class"
