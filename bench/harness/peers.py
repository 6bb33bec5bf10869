"""Environments of tools that are measured beside Cairn, and whose requirements should not be ours."""

import subprocess
import sys
from pathlib import Path
from venv import create

_ENVIRONMENTS = Path(__file__).parents[2] / "data/peers"
PEERS = {
    "autofaiss": ("autofaiss==2.18.0",),
    "imagededup": ("imagededup==0.3.3.post2", "torch==2.14.1", "torchvision==0.29.1"),
    "img2dataset": ("img2dataset==1.47.0",),
}
"""By name, what pip installs: with the versions of requirements that only work in certain pairs."""


def build() -> None:
    """Makes the environments that are missing."""
    for name, requirements in PEERS.items():
        folder = _ENVIRONMENTS / name
        if not (folder / "built").is_file():
            print(f"{requirements[0]} into {folder}", flush=True)
            create(folder, with_pip=True, clear=True)
            subprocess.run([_interpreter(name), "-m", "pip", "install", "--quiet", *requirements], check=True)
            (folder / "built").touch()


def interpreter(name: str) -> Path:
    """The Python of a peer's environment.

    Raises:
        SystemExit: it has not been built.
    """
    if not (_ENVIRONMENTS / name / "built").is_file():
        raise SystemExit(f"this bench runs beside {name}: build its environment first, with `python -m bench peers`")
    return _interpreter(name)


def _interpreter(name: str) -> Path:
    binaries = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
    return _ENVIRONMENTS / name / binaries
