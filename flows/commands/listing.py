"""The list of published versions of a kind, for the terminal."""

from collections.abc import Callable, Iterable, Sequence

from rich.table import Table
from rich.text import Text

from flows.commands.terminal import console, print_json
from storage.errors import InputError
from storage.manifest import Version
from storage.reviews import read_review
from storage.root import Root
from storage.versions import V, latest_if_sound, list_folders, list_names, read_if_sound


def print_versions(
    root: Root,
    kind: type[V],
    headings: Sequence[str],
    facts: Callable[[V], Iterable[object]],
    mend: str,
    *,
    as_json: bool,
) -> None:
    """Prints a line for each version of every name: name, number, standing, digest, its facts, when it was made.

    Args:
        headings: of the facts.
        mend: what to do about a version whose manifest is damaged, such as a command.
        as_json: as a list of records instead.
    """
    table = Table("name", "number", "", "digest", *headings, "created", box=None)
    records: list[dict[str, object]] = []
    for name in list_names(root, kind):
        latest = latest_if_sound(root, name, kind)
        for folder in list_folders(root, name, kind):
            version = read_if_sound(root, name, folder, kind)
            if version is None:
                number, digest = folder.split("-")
                table.add_row(name, number, "", digest, f"its manifest is damaged: {mend}")
                records.append({"name": name, "number": int(number), "standing": "damaged", "digest": digest})
                continue
            standing = "latest" if version == latest else _standing(root, version)
            created, told = f"{version.created_at:%Y-%m-%d %H:%M}", list(facts(version))
            table.add_row(name, str(version.number), standing, version.digest[:12], *map(str, told), created)
            own = {"name": name, "number": version.number, "standing": standing, "digest": version.digest}
            records.append({**own, **dict(zip(headings, told, strict=True)), "created": version.created_at.isoformat()})
    if as_json:
        print_json(records)
        return
    console.print(table if table.row_count else Text(f"no {kind.shelf} in {root.url}"))


def _standing(root: Root, version: Version) -> str:
    """`candidate`, `promoted` or `rejected`; empty for what was never held back, and where nobody can say."""
    try:
        review = read_review(root, version)
    except InputError:
        return ""
    return review.standing if review else ""
