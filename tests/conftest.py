"""What tests of several parts share."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Two processes share two cores: native threads that spin until others come by cost five times what they bring
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

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


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Makes a file system of a size such as `1m`, or gives the one that it made another size; returns its folder."""
    folder = tmp_path / "disk"

    def mount(size: str) -> Path:
        made, how = folder.is_dir(), ["-o", f"remount,size={size}" if folder.is_dir() else f"size={size}"]
        folder.mkdir(exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", *how, "tmpfs", folder], capture_output=True, check=False)
        if done.returncode and not made:
            folder.rmdir()
            pytest.skip("nobody may mount a file system here")
        done.check_returncode()
        return folder

    yield mount
    if folder.is_dir():
        subprocess.run(["umount", folder], check=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Whole flows on a Prefect server take longest: one process does them last, and several share them out first."""
    last = not hasattr(config, "workerinput")
    items.sort(key=lambda item: item.path.is_relative_to(Path(__file__).parent / "flows") == last)
