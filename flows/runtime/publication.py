"""The end of every flow that publishes: the version is read, judged, made the latest, and announced."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol

from prefect.artifacts import create_link_artifact

from flows.runtime.handover import hand_over
from flows.runtime.prefect_runner import PrefectRunner
from flows.runtime.task_runner import task_runner
from flows.settings import RunSettings
from storage.errors import GateError
from storage.manifest import Version
from storage.retention import write_memo_keys
from storage.reviews import Review, read_review, remove_review, write_review
from storage.root import Root
from storage.runs import one_run
from storage.versions import V, latest_if_sound, list_folders, point_latest, read_version
from tasks.contracts import Stage, StageRunner


@dataclass(frozen=True)
class News(Generic[V]):
    """What a run has brought.

    Attributes:
        is_new: whether no run before has published the version.
        last: what was the latest version before; None where none was, or it is damaged.
        is_latest: whether the version is the latest now.
        refused: what speaks against that, by its gate or by a person; empty where nothing does.
        pages: address under which the root's pages are shown; without one, they are opened from disk.
    """

    is_new: bool
    last: V | None
    is_latest: bool
    refused: str
    pages: str | None = None

    def tell(self, version: Version) -> str:
        """Returns the news in a line."""
        if not self.is_latest:
            return f"published, and not made the latest: {version.folder}"
        if self.refused:
            return f"nothing new, and the gate does not hold: the latest stays {version.folder}"
        if not self.is_new and self.last and self.last.folder != version.folder:
            return f"nothing new, but the latest again: {version.folder}, in place of {self.last.folder}"
        return f"{'published' if self.is_new else 'nothing new: the latest is'} {version.folder}"

    def address(self, root: Root, path: str) -> str:
        """Returns where a browser finds a page of the root."""
        if self.pages:
            return f"{self.pages.rstrip('/')}/{path}"
        return f"file://{root.url}/{path}" if root.is_local else f"{root.url}/{path}"

    def link_report(self, root: Root, version: Version, key: str) -> None:
        """Shows where the version's report is, as an artifact."""
        address = self.address(root, f"{version.folder}/report/index.html")
        told = "The report" if self.pages else "Open it from disk"
        create_link_artifact(address, link_text=address, key=key, description=told)


class Announce(Protocol):
    """Shows a version to people."""

    def __call__(self, root: Root, version: Any, news: News[Any]) -> None:
        """Shows it, with what is new."""
        ...


def publish_once(
    root: Root,
    name: str,
    kind: type[V],
    stages: Sequence[Stage[Any, Any, Any]],
    run: RunSettings,
    work: Callable[[StageRunner], str],
    announce: Announce,
    judge: Callable[[V], Sequence[str]] = lambda _: (),
) -> tuple[V, bool]:
    """Carries out a flow that publishes a version, one run of a name at a time, and returns the version and its news.

    When it is the latest, Prefect is told, which may start what comes after it. Where there are reasons against that,
    it is a candidate that a person may promote or reject; what a person did is not judged again. A version that is the
    latest already stays it, and its gate's complaint is told.

    Args:
        stages: all that `work` runs, in their order; it returns the version's folder below the root.
        judge: gives the reasons why the version may not become the latest.

    Raises:
        InputError: another run of this name is under way.
        GateError: the version does not hold its gate, or was rejected; it is raised when all is announced.
    """
    with one_run(root, kind.shelf, name), task_runner(run) as tasks:
        runner = PrefectRunner(root, tasks, stages)
        before, last = list_folders(root, name, kind), latest_if_sound(root, name, kind)
        version = read_version(root, work(runner), kind)
        write_memo_keys(root, version, runner.used)
        is_latest = latest_if_sound(root, name, kind) == version
        refused = _review(root, version, judge, is_latest=is_latest)
        if not refused:  # here and not in the stage that publishes, which may come from the memo
            point_latest(root, version)
    news = News(version.folder_name not in before, last, is_latest or not refused, refused, run.pages)
    announce(root, version, news)
    if refused:
        raise GateError(refused, version.folder)
    hand_over(root, version, is_new=news.is_new)
    return version, news.is_new


def _review(root: Root, version: V, judge: Callable[[V], Sequence[str]], *, is_latest: bool) -> str:
    """What speaks against the version, which is kept beside one that is not the latest; empty where nothing does."""
    review = read_review(root, version)
    if review and review.standing == "promoted":
        return ""
    if review and review.standing == "rejected":
        return _say(version, review)
    reasons = judge(version)
    if reasons and not is_latest:
        write_review(root, version, "candidate", "; ".join(reasons))
        return _say(version, Review(standing="candidate", reason="; ".join(reasons), since=version.created_at))
    if review:
        remove_review(root, version)
    return _say_of_latest(version, reasons) if reasons else ""


def _say(version: Version, review: Review) -> str:
    again = f"`cairn promote {version.number} --name {version.name} --kind {version.shelf}` makes it the latest"
    if review.standing == "rejected":
        return f"{version.folder} was rejected on {review.since:%Y-%m-%d}: {review.reason}. {again} all the same"
    look = "Look at its report; what can be mended, mend, and run the same command again"
    away = "`cairn reject` puts it away"
    return f"{version.folder} is not made the latest: {review.reason}. {look}. {again} as it is, {away}"


def _say_of_latest(version: Version, reasons: Sequence[str]) -> str:
    start = f"{version.folder} is the latest and stays it, but does not hold its gate: {'; '.join(reasons)}"
    mend = "What can be mended, mend, and run the same command again"
    other = f"`cairn promote NUMBER --name {version.name} --kind {version.shelf}` makes another version the latest"
    return f"{start}. {mend}. {other}"
