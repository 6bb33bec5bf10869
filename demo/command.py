"""How the demo's commands run: like those of `cairn`, they end with a line where something is amiss."""

from collections.abc import Callable

import typer

from demo.photos import PhotosUnavailableError
from flows.runtime.stopping import stoppable
from storage.errors import InputError


def run(main: Callable[..., None]) -> None:
    """Runs a function as a command, with options for its arguments."""
    with stoppable():
        try:
            typer.run(main)
        except (InputError, PhotosUnavailableError) as error:
            raise SystemExit(f"error: {error}") from error
