"""The list of published versions of a kind, for the terminal."""

from collections.abc import Callable, Iterable, Sequence

from rich.table import Table
from rich.text import Text

from flows.commands.terminal import console
from storage.root import Root
from storage.versions import V, list_folders, list_names, read_if_sound


def print_versions(
    root: Root, kind: type[V], headings: Sequence[str], facts: Callable[[V], Iterable[object]], mend: str
) -> None:
    """Prints a line for each version of every name: name, number, digest, its facts, and when it was made.

    Args:
        headings: of the facts.
        mend: what to do about a version whose manifest is damaged, such as a command.
    """
    table = Table("name", "number", "digest", *headings, "created", box=None)
    for name in list_names(root, kind):
        for folder in list_folders(root, name, kind):
            version = read_if_sound(root, name, folder, kind)
            if version is None:
                table.add_row(name, *folder.split("-"), f"its manifest is damaged: {mend}")
                continue
            created = f"{version.created_at:%Y-%m-%d %H:%M}"
            table.add_row(name, str(version.number), version.digest[:12], *map(str, facts(version)), created)
    console.print(table if table.row_count else Text(f"no {kind.shelf} in {root.url}"))
