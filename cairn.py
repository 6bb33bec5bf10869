"""The console script `cairn`: its packages have plain names, which others may have too, so it looks whose they are."""

import importlib.util
import sys
from pathlib import Path

_PACKAGES = ("flows", "tasks", "storage")


def main() -> None:
    """Runs the command line, or says which package of somebody else's is in the way."""
    here = Path(__file__).resolve().parent
    for name in _PACKAGES:
        found = find_package(name)
        if found != here / name:
            told = f"Python finds {f'another package {name!r} at {found}' if found else f'no package {name!r}'}"
            advice = "install Cairn in an environment of its own, and leave PYTHONPATH empty"
            sys.stderr.write(f"error: {told}, and Cairn's is {here / name}; {advice}\n")
            raise SystemExit(2)
    from flows.commands.cli import main as run

    run()


def find_package(name: str) -> Path | None:
    """The folder from which Python would import a package, if there is one; nothing is imported."""
    spec = importlib.util.find_spec(name)
    folders = list(spec.submodule_search_locations or []) if spec else []
    return Path(folders[0]).resolve() if folders else None


if __name__ == "__main__":
    main()
