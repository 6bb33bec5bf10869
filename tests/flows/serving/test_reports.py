"""The pages that a browser may see of a root, and what of it none may."""

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from flows.serving.reports import pages_of
from storage.root import Root


@pytest.fixture(scope="module")
def shown(first_run: tuple[Path, Any]) -> tuple[TestClient, str, Path]:
    root, run = first_run
    client = TestClient(pages_of(Root(str(root)), ["127.0.0.1"]), base_url="http://127.0.0.1:4280")
    return client, run.version.folder, root


def test_reports_with_their_pictures_are_shown(shown: tuple[TestClient, str, Path]) -> None:
    client, folder, root = shown
    assert f"/{folder}/report/index.html" in client.get("/").text
    for path in (root / folder / "report").rglob("*.*"):
        answer = client.get(f"/{path.relative_to(root)}")
        assert (answer.status_code, answer.content) == (200, path.read_bytes())
    page = client.get(f"/{folder}/report/index.html")
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["x-content-type-options"] == "nosniff"


def test_nothing_else_is(shown: tuple[TestClient, str, Path]) -> None:
    client, folder, root = shown
    inside = [path.relative_to(root) for path in root.rglob("*") if path.is_file()]
    others = [path for path in inside if "report" not in path.parts]
    assert any(path.name == "sources.parquet" for path in others)
    assert {client.get(f"/{path}").status_code for path in others} == {404}
    for path in (f"{folder}/report/../sources.parquet", f"{folder}/report/%2e%2e/manifest.json", "../secret.html"):
        assert client.get(f"/{path}").status_code == 404


def test_asked_by_another_name_it_says_nothing(shown: tuple[TestClient, str, Path]) -> None:
    client = shown[0]
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400
