"""Which version may become the latest: one that can be used, and that does not lose most of what the last kept."""

from collections import Counter

import pyarrow.compute as pc

from storage.errors import InputError
from storage.manifest import Manifest
from storage.root import Root
from storage.versions import latest_version, read_version_table

_REASONS = 3


class NotLatestError(InputError):
    """A version is published, but not made the latest; the text says why, and what to do.

    Attributes:
        version: the version.
    """

    def __init__(self, said: str, version: Manifest) -> None:
        super().__init__(said)
        self.version = version


def why_not_latest(root: Root, version: Manifest, share: float) -> NotLatestError | None:
    """Why a version should not become the latest and what to do; None where it should.

    Args:
        share: of the images that the latest version keeps, those that this one has to keep.
    """
    last, kept = _readable_latest(root, version.name), _kept(version)
    if kept and not (last and kept < share * _kept(last)):
        return None
    before = f", where the latest, {last.folder}, keeps {_kept(last):,}" if last else ""
    rows = read_version_table(root, version, "verdicts", ["verdict", "reason"])
    reasons = Counter(rows.filter(pc.equal(rows["verdict"], "dropped"))["reason"].to_pylist())
    most = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common(_REASONS))
    how = "; to make it the latest all the same: --latest-share 0" if kept else ""
    said = (
        f"{version.folder} keeps {kept:,} of {version.funnel[0].images:,} images{before}: it is not made the latest. "
        f"Most rows were dropped for {most or 'no reason'}; mend that and run the same command again{how}"
    )
    return NotLatestError(said, version)


def _readable_latest(root: Root, name: str) -> Manifest | None:
    try:
        return latest_version(root, name)
    except InputError:  # damaged or gone: nothing to compare with
        return None


def _kept(version: Manifest) -> int:
    return version.funnel[-1].images
