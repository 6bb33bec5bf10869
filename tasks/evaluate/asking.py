"""The pages on which people say which of two images is more like a third."""

from dataclasses import dataclass
from pathlib import Path

from tasks.evaluate.questions import Side
from tasks.pages.rendering import style_sheet, template_environment

_TEMPLATES = Path(__file__).parent / "templates"
_FILES = {"collect.css": "text/css", "collect.js": "text/javascript"}


@dataclass(frozen=True)
class Asked:
    """A question as one person is asked it.

    Attributes:
        number: of the question. done, total: of this person's answers. left: which of a and b stands at the left.
        token: comes back with the answer.
    """

    person: str
    number: int
    done: int
    total: int
    left: Side
    token: str

    @property
    def right(self) -> Side:
        """Which of the two images stands at the right."""
        return "b" if self.left == "a" else "a"


def ask(asked: Asked) -> str:
    """Renders the page of a question."""
    return _render("question", asked=asked)


def ask_name(total: int, tried: str | None) -> str:
    """Returns the first page; `tried` is a name that can't be used."""
    return _render("name", total=total, tried=tried)


def thank(person: str, total: int) -> str:
    """Renders the last page, which thanks the person."""
    return _render("done", person=person, total=total)


def file_of(name: str) -> tuple[bytes, str] | None:
    """Returns a file that the pages need, and its media type; None of any other name."""
    path, style = style_sheet()
    if name == path:
        return style, "text/css"
    return ((_TEMPLATES / name).read_bytes(), _FILES[name]) if name in _FILES else None


def _render(view: str, **values: object) -> str:
    return template_environment(_TEMPLATES).get_template("collect.html").render(view=view, **values)
