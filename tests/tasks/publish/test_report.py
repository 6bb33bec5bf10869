import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections import Counter
from html import unescape
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote, urlsplit

import pyarrow as pa
import pytest

from storage.reasons import Reason
from storage.tables.groups import CLASS_PAIRS, CUTS
from tasks.cluster.settings import Overrides
from tasks.publish.report import class_page, overlaps_page, reason_page, render_report

HOSTILE = [
    "<script>alert(1)</script>",
    "../../../etc/passwd",
    "\"quoted\" & 'single'",
    "nÖtre–dame 聖母院",
    "聖母院",
    "a/b\\c",
    "CON",
    "Con",
    "x" * 300,
    "{{ 7 * 7 }}",
    "javascript:alert(1)",
    "%2e%2e/%2e%2e",
    "a?b#c",
    " ",
]


class Page(HTMLParser):
    """The links, pictures, tags and words of a page."""

    def __init__(self, content):
        super().__init__()
        self.links, self.sources, self.tags, self.attributes = [], [], Counter(), []
        self.words = ""
        self.feed(content.decode())

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += attrs
        found = dict(attrs)
        self.links += [found["href"]] if "href" in found else []
        self.sources += [found["src"]] if "src" in found else []

    def handle_data(self, data):
        self.words += data


def render(version, names=()):
    files = list(render_report(version.manifest, version.tables, names))
    assert len(dict(files)) == len(files), "a path was given twice"
    return dict(files)


def pages_of(files, first):
    stem = first.removesuffix(".html")
    return [path for path in files if path == first or re.fullmatch(rf"{re.escape(stem)}-p\d+\.html", path)]


def rows_of(files, paths):
    """The positions in the list of the rows that the pages show."""
    return [
        int(row.replace(",", ""))
        for path in paths
        for row in re.findall(rb">row ([\d,]+)<".decode(), files[path].decode())
    ]


def broken_links(files, names=()):
    there = set(files) | {f"pictures/{name}" for name in names}
    broken = []
    for path, content in files.items():
        if not path.endswith(".html"):
            continue
        page = Page(content)
        for link in page.links + page.sources:
            parts = urlsplit(link)
            if parts.scheme or not parts.path:
                continue
            parents, target = list(PurePosixPath(path).parent.parts), unquote(parts.path)
            while target.startswith("../"):
                target = target[3:]
                parents.pop()
            if "/".join([*parents, target]) not in there:
                broken.append((path, link))
    return broken


def pictures_of(version):
    images = version.tables["verdicts"].to_pylist()
    thumbnails = [f"{image['sha256']}.jpg" for image in images if image["sha256"]]
    drawings = [f"overlap-{image['sha256']}.jpg" for image in images if image["reason"] == "test-copy"]
    return (
        thumbnails
        + drawings
        + [f"pair-{image['sha256']}.jpg" for image in images if image["reason"] == "smaller-group"]
    )


def test_every_row_is_on_the_pages_of_its_class_and_of_its_reason(every_reason):
    files = render(every_reason)
    verdicts = every_reason.tables["verdicts"].to_pylist()
    for name in ("Notre-Dame de Paris", "Louvre"):
        expected = [verdict["row"] for verdict in verdicts if verdict["landmark_id"] == name]
        assert sorted(rows_of(files, pages_of(files, class_page(name)))) == expected
    for reason in Reason:
        expected = [verdict["row"] for verdict in verdicts if verdict["reason"] == reason != Reason.KEPT]
        assert sorted(rows_of(files, pages_of(files, reason_page(reason)))) == expected
    classes = [path for path in files if path.startswith("classes/")]
    assert sorted(rows_of(files, classes)) == [verdict["row"] for verdict in verdicts]


@pytest.mark.parametrize("share", [0, 2, 1])
def test_links_and_pictures_lead_to_what_is_there(every_reason, share):
    names = pictures_of(every_reason)[:: share or 1][: None if share else 0]
    files = render(every_reason, names)
    assert broken_links(files, names) == []
    shown = {
        PurePosixPath(source).name for path in files if path.endswith(".html") for source in Page(files[path]).sources
    }
    assert {name for name in names if "-" not in name} - shown <= {name.split("-")[-1] for name in names if "-" in name}
    assert {name for name in shown if name.endswith(".jpg")} <= set(names)


def test_every_page_can_be_reached_from_the_index(every_reason, version_of):
    many = version_of({f"c{number}": {"test-landmark": 1} for number in range(450)})
    for version in (every_reason, many):
        files = render(version)
        links = set(re.findall(r"\"(classes/[^\"]+)\"", files["classes.js"].decode()))
        reached, ahead = set(), ["index.html", *links]
        while ahead:
            path = ahead.pop()
            if path in reached:
                continue
            reached.add(path)
            for link in Page(files[path]).links if path.endswith(".html") else []:
                target = urlsplit(link).path
                if target and not urlsplit(link).scheme:
                    up = target.startswith("../") or "/" not in path
                    ahead.append(target.removeprefix("../") if up else f"{PurePosixPath(path).parent}/{target}")
        assert {path for path in files if path.endswith(".html")} <= reached
    assert overlaps_page(2) in files


def test_hostile_names_are_text_and_stay_in_the_folder(version_of):
    version = version_of({name: {"kept": 2, "http-error": 1, "placeholder": 1, "test-copy": 1} for name in HOSTILE})
    names = pictures_of(version)
    files = render(version, names)
    assert broken_links(files, names) == []
    for path in files:
        assert re.fullmatch(r"(classes|reasons|lookup)/[a-z0-9-]+\.(html|js|pairs\.js)|[a-z]+\.(html|js|css)", path), (
            path
        )
    assert len({path.lower() for path in files}) == len(files)
    for path in (path for path in files if path.endswith(".html")):
        page = Page(files[path])
        assert page.tags["script"] == (8 if path == "index.html" else 6)
        assert not [name for name, _ in page.attributes if name.startswith("on") and name != "onsubmit"]
        assert not [link for link in page.links if urlsplit(link).scheme not in ("", "https")]
    for name in HOSTILE:
        assert name.strip() in Page(files[class_page(name)]).words
    assert b"<script" not in files["classes.js"].replace(b"<script>alert(1)</script>", b"")


def test_class_pages_have_distinct_short_paths():
    paths = [class_page(name) for name in HOSTILE]
    assert len({path.lower() for path in paths}) == len(HOSTILE)
    assert max(map(len, paths)) < 80


def test_only_web_addresses_become_links(version_of):
    version = version_of({"a": {"invalid-url": 1, "http-error": 1}})
    page = Page(render(version)[class_page("a")])
    assert "https://photos.example.org/1.jpg?a=1&b=2" in page.links
    assert not [link for link in page.links if "nowhere" in link]
    assert "ftp:[nowhere" in page.words
    assert ("rel", "noreferrer noopener") in page.attributes


def test_an_overlap_shows_its_drawing_and_its_strongest_pair(version_of):
    version = version_of({"a": {"test-copy": 1}})
    (name,) = [name for name in pictures_of(version) if name.startswith("overlap-")]
    page = Page(render(version, {name})[class_page("a")])
    assert f"../pictures/{name}" in page.sources
    words = " ".join(page.words.split())
    for fact in ("oxford5k", "bodleian_000107.jpg", "copy", "84", "120"):
        assert fact in words
    assert "bodleian_000108.jpg" not in words


def test_a_verdict_on_another_pair_than_the_drawn_one_says_so(version_of):
    version = version_of({"a": {"test-copy": 1}})
    verdicts = version.tables["verdicts"].to_pylist()
    verdicts[0]["evidence"] = '{"test_set": "oxford5k", "test_image": "bodleian_000108.jpg", "inliers": 31}'
    tables = version.tables | {
        "verdicts": version.tables["verdicts"].from_pylist(verdicts, version.tables["verdicts"].schema)
    }
    page = dict(render_report(version.manifest, tables, ()))[class_page("a")]
    words = " ".join(Page(page).words.split())
    assert "bodleian_000108.jpg" in words
    assert "drawn beside" in words
    assert "oxford5k: bodleian_000107.jpg" in words


def test_what_was_found_through_another_image_says_so(version_of):
    version = version_of({"a": {"kept": 1, "test-landmark": 2}})
    overlaps = pa.Table.from_pylist(
        [row | {"through": "a test-landmark 0"} for row in version.tables["overlaps"].to_pylist()],
        version.tables["overlaps"].schema,
    )
    files = dict(render_report(version.manifest, version.tables | {"overlaps": overlaps}, ()))
    assert "a test-landmark 0, of its class" in Page(files[class_page("a")]).words
    assert re.search(
        rb"through others.*<td class=.n.>4</td><td class=.n.>0</td><td class=.n.>4</td>", files["index.html"], re.S
    )


def test_evidence_is_in_plain_words(every_reason):
    words = " ".join(Page(render(every_reason)[class_page("Notre-Dame de Paris")]).words.split())
    assert "Notre-Dame de Paris kept 0" in words  # what a duplicate equals
    assert "a & b, <script>alert(1)</script>, Notre-Dame de Paris" in words
    assert "0.1235" in words
    assert "test image bodleian_000107.jpg; inliers 84" in words
    assert "404" in words


def test_boxes_are_in_percent_of_the_picture(version_of):
    page = render(version_of({"a": {"kept": 1}}))[class_page("a")].decode()
    assert 'style="left:10.00%;top:10.00%;width:80.00%;height:80.00%"' in page


def test_a_leak_is_shown_as_a_failed_check(version_of):
    version = version_of({"a": {"kept": 1, "test-copy": 1}})
    overlaps = version.tables["overlaps"]
    overlaps = overlaps.set_column(0, overlaps.field("image_id"), [["a kept 0"] * overlaps.num_rows])
    files = dict(render_report(version.manifest, version.tables | {"overlaps": overlaps}, ()))
    assert "✗ fails 1 of 1 kept images show the same thing as a test photograph" in " ".join(
        Page(files["index.html"]).words.split()
    )
    assert "✗" not in Page(render(version)["index.html"]).words


def test_without_test_sets_the_index_says_so(version_of):
    words = Page(render(version_of({"a": {"kept": 1}}, test_sets={}))["index.html"]).words
    assert "Checked against no test set." in words


def test_each_step_of_the_funnel_names_its_reasons(every_reason):
    page = render(every_reason)["index.html"].decode()
    steps = [" ".join(Page(part.encode()).words.split()) for part in page.split('<div class="step">')[1:]]
    steps = [step.split("Upper bar")[0] for step in steps]
    assert "http-error" not in steps[0] + steps[1] + steps[3] + steps[4]
    assert "invalid-url 3" in steps[2]
    assert "test-copy 3" in steps[3]
    assert "no-match 3" in steps[4]


@pytest.mark.parametrize("plan", [{}, {"a": {"http-error": 1}}])
def test_a_version_of_nothing_has_a_report(version_of, plan):
    files = render(version_of(plan, funnel=[], settings={}))
    assert broken_links(files) == []


def test_the_same_version_gives_the_same_report(every_reason):
    assert render(every_reason) == render(every_reason)


def test_a_large_version_is_quick_and_its_pages_are_small(version_of):
    plan = {
        f"class {number}": {"kept": 20, "no-match": 8, "smaller-group": 5, "http-error": 7} for number in range(450)
    }
    version = version_of(plan | {"one large class": {"kept": 1500, "http-error": 600}})
    names = set(pictures_of(version))
    start = time.monotonic()
    files = render(version, names)
    seconds = time.monotonic() - start
    assert version.tables["verdicts"].num_rows > 20_000
    assert seconds < 60  # 2 seconds when this was written
    assert max(len(content) for path, content in files.items()) < 300_000
    assert (
        len(rows_of(files, [path for path in files if path.startswith("classes/")]))
        == version.tables["verdicts"].num_rows
    )


def test_the_module_brings_neither_prefect_nor_torch_nor_a_store():
    modules = "tasks.publish.report, tasks.publish.card, tasks.publish.illustrate"
    code = (
        f"import sys, {modules}; print([name for name in ('prefect', 'torch', 'storage.root') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


CHROMIUM = shutil.which("chromium")


def open_page(folder, path, *, fragment=""):
    """The page's DOM after its scripts ran, and what they wrote to the console."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    flags += ["--disable-background-networking", "--disable-component-update", "--enable-logging=stderr", "--dump-dom"]
    flags += ["--virtual-time-budget=2000"]  # for scripts that scripts load
    command = [str(CHROMIUM), *flags, f"--user-data-dir={folder / 'profile'}", f"{(folder / path).as_uri()}{fragment}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture
def opened(tmp_path, every_reason):
    for path, content in render(every_reason).items():
        Path(tmp_path / path).parent.mkdir(exist_ok=True)
        Path(tmp_path / path).write_bytes(content)
    return tmp_path


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not on PATH")
def test_the_browser_filters_the_table_of_classes(opened):
    page, messages = open_page(opened, "index.html")
    assert messages == []
    assert "2 of 2 classes" in page
    page, messages = open_page(opened, "index.html", fragment="#reason=no-match")
    assert messages == []
    assert "1 of 2 classes" in page
    table = page.split('id="class-table"')[1].split("</table>")[0]
    assert f'href="{class_page("Notre-Dame de Paris")}#reason=no-match"' in table
    assert class_page("Louvre") not in table


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not on PATH")
def test_the_browser_finds_an_image_by_the_start_of_its_address(opened, every_reason):
    rows = every_reason.tables["sources"].to_pylist()
    wanted = next(row for row in rows if row["image_id"] == "Louvre kept 3")
    page, messages = open_page(opened, "index.html", fragment=f"#find={quote(wanted['url'][:-8])}")
    assert messages == []
    assert f'href="{class_page("Louvre", 1)}#row-{wanted["row"]}"' in page
    assert "1 found" in page


DECIDE = """
addEventListener("load", async () => {
  const item = (reason) => document.querySelector(`[data-reason="${reason}"] [data-can]`);
  const press = (reason, section) => item(reason).querySelector(`[data-section="${section}"]`).click();
  press("kept", "drop"); press("no-match", "keep"); press("smaller-group", "pin");
  item("few-neighbours").focus();
  const type = (key) => item("few-neighbours").dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  type("a"); type("r");
  document.querySelector(".theme").click();
  await enlarge(document.querySelector("[data-can]"));
  document.body.append(element("pre", { id: "toml" }, toml()));
});
"""


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not on PATH")
def test_what_is_decided_in_the_browser_are_valid_overrides(opened):
    path = class_page("Notre-Dame de Paris")
    (opened / "classes/decide.js").write_text(DECIDE)
    content = (opened / path).read_text().replace("</body>", '<script src="decide.js"></script></body>')
    (opened / path).write_text(content)
    page, messages = open_page(opened, path)
    assert messages == []
    decided = tomllib.loads(unescape(re.search(r'<pre id="toml">(.*?)</pre>', page, re.S)[1]))
    name, why = "Notre-Dame de Paris", "in the report of version 7"
    assert Overrides.model_validate(decided).model_dump() == {
        "pin": {name: f"{name} smaller-group 0"},
        "merge": {},
        "keep": {f"{name} few-neighbours 0": why, f"{name} no-match 0": why},
        "drop": {f"{name} kept 2": why},
    }
    assert '<html lang="en" data-theme="dark">' in page
    assert "<output>4 decisions</output>" in page
    assert re.search(r'<dialog id="enlarged" open=""><div class="sheet"><img', page)


def test_what_was_decided_before_is_where_decisions_begin(version_of):
    version = version_of(
        {"a": {"kept": 3, "dropped-by-hand": 1}}, overrides={"drop": {"a dropped-by-hand 0": "a drawing"}}
    )
    files = render(version)
    assert b'"drop":{"a dropped-by-hand 0":"a drawing"}' in files["overrides.js"]
    assert files[class_page("a")].count(b'data-can="drop"') == 4


def test_classes_to_look_at_are_named_with_the_reason(version_of):
    index = Page(render(version_of({"few": {"kept": 2}, "many": {"kept": 9}}))["index.html"])
    assert re.search(r"Look at these first\s+1\s+Class\s*Kept\s*Why\s+few\s*2\s*keeps 2", index.words)


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not on PATH")
def test_the_browser_shows_one_reason_of_a_class(opened):
    page, messages = open_page(opened, class_page("Notre-Dame de Paris"), fragment="#reason=no-match")
    assert messages == []
    shown = [
        code
        for code, attributes in re.findall(r'<section class="part" data-reason="([\w-]+)"([^>]*)>', page)
        if not attributes
    ]
    assert shown == ["no-match"]


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not on PATH")
def test_the_browser_follows_a_reason_to_its_page(tmp_path, version_of):
    for path, content in render(version_of({"a": {"kept": 130, "no-match": 3}})).items():
        Path(tmp_path / path).parent.mkdir(exist_ok=True)
        Path(tmp_path / path).write_bytes(content)
    page, messages = open_page(tmp_path, class_page("a"), fragment="#reason=no-match")
    assert messages == []
    assert 'data-reason="no-match">' in page
    assert 'data-reason="kept" hidden' in page


def test_groups_are_shown_with_the_margin_and_how_to_pin_another(every_reason):
    files = render(every_reason, pictures_of(every_reason))
    page = Page(files[class_page("Notre-Dame de Paris")]).words
    assert "The largest group leads the next by 7." in page
    assert "pin an image of it" in page
    assert "pin an image of it" not in Page(files[class_page("Louvre")]).words


def test_what_is_masked_is_drawn_over_each_picture(every_reason):
    files = render(every_reason, pictures_of(every_reason))
    page = Page(files[class_page("Louvre")])
    assert page.tags["rect"] >= page.tags["figure"] == page.tags["circle"] > 0


def test_what_was_cut_is_shown(every_reason):
    cut = {"landmark_id": "Louvre", "image_a": "Louvre kept 0", "image_b": "Louvre kept 1", "inliers": 8}
    cut |= {"false_alarms": -6.2, "size_a": 61, "size_b": 69, "rule": "bridge"}
    tables = every_reason.tables | {"cuts": pa.Table.from_pylist([cut], CUTS.schema)}
    shas = {image["image_id"]: image["sha256"] for image in tables["images"].to_pylist()}
    name = f"cut-{shas['Louvre kept 0']}-{shas['Louvre kept 1']}.jpg"
    files = dict(render_report(every_reason.manifest, tables, {name}))
    page = Page(files[class_page("Louvre")])
    assert any(source.endswith(name) for source in page.sources)
    assert "61 and 69" in page.words
    assert "10^-6.2" in page.words


def test_classes_that_show_the_same_landmark_are_listed_and_shown_on_both_pages(every_reason):
    paris = "Notre-Dame de Paris"
    ends = {"landmark_a": "Louvre", "landmark_b": paris, "image_b": f"{paris} kept 0"}
    match = {"putative": 60, "false_alarms": -30.0, "affine": [1.0, 0, 0, 0, 1, 0], "points": [1.0, 2, 3, 4]}
    pairs = [{**ends, **match, "image_a": f"Louvre kept {n}", "inliers": 20 + n} for n in range(3)]
    tables = every_reason.tables | {"class_pairs": pa.Table.from_pylist(pairs, CLASS_PAIRS.schema)}
    shas = {image["image_id"]: image["sha256"] for image in tables["images"].to_pylist()}
    name = f"classes-{shas['Louvre kept 2']}-{shas[f'{paris} kept 0']}.jpg"
    files = dict(render_report(every_reason.manifest, tables, {name}))
    for own, other, counts in (("Louvre", paris, "3 here, 1 there"), (paris, "Louvre", "1 here, 3 there")):
        page = Page(files[class_page(own)])
        assert any(source.endswith(name) for source in page.sources)
        assert f"../{class_page(other)}#related" in page.links
        assert counts in page.words
        assert "22 inliers" in page.words
        assert ("data-merge", own) in page.attributes
        assert ("data-into", other) in page.attributes
    index = Page(files["index.html"])
    assert "Classes that show the same landmark 1" in index.words
    assert f"{class_page(paris)}#related" in index.links
    assert "show the same landmark" not in Page(render(every_reason)["index.html"]).words


def test_what_a_person_decided_is_told(version_of):
    version = version_of({"tower": {"kept": 3}}, overrides={"pin": {}, "merge": {"gate": "tower"}})
    files = render(version)
    assert "Images listed under gate count as this class" in Page(files[class_page("tower")]).words
    assert "merge.gate" in Page(files["index.html"]).words
    assert "Overrides" not in Page(render(version_of({"tower": {"kept": 3}}))["index.html"]).words
