"""`python -m demo`: curates the demo list to a published version and scores it against the known truth."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from demo import truth
from demo.command import run
from demo.site import allowed_hosts, build, choose_port, serve

# The site drips bytes for ever at two of its addresses, and is nobody's: the patience and the manners that strangers'
# hosts deserve would only make the demo wait.
SETTINGS = """
[acquire]
deadline = 6.0
read_timeout = 3.0
attempts = 2

[polite]
host_rate = 1000.0
host_connections = 8
"""


def main(
    folder: Annotated[Path, typer.Option(help="Where photographs, list and dataset root go.")] = Path("data/demo"),
    port: Annotated[int, typer.Option(help="Port of the demo's site; another is taken where it is not free.")] = 8765,
) -> None:
    """Serves about 200 addresses of real and re-shot photographs, curates them, and scores the result."""
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "WARNING")
    os.environ.setdefault("PREFECT_HOME", str(folder.absolute() / "prefect"))  # not among the runs of others
    from flows.commands.curation import curate

    console = Console()
    free = choose_port(port)
    console.print("[bold]demo[/]: photographs out of packages, their re-shot views, and the site that serves them …")
    listed = build(folder, free)
    settings = folder / "settings.toml"
    settings.write_text(SETTINGS)
    root = folder / "root"
    with serve(folder, free):
        curate(
            listed.list_path,
            name="demo",
            root=str(root),
            test_set=[f"demo_tests={listed.testset}"],
            settings=settings,
            allow_host=list(allowed_hosts(free)),
            note=_note(listed.truth_path),
        )
    version = root / "versions" / "demo" / (root / "versions" / "demo" / "latest").read_text().strip()
    console.print("\n[bold]score against the known truth[/]")
    console.print(truth.render(truth.score_version(version, listed.truth_path)))
    console.print(Text(f"\nopen {version.absolute() / 'report' / 'index.html'}", "bold"), soft_wrap=True)
    command = f"PREFECT_HOME={os.environ['PREFECT_HOME']} {Path(sys.executable).parent / 'prefect'} server start"
    console.print(Text(f"see the run in Prefect's UI: {command}"), soft_wrap=True)


def _note(truth_path: Path) -> str:
    """Which pictures of the demo are photographs, and which are computed from them."""
    rows = truth.read(truth_path)
    real = sorted({row.image_id for row in rows if row.pixels == "real"})
    return (
        "A demonstration: photographs out of Python packages, and re-shot views, computed from them by known "
        "homographies with other light and compression, where the landmark does not fill its photograph before other "
        f"surroundings, taken from a second one. Real pixels, at most shrunk: {', '.join(real)}. "
        "Every other picture is re-shot, or drawn, such as the placeholder."
    )


if __name__ == "__main__":
    run(main)
