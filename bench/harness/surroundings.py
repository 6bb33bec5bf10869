"""What runs of a bench stand on: photographs, and a Prefect that knows nothing of other runs."""

import os
from pathlib import Path

from demo import photos

_REPOSITORY = Path(__file__).parents[2]
SHARED_DATA = _REPOSITORY.parent / "shared/data"
"""Real lists and photographs beside the repository; too large and too unfree to be part of it."""


def demo_photos() -> Path:
    """The folder of the demo's photographs, filled once: CAIRN_DEMO_CACHE, or the demo's own."""
    cache = Path(os.environ.get("CAIRN_DEMO_CACHE") or _REPOSITORY / "data/demo/photos")
    photos.fetch(cache)
    return cache


def set_prefect_apart(home: Path) -> None:
    """Gives Prefect a home and a server of its own, in this process and those it starts.

    Prefect reads this once: call it before anything imports Prefect.
    """
    os.environ.pop("PREFECT_API_URL", None)
    os.environ["PREFECT_HOME"] = str(home)
    os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
    os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "WARNING"  # as `cairn curate` has it
