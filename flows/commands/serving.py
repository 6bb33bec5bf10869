"""The command `serve`."""

from typing import Annotated

import typer

from flows.commands.options import RootOption
from flows.commands.terminal import console
from storage.root import Root


def serve(
    root: RootOption = "./data",
    host: Annotated[str, typer.Option(help="Address to listen at; others than this machine's own have no login.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen at.")] = 4280,
) -> None:
    """Show the reports of a root to browsers, for links out of Prefect's UI; until Ctrl-C."""
    import uvicorn

    from flows.serving.reports import pages_of

    console.print(f"reports of {root}: http://{host}:{port}/", highlight=False, soft_wrap=True)
    hosts = ["127.0.0.1", "localhost", host]
    uvicorn.run(pages_of(Root(root), hosts), host=host, port=port, log_level="warning")
