"""Versions that were held back, and what a person decided about them."""

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from storage.errors import DamagedTableError
from storage.manifest import Version
from storage.root import Root

Standing = Literal["candidate", "promoted", "rejected"]


class Review(BaseModel):
    """What is known of a version beside its manifest: whether it may be the latest, since when, and why.

    A candidate was held back by its gate and waits for a look; what a person promoted or rejected, no gate judges
    again.
    """

    model_config = ConfigDict(frozen=True)

    standing: Standing
    reason: str
    since: datetime


def write_review(root: Root, version: Version, standing: Standing, reason: str) -> None:
    """Writes what a version is from now on."""
    review = Review(standing=standing, reason=reason, since=datetime.now(UTC))
    root.write(_path(version), review.model_dump_json(indent=2).encode())


def read_review(root: Root, version: Version) -> Review | None:
    """Returns what was written of a version last; None where nothing was, as for most.

    Raises:
        DamagedTableError: what is there is no review.
    """
    path = _path(version)
    if not root.exists(path):
        return None
    try:
        return Review.model_validate_json(root.read(path))
    except ValidationError as error:
        how = "promote or reject the version again"
        raise DamagedTableError(f"{root.url}/{path} is not a review; {how}") from error


def remove_review(root: Root, version: Version) -> None:
    """Forgets what was written of a version."""
    root.remove(_path(version))


def _path(version: Version) -> str:
    return f"{version.shelf}/{version.name}/reviews/{version.folder_name}.json"
