"""What tests of several parts share."""

from pathlib import Path

import pytest
from hypothesis import settings

# The same examples on every machine, and no clock on any of them
settings.register_profile("cairn", deadline=None, derandomize=True, database=None, max_examples=25)
settings.load_profile("cairn")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real lists and photographs beside the repository; too large and too unfree to be part of it."""
    folder = Path(__file__).parents[2] / "shared/data"
    if not folder.is_dir():
        pytest.skip(f"shared data not found at {folder}")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast ones first: whole flows on a Prefect server come last."""
    items.sort(key=lambda item: item.path.is_relative_to(Path(__file__).parent / "flows"))
