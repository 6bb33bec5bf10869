"""The pages of a root for browsers, and nothing else of it: addresses with tokens stay where they are."""

import mimetypes
import re
from html import escape

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from storage.retention import KINDS
from storage.root import Root
from storage.versions import list_folders, list_names

_SHELVES = "|".join(kind.shelf for kind in KINDS)
_PAGES = re.compile(
    rf"(({_SHELVES})/[^/]+/(\d+-[0-9a-f]{{12}}/report|changes/[^/]+)"
    r"|certificates/[^/]+/[0-9a-f]{12}(/pictures)?|searches/[^/]+)/([^/.][^/]*/)*[^/.][^/]*\.(html|css|js|jpg|png|svg)"
)
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def pages_of(root: Root, hosts: list[str]) -> Starlette:
    """Returns the application that shows a root's reports, certificates, changes and searches.

    Args:
        hosts: names by which it may be asked; by another, a page elsewhere could have a browser ask it.
    """

    def show(request: Request) -> Response:
        path = request.path_params["path"]
        if not _PAGES.fullmatch(path) or not root.exists(path):
            return PlainTextResponse(f"no page {path}", 404)
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        return Response(root.read(path), media_type=kind, headers=HEADERS)

    def index(_: Request) -> Response:
        return HTMLResponse(_index(root), headers=HEADERS)

    only = [Middleware(TrustedHostMiddleware, allowed_hosts=hosts)]
    return Starlette(routes=[Route("/", index), Route("/{path:path}", show)], middleware=only)


def _index(root: Root) -> str:
    """Links to the report of each version, newest first."""
    parts = ["<!doctype html><meta charset='utf-8'><title>Cairn</title><h1>Cairn</h1>"]
    for kind in KINDS:
        for name in list_names(root, kind):
            folders = reversed(list_folders(root, name, kind))
            links = (f"<li><a href='/{kind.shelf}/{name}/{f}/report/index.html'>{f}</a></li>" for f in folders)
            parts.append(f"<h2>{kind.shelf}: {escape(name)}</h2><ul>{''.join(links)}</ul>")
    return "\n".join(parts)
