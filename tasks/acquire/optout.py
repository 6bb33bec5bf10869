"""Images that their host says are not to be used: the header X-Robots-Tag."""

from collections.abc import Sequence

from tasks.acquire.settings import ROBOT

_OPT_OUTS = {"noai", "noimageai", "noindex", "noimageindex", "none"}
_WITH_VALUES = {"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"}


def opted_out(tags: Sequence[str]) -> str | None:
    """Returns the directive of X-Robots-Tag headers by which an image is not to be used, or None.

    A directive is for everyone, or for the robot whose name and a colon stand before it and those after it.
    """
    for tag in tags:
        ours = True
        for part in tag.lower().split(","):
            name, colon, rest = part.partition(":")
            directive = name.strip()
            if colon and directive not in _WITH_VALUES:
                ours, directive = directive in (ROBOT, "*"), rest.strip()
            if ours and directive in _OPT_OUTS:
                return directive
    return None
