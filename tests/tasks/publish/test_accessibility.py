"""Each kind of page of a report has no finding of axe: contrast, labels, what the keyboard reaches; light and dark."""

import time
from importlib.resources import files
from pathlib import Path

import pytest

from tasks.publish.report import class_page, render_report
from tests.browser import CHROMIUM, browser

AXE = pytest.importorskip("axe_core_python", reason="axe-core-python is not installed: it is of the extra dev")
FINDINGS = """axe.run(document, {resultTypes: ["violations"]}).then(found => found.violations.map(
    one => [one.id, ...one.nodes.map(node => node.html.slice(0, 200))].join("\\n    ")))"""


def until(condition, what, pause=0.1):
    end = time.monotonic() + 120
    while not (found := condition()):
        assert time.monotonic() < end, what
        time.sleep(pause)
    return found


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not on PATH")
def test_axe_finds_nothing_wrong(tmp_path, every_reason):
    for path, content in render_report(every_reason.manifest, every_reason.tables, ()):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
    pages = ("index.html", class_page("Notre-Dame de Paris"), "reasons/no-match.html", "reasons/duplicate-row.html")
    script, found = (files(AXE) / "axe.min.js").read_text(encoding="utf-8"), dict[str, list[str]]()
    with browser(tmp_path / "profile", until) as window:
        for scheme, width in (("light", 1400), ("dark", 390)):
            window.look(scheme, width)
            for path in pages:
                window.open(Path(tmp_path / path).as_uri(), every_reason.manifest.name)
                window.run(f"{script};0")
                found[f"{path}, {scheme}"] = window.run(FINDINGS)
    assert {page: told for page, told in found.items() if told} == {}
    assert len(found) == 2 * len(pages)
