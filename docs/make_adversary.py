"""Writes docs/evidence/hosts.md from `demo/adversary`: `python docs/make_adversary.py`."""

from collections.abc import Iterable
from pathlib import Path

from demo.adversary import GROUPS
from demo.adversary.case import Case

HEAD = """# Hostile hosts

`python -m pytest tests/tasks/acquire/test_adversary.py`: {count} hosts on loopback, each with a vice of its own. The
stage `acquire` fetches from all of them. Each must end within its deadline, with the code of this table. Nothing
behind your own wall may be connected to, and memory must stay bounded. `fetched` means that the picture is kept; the
other codes are [reason codes](../reference/reasons.md).

Written from `demo/adversary` by `make docs`.
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
