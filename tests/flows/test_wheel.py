"""A wheel built from the repository does without it."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

REPOSITORY = Path(__file__).parents[2]
PACKAGES = ("flows", "tasks", "storage")


def done(*command: object, cwd: Path) -> str:
    """What a command says on its standard output; nothing of this repository is on its path."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ended = subprocess.run([*map(str, command)], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, since a build leaves traces."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in (*PACKAGES, "demo", "bench"):
        shutil.copytree(REPOSITORY / name, folder / "copy" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("cairn.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, folder / "copy")
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation")
    done(*pip, "--wheel-dir", folder, folder / "copy", cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


def test_it_has_every_file_of_the_product_and_no_other(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = (path for name in PACKAGES for path in (REPOSITORY / name).rglob("*") if path.is_file())
    assert packed == {"cairn.py"} | {
        str(path.relative_to(REPOSITORY)) for path in files if "__pycache__" not in path.parts
    }


def test_it_curates_without_the_repository(wheel: Path, server: str, listed: Any, tmp_path: Path) -> None:
    fresh, pictures, elsewhere = tmp_path / "fresh", tmp_path / "pictures/abbey", tmp_path / "elsewhere"
    venv.create(fresh, with_pip=False)
    (libraries,) = fresh.glob("lib/python*/site-packages")
    # All that it depends on is that of these tests; a path that is added so brings none of its own .pth files along.
    (libraries / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = (sys.executable, "-m", "pip", "--python", fresh / "bin/python", "install", "--quiet")
    done(*pip, "--no-deps", "--no-index", "--ignore-installed", wheel, cwd=tmp_path)
    elsewhere.mkdir()
    where = done(fresh / "bin/python", "-c", "import tasks.overlap as o; print(o.__file__)", cwd=elsewhere)
    assert Path(where.strip()).is_relative_to(libraries)

    (elsewhere / "tasks").mkdir()
    (elsewhere / "tasks/__init__.py").touch()
    env = os.environ | {"PYTHONPATH": str(elsewhere)}
    others = subprocess.run([fresh / "bin/cairn", "versions"], env=env, capture_output=True, text=True, check=False)
    assert others.returncode == 2
    assert others.stderr.startswith(f"error: Python finds another package 'tasks' at {elsewhere}/tasks, and Cairn's is")
    shutil.rmtree(elsewhere / "tasks")

    pictures.mkdir(parents=True)
    for number in range(1, 4):
        (pictures / f"{number}.jpg").write_bytes(listed.view_of("abbey", f"abbey-{number}"))
    options = ("--settings", listed.settings, "--test-set", f"tests={listed.testset}", "--workers", 1)
    said = done(fresh / "bin/cairn", "curate", pictures.parent, "--name", "marks", *options, cwd=elsewhere)
    report = Path(said.split("report: ")[1].splitlines()[0])
    assert report.is_relative_to(elsewhere)
    assert (report.parent / "style.css").is_file()
