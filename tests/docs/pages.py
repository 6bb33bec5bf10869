"""The pages of the documentation, and the blocks of code in them."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

    def run(self, names: dict[str, Any]) -> None:
        """Executes a block of Python in the current folder, with the first version that is there for the example's."""

        def find_version(example: re.Match[str]) -> str:
            return str(min(Path(example[1]).glob("1-*")))

        exec(re.sub(r"(data/[a-z/-]+)/\d-[0-9a-f]{12}", find_version, self.text), names)


def name_of(page: Path) -> str:
    """The path of a page in the repository."""
    return str(page.relative_to(REPOSITORY))


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page, in their order."""
    return [Block(name_of(page), language, text) for language, text in _FENCED.findall(page.read_text())]


def prose_of(page: Path) -> str:
    """The page without its fenced blocks."""
    return _FENCED.sub("", page.read_text())
