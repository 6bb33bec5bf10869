"""Who looks at what came."""

from tasks.acquire.inspect import Picture, Rejected, inspect
from tasks.acquire.settings import AcquireSettings


class Inspectors:
    """Inspects bodies under the same settings."""

    def __init__(self, settings: AcquireSettings, count: int) -> None:
        self._settings, self.count = settings, count

    def __enter__(self) -> "Inspectors":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def inspect(self, content: bytes) -> Picture | Rejected:
        """The facts of an image, or why it is refused."""
        return inspect(content, self._settings)
