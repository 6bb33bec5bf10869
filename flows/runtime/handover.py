"""Handing over what was published: an event, by which Prefect starts whatever deployment waits for it."""

from prefect.events import emit_event

from storage.manifest import Version
from storage.root import Root
from storage.versions import source_of


def hand_over(root: Root, version: Version, *, is_new: bool) -> None:
    """Tells Prefect that a version is the latest of its name.

    The event is `cairn.SHELF.published`, such as `cairn.versions.published`, of the resource `cairn.SHELF.NAME`. Its
    payload has plain strings and numbers alone, since that is what a trigger's templates can hand on. It comes with
    each run that finds the version the latest: who receives it twice computes nothing the second time.
    """
    shelf = version.shelf
    emit_event(
        event=f"cairn.{shelf}.published",
        resource={"prefect.resource.id": f"cairn.{shelf}.{version.name}", "prefect.resource.name": source_of(version)},
        payload={
            "root": root.url,
            "name": version.name,
            "version": version.folder_name,
            "number": version.number,
            "digest": version.digest,
            "is_new": int(is_new),
        },
    )
