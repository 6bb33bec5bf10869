"""A person's word on a version: to make it the latest whatever its gate says, or to put it away."""

from flows.runtime.handover import hand_over
from storage.errors import DamagedTableError, InputError
from storage.manifest import Version
from storage.reviews import write_review
from storage.root import Root
from storage.runs import one_run
from storage.versions import find_version, latest_if_sound, list_damage_of, only_name, point_latest


def promote_version(root: Root, kind: type[Version], name: str | None, which: str, reason: str) -> Version:
    """Makes a version the latest, and tells Prefect, as the flow that made it would have.

    Raises:
        InputError: there is no such version, it is not as it was published, or a run of its name is under way.
    """
    version = find_version(root, only_name(root, name, kind), which, kind)
    if wrong := list_damage_of(root, version):
        more = f" and {len(wrong) - 1:,} more" if len(wrong) > 1 else ""
        raise DamagedTableError(f"{version.folder} is not as it was published: {wrong[0]}{more}; make it anew first")
    with one_run(root, kind.shelf, version.name):
        write_review(root, version, "promoted", reason)
        point_latest(root, version)
    hand_over(root, version, is_new=False)
    return version


def reject_version(root: Root, kind: type[Version], name: str | None, which: str, reason: str) -> Version:
    """Keeps a version from becoming the latest, by whatever run.

    Raises:
        InputError: there is no such version, it is the latest, or a run of its name is under way.
    """
    version = find_version(root, only_name(root, name, kind), which, kind)
    with one_run(root, kind.shelf, version.name):
        if latest_if_sound(root, version.name, kind) == version:
            raise InputError(f"{version.folder} is the latest; promote another version first, such as the one before")
        write_review(root, version, "rejected", reason)
    return version
