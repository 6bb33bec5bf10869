"""What is done about an address of which something is known: nothing, another look, or another fetch."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, NamedTuple

from tasks.acquire.settings import FetchPolicy


class Listed(NamedTuple):
    """What of a row of `sources` its outcome depends on."""

    image_id: str
    url: str
    landmark_id: str
    md5: str | None


class Known(NamedTuple):
    """The newest outcome of an address: its row of `fetch_log`, and of `images` or `drops`.

    Attributes:
        is_of_now: it comes from this very run, which was interrupted.
    """

    log: Mapping[str, Any]
    image: Mapping[str, Any] | None
    drop: Mapping[str, Any] | None
    is_of_now: bool = False


class Step(Enum):
    """What comes next."""

    STANDS = auto()
    INSPECT = auto()
    FETCH = auto()
    REVALIDATE = auto()


@dataclass(frozen=True, kw_only=True)
class Steps:
    """Decides for the addresses of a shard.

    Attributes:
        known: the newest outcomes, by address.
        stored: the paths of all stored images.
        again: the policy has something to fetch again in this shard.
        same_settings: what is known was found under today's settings.
        in_folder: the addresses are paths of a folder, whose files cost nothing to look at.
    """

    policy: FetchPolicy
    known: Mapping[str, Known]
    stored: Collection[str]
    again: bool
    same_settings: bool
    in_folder: bool

    def of(self, source: Listed) -> Step:
        """The next step for the address of a row of `sources`."""
        known = self.known.get(source.url)
        if known is None or (known.image and known.image["path"] not in self.stored):
            return Step.FETCH
        # The MD5s of a folder are those of its files now; those of a list of addresses are promises of long ago.
        if self.in_folder and not (known.image and known.image["md5"] == source.md5):
            return Step.FETCH
        if known.image:
            if self.again and self.policy.refetch == "revalidate" and not known.is_of_now and not self.in_folder:
                return Step.REVALIDATE
            return Step.STANDS if self.same_settings else Step.INSPECT
        if not self.same_settings:
            return Step.FETCH
        return Step.FETCH if self.again and self._is_due(known) else Step.STANDS

    def _is_due(self, failed: Known) -> bool:
        """Whether the policy asks again for an address that failed."""
        if self.policy.refetch == "failed-older-than":
            tried = failed.log["started_at"]
            return tried is None or bool(tried < self.policy.before)
        return self.policy.refetch != "never"
