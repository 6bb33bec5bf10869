"""What goes wrong around a run: one line that says what to do, exit code 2, and nothing that is half done."""

from pathlib import Path
from typing import Any

import pytest
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, PREFECT_HOME, temporary_settings

from storage.errors import UnwritableRootError

pytestmark = pytest.mark.usefixtures("prefect_home")


@pytest.fixture
def refused(cairn: Any, listed: Any, tmp_path: Path) -> Any:
    """Curates the list, and returns the one line that it is refused with."""

    def run(*options: object, root: Path = tmp_path / "root") -> str:
        ended = cairn("curate", listed.path, "--name", "n", "--root", root, "--settings", listed.settings, *options)
        assert (ended.code, ended.output) == (2, "")
        (line,) = (line for line in ended.errors.splitlines() if line.startswith("error: "))
        assert "Traceback" not in ended.errors
        return str(line)

    return run


def test_a_server_that_is_not_there(refused: Any) -> None:
    nowhere = {PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_API_AUTH_STRING: None}
    with temporary_settings(nowhere):
        assert "no Prefect server answers at http://127.0.0.1:9/api" in refused()


def test_a_server_that_wants_another_login(refused: Any, server: str) -> None:
    with temporary_settings({PREFECT_API_URL: server, PREFECT_API_AUTH_STRING: "cairn:wrong"}):
        line = refused()
    assert f"no Prefect server answers at {server}" in line
    assert "401" in line


def test_a_home_that_can_not_be_made(refused: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with temporary_settings({PREFECT_API_URL: None, PREFECT_HOME: tmp_path / "file/home"}):
        assert f"PREFECT_HOME {tmp_path}/file/home can't be written" in refused()


def test_a_list_that_has_no_room(refused: Any, disk: Any, listed: Any) -> None:
    full = disk("2m")
    line = refused(root=full / "root")
    assert f"about 10 MB are written, and {full}/root has 2 MB free: 26 new images of 300 KB each" in line
    assert "--anyway" in line
    assert list(full.iterdir()) == []
    assert not listed.site.hits


def test_a_disk_that_fills_up_and_room_that_is_made(
    run_curate: Any, disk: Any, listed: Any, first_run: tuple[Path, Any]
) -> None:
    taken = sum(file.stat().st_size for file in (first_run[0] / "images").rglob("*.jpg"))
    full = disk(str(taken + 500_000))  # room for the images, but not for their keypoints
    with pytest.raises(UnwritableRootError, match=rf"root '{full}/root' can't be written: its disk is full .* left\)"):
        run_curate(listed, full / "root", anyway=True)
    assert not list((full / "root").rglob(".writing-*"))
    assert not (full / "root/versions").exists()
    listed.site.hits.clear()
    disk("100m")
    assert run_curate(listed, full / "root").version.digest == first_run[1].version.digest
    assert not listed.site.hits
