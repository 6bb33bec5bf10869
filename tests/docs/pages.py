"""The pages of the documentation, and the blocks of code in them."""

import re
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PAGES = [*sorted(REPOSITORY.glob("*.md")), *sorted((REPOSITORY / "docs").rglob("*.md"))]
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its language, such as `sh`, and its text."""

    page: str
    language: str
    text: str

    @property
    def commands(self) -> list[str]:
        """The commands of a block of shell, one a line."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def name_of(page: Path) -> str:
    """The path of a page in the repository."""
    return str(page.relative_to(REPOSITORY))


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page, in their order."""
    return [Block(name_of(page), language, text) for language, text in _FENCED.findall(page.read_text())]


def prose_of(page: Path) -> str:
    """The page without its fenced blocks."""
    return _FENCED.sub("", page.read_text())
