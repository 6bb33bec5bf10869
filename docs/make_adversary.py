"""Writes docs/evidence/hosts.md from `demo/adversary`: `python docs/make_adversary.py`."""

from collections.abc import Iterable
from pathlib import Path

from demo.adversary import GROUPS
from demo.adversary.case import Case

HEAD = """# What the open web does, and what comes of it

Written from `demo/adversary` by `make docs`.

A server answers for {count} hosts, each a loopback address with a vice of its own.
`tests/tasks/acquire/test_adversary.py` fetches from all of them through the stage `acquire`, and asks of each that it
ends within its deadline and with the code of this table, that nothing behind the reader's own wall was connected to,
and that memory stays bounded. `fetched` means that the picture is kept; the other codes are those of
[tables.md](../reference/tables.md).
"""


def page() -> str:
    """The page."""
    head = HEAD.format(count=sum(map(len, GROUPS.values())))
    return "\n".join([head, *(section(title, cases) for title, cases in GROUPS.items())])


def section(title: str, cases: Iterable[Case]) -> str:
    """The cases of one kind."""
    lines = [f"## {title}\n", "| case | what the host does, or where the address leads | outcome |", "|---|---|---|"]
    lines += [f"| {case.name} | {case.does} | `{case.outcome}` |" for case in cases]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    (Path(__file__).parent / "evidence/hosts.md").write_text(page())
