"""The end of every flow that publishes: the version is read, judged, made the latest, and announced."""

from collections.abc import Callable
from typing import Any, Protocol

from flows.runtime.handover import hand_over
from storage.errors import InputError
from storage.root import Root
from storage.runs import one_run
from storage.versions import V, list_folders, point_latest, read_manifest


class Announce(Protocol):
    """Shows a version to people."""

    def __call__(self, root: Root, version: Any, *, is_new: bool) -> None:
        """Shows it; `is_new` where no run before has published it."""
        ...


def publish_once(
    root: Root,
    name: str,
    kind: type[V],
    work: Callable[[], str],
    announce: Announce,
    refuse: Callable[[V], InputError | None] = lambda _: None,
) -> tuple[V, bool]:
    """Carries out a flow that publishes a version, one run of a name at a time, and returns the version and its news.

    When it is the latest, Prefect is told, which may start what comes after it.

    `latest` moves here and not in the stage that publishes, for where that comes from the memo it must move all the
    same.

    Args:
        work: runs the stages, and returns the version's folder below the root.
        refuse: gives the error that keeps a version from becoming the latest; it is raised when all is announced.

    Raises:
        InputError: another run of this name is under way, or the version is refused.
    """
    with one_run(root, kind.shelf, name):
        before = list_folders(root, name, kind)
        folder = work().rpartition("/")[2]
        version = read_manifest(root, name, folder, kind)
        refused = refuse(version)
        if refused is None:
            point_latest(root, version)
    is_new = folder not in before
    announce(root, version, is_new=is_new)
    if refused is not None:
        raise refused
    hand_over(root, version, is_new=is_new)
    return version, is_new
