"""The pages that ask people about triplets, for browsers of this machine."""

import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, quote

from PIL import Image
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from flows.serving.answer_sheet import AnswerSheet
from flows.serving.reports import HEADERS
from tasks.evaluate.asking import Asked, ask, ask_name, file_of, thank
from tasks.evaluate.questions import Question
from tasks.pages.pictures import encode_jpeg, open_upright

_PERSON = re.compile(r"\w[\w .'-]{0,59}")
_LONGEST_FORM = 4096
_SIDE = 900  # pixels of a picture's longest side on the page
_HEADERS = HEADERS | {"Cache-Control": "no-store", "X-Frame-Options": "DENY"}


def collecting_pages(folder: Path, questions: Sequence[Question], sheet: AnswerSheet, hosts: list[str]) -> Starlette:
    """Returns the application that asks each person every question, and adds the answers to a sheet.

    Args:
        folder: where the images lie, by their ids.
        hosts: names by which it may be asked; by another, a page elsewhere could have a browser ask it.
    """
    pages = _Pages(folder, questions, sheet)
    routes = [
        Route("/", pages.show),
        Route("/answer", pages.answer, methods=["POST"]),
        Route("/pictures/{number:int}/{which}.jpg", pages.picture),
        Route("/{name}", pages.file),
    ]
    return Starlette(routes=routes, middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts)])


class _Pages:
    """What each address answers. A token in the form tells that a page of ours sent it: no other page can read one."""

    def __init__(self, folder: Path, questions: Sequence[Question], sheet: AnswerSheet) -> None:
        self._folder, self._questions, self._sheet = folder, questions, sheet
        self._token = secrets.token_urlsafe(32)

    def show(self, request: Request) -> Response:
        """The next question for a person, thanks after the last, or a page that asks for a name."""
        person = _person(request.query_params.get("person", ""))
        if person is None:
            tried = request.query_params.get("person")
            return HTMLResponse(ask_name(len(self._questions), tried), headers=_HEADERS)
        left = [number for number, one in enumerate(self._questions) if not self._sheet.has(person, one)]
        if not left:
            return HTMLResponse(thank(person, len(self._questions)), headers=_HEADERS)
        done, total = len(self._questions) - len(left), len(self._questions)
        page = ask(Asked(person, left[0], done, total, self._questions[left[0]].left_for(person), self._token))
        return HTMLResponse(page, headers=_HEADERS)

    async def answer(self, request: Request) -> Response:
        """Adds an answer, and shows the next question."""
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > _LONGEST_FORM:
                return PlainTextResponse("the form is too long", 413)
        form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
        if not secrets.compare_digest(form.get("token", "").encode(), self._token.encode()):
            return PlainTextResponse("this page is of an earlier start, or of another site; open it anew", 403)
        person, number, chosen = _person(form.get("person", "")), form.get("question", ""), form.get("answer")
        known = number.isascii() and number.isdigit() and len(number) < 10 and int(number) < len(self._questions)
        if person is None or not known or chosen not in ("left", "right", "tie"):
            return PlainTextResponse("expected person, question and answer", 400)
        await run_in_threadpool(self._add, person, self._questions[int(number)], chosen)
        return RedirectResponse(f"/?person={quote(person)}", 303)

    def _add(self, person: str, question: Question, chosen: str) -> None:
        left = question.left_for(person)
        right = "b" if left == "a" else "a"
        self._sheet.add(person, question, {"left": left, "right": right, "tie": "tie"}[chosen], left)

    def picture(self, request: Request) -> Response:
        """An image of a question, upright and small enough for a page."""
        number, which = request.path_params["number"], request.path_params["which"]
        if number >= len(self._questions) or which not in ("query", "a", "b"):
            return PlainTextResponse("no such picture", 404)
        path = self._folder / getattr(self._questions[number], which)
        try:
            content = encode_jpeg(open_upright(path.read_bytes(), _SIDE)[0])
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return PlainTextResponse("this picture can't be read", 404)
        return Response(content, media_type="image/jpeg", headers=_HEADERS)

    def file(self, request: Request) -> Response:
        """A file that the pages need besides."""
        found = file_of(request.path_params["name"])
        if found is None:
            return PlainTextResponse("no such page", 404)
        return Response(found[0], media_type=found[1], headers=HEADERS)


def _person(name: str) -> str | None:
    """A name that can be told in a table, or None."""
    name = " ".join(name.split())
    return name if _PERSON.fullmatch(name) else None
