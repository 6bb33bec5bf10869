"""The end of every flow that publishes: the version is read, judged, made the latest, and announced."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol

from flows.runtime.handover import hand_over
from storage.errors import NotLatestError
from storage.manifest import Version
from storage.reviews import Review, read_review, remove_review, write_review
from storage.root import Root
from storage.runs import one_run
from storage.versions import V, latest_if_sound, list_folders, point_latest, read_manifest


@dataclass(frozen=True)
class News(Generic[V]):
    """What a run has brought.

    Attributes:
        is_new: whether no run before has published the version.
        last: what was the latest version before; None where none was, or it is damaged.
        refused: why the version is not made the latest; empty where it is.
    """

    is_new: bool
    last: V | None
    refused: str

    def tell(self, version: Version) -> str:
        """The news in a line."""
        if self.refused:
            return f"published, and not made the latest: {version.folder}"
        return f"{'published' if self.is_new else 'nothing new: the latest is'} {version.folder}"


class Announce(Protocol):
    """Shows a version to people."""

    def __call__(self, root: Root, version: Any, news: News[Any]) -> None:
        """Shows it, with what is new."""
        ...


def publish_once(
    root: Root,
    name: str,
    kind: type[V],
    work: Callable[[], str],
    announce: Announce,
    judge: Callable[[V], Sequence[str]] = lambda _: (),
) -> tuple[V, bool]:
    """Carries out a flow that publishes a version, one run of a name at a time, and returns the version and its news.

    When it is the latest, Prefect is told, which may start what comes after it. Where there are reasons against that,
    it is a candidate that a person may promote or reject; what a person did is not judged again.

    `latest` moves here and not in the stage that publishes, for where that comes from the memo it must move all the
    same.

    Args:
        work: runs the stages, and returns the version's folder below the root.
        judge: gives the reasons why the version may not become the latest.

    Raises:
        InputError: another run of this name is under way.
        NotLatestError: the version is not made the latest; it is raised when all is announced.
    """
    with one_run(root, kind.shelf, name):
        before, last = list_folders(root, name, kind), latest_if_sound(root, name, kind)
        folder = work().rpartition("/")[2]
        version = read_manifest(root, name, folder, kind)
        refused = _review(root, version, judge)
        if not refused:
            point_latest(root, version)
    news = News(folder not in before, last, refused)
    announce(root, version, news)
    if refused:
        raise NotLatestError(refused, version.folder)
    hand_over(root, version, is_new=news.is_new)
    return version, news.is_new


def _review(root: Root, version: V, judge: Callable[[V], Sequence[str]]) -> str:
    """Why the version is not made the latest, which is kept beside it; empty where it is."""
    review = read_review(root, version)
    if review and review.standing == "promoted":
        return ""
    if review and review.standing == "rejected":
        return _say(version, review)
    if reasons := judge(version):
        write_review(root, version, "candidate", "; ".join(reasons))
        return _say(version, Review(standing="candidate", reason="; ".join(reasons), since=version.created_at))
    if review:
        remove_review(root, version)
    return ""


def _say(version: Version, review: Review) -> str:
    again = f"`cairn promote {version.number} --name {version.name} --kind {version.shelf}` makes it the latest"
    if review.standing == "rejected":
        return f"{version.folder} was rejected on {review.since:%Y-%m-%d}: {review.reason}. {again} all the same"
    look = "Look at its report; what can be mended, mend, and run the same command again"
    away = "`cairn reject` puts it away"
    return f"{version.folder} is not made the latest: {review.reason}. {look}. {again} as it is, {away}"
