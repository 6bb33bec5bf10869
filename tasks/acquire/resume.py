"""What is done about an address of which something is known: nothing, another look, or another fetch.

The newest outcome of an address decides, and no more of what went before: a picture that is stored is an image unless
today's limits refuse it, whether its host may still be asked or not; a failure stands under the settings that it was
found under, and is asked again under others.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, NamedTuple

from storage.reasons import Reason
from tasks.acquire.settings import FetchPolicy


class SourceRow(NamedTuple):
    """What of a row of `sources` its outcome depends on."""

    image_id: str
    url: str
    landmark_id: str
    md5: str | None


def by_address(url: str) -> SourceRow:
    """Returns the row of what is known of an address that no row of the list needs."""
    return SourceRow(url, url, "", None)


class PriorOutcome(NamedTuple):
    """The newest outcome of an address: its row of `fetch_log`, its stored picture, and why there is no image of it.

    Attributes:
        image: facts of the picture that is stored, as a row of `images`; with a drop, one that limits refuse.
        asking, looking: digests of the settings that the host was asked, and the picture looked at, under.
        is_of_now: it comes from this very run, which was interrupted.
    """

    log: Mapping[str, Any]
    image: Mapping[str, Any] | None
    drop: Mapping[str, Any] | None
    asking: str = ""
    looking: str = ""
    is_of_now: bool = False


class Step(Enum):
    """What is to be done about an address next."""

    STANDS = auto()
    INSPECT = auto()
    FETCH = auto()
    REVALIDATE = auto()
    INSPECT_AND_REVALIDATE = auto()


_OF_BODIES = frozenset(
    {
        *(Reason.TOO_LARGE, Reason.NOT_AN_IMAGE, Reason.BROKEN_IMAGE, Reason.TRUNCATED_IMAGE, Reason.BLANK_IMAGE),
        *(Reason.TOO_SMALL, Reason.TOO_MANY_PIXELS, Reason.CRASHED_DECODER, Reason.HUNG_DECODER),
        Reason.TOO_MUCH_MEMORY,
    }
)
"""Why a body that came is not taken: what `looking` decides. All other failures hang on `asking` alone."""


@dataclass(frozen=True, kw_only=True)
class Steps:
    """Decides for the addresses of a shard.

    Attributes:
        known: the newest outcomes, by address.
        stored: the paths of the images that are stored, and sound.
        asking, looking: digests of today's settings for hosts, and for pictures.
        in_folder: the addresses are paths of a folder, whose files cost nothing to look at.
    """

    policy: FetchPolicy
    known: Mapping[str, PriorOutcome]
    stored: Collection[str]
    asking: str
    looking: str
    in_folder: bool

    def of(self, source: SourceRow) -> Step:
        """Returns the next step for the address of a row of `sources`."""
        known = self.known.get(source.url)
        if known is None or (known.image and known.image["path"] not in self.stored):
            return Step.FETCH
        # The MD5s of a folder are those of its files now; those of a list of addresses are promises of long ago.
        if self.in_folder and not (known.image and known.image["md5"] == source.md5):
            return Step.FETCH
        if not known.image:
            return Step.FETCH if self._may_turn(known) or self._is_due(known) else Step.STANDS
        seen = known.looking == self.looking
        if self.policy.refetch == "revalidate" and not known.is_of_now and not self.in_folder:
            return Step.REVALIDATE if seen else Step.INSPECT_AND_REVALIDATE
        return Step.STANDS if seen else Step.INSPECT

    def _may_turn(self, failed: PriorOutcome) -> bool:
        """Whether an address that failed was asked under other settings that have a say in it."""
        assert failed.drop
        has_a_say = failed.drop["reason"] in _OF_BODIES
        return failed.asking != self.asking or (has_a_say and failed.looking != self.looking)

    def _is_due(self, failed: PriorOutcome) -> bool:
        """Whether the policy asks again for an address that failed."""
        if failed.is_of_now:
            return False
        if self.policy.refetch == "failed-older-than":
            tried = failed.log["started_at"]
            return tried is None or bool(tried < self.policy.before)
        return self.policy.refetch != "never"
