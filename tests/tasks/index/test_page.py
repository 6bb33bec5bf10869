"""The sheet of a search shows what was found, where, and why; what others named stays text."""

import io
import re
from html.parser import HTMLParser

from PIL import Image

from tasks.index.agreeing import Agreement
from tasks.index.contributions import Contribution
from tasks.index.page import COLOURS, Found, Picture, Share, Sheet, render_search

QUERY = Picture("query", 400, 300)


def photograph(picture: Picture) -> bytes:
    sink = io.BytesIO()
    Image.new("RGB", (picture.width, picture.height), "teal").save(sink, "JPEG")
    return sink.getvalue()


def render(*found: Found, box=None, title="tower.jpg", query=QUERY, text="") -> dict[str, bytes]:
    return dict(render_search(Sheet(title, query, box, text, found, [("searched", "2 photographs")]), photograph))


def a_result(**changes) -> Found:
    values = {
        "picture": Picture("ab" * 32, 200, 300),
        "image_id": "image-1",
        "landmark_id": "tower",
        "similarity": 0.8126,
        "verdict": "kept",
    }
    return Found(**{**values, **changes})


def test_every_picture_is_there_once_and_small():
    files = render(a_result(), a_result(image_id="image-2"))
    assert sorted(files) == ["index.html", f"pictures/{'ab' * 32}.jpg", "pictures/query.jpg", "style.css"]
    with Image.open(io.BytesIO(files["pictures/query.jpg"])) as image:
        assert image.size == (256, 192)
    shown = re.findall(r'src="(.*?)"', files["index.html"].decode())
    assert set(shown) <= set(files)


def test_boxes_are_in_the_pixels_of_their_photograph():
    pair = Agreement((10.0, 20.0, 110.0, 120.0), (30.0, 40.0, 90.0, 100.0), 0.66)
    page = render(a_result(box=(5.0, 6.0, 105.0, 206.0), agreements=[pair]), box=(1.0, 2.0, 301.0, 202.0))["index.html"]
    text = page.decode()
    assert '<rect class="located" x="1.0" y="2.0" width="300.0" height="200.0" stroke="#35e0a1"/>' in text
    assert '<rect class="located" x="5.0" y="6.0" width="100.0" height="200.0" stroke="#35e0a1"/>' in text
    regions = re.findall(r'<rect class="region" x="(.*?)" y="(.*?)" width="(.*?)" height="(.*?)" stroke="(.*?)"', text)
    assert [[float(number) for number in region[:4]] for region in regions] == [
        [14.0, 24.0, 92.0, 92.0],  # set in by a hundredth of the photograph's side
        [33.0, 43.0, 54.0, 54.0],
    ]
    assert {region[4] for region in regions} == {COLOURS[0]}
    assert text.count('viewBox="0 0 400 300"') == 2
    assert text.count('viewBox="0 0 200 300"') == 1


def test_what_is_no_utf8_is_shown_as_question_marks():
    page = render(a_result(), title="p\udcff.png")["index.html"].decode()
    assert "p?.png" in page


def test_verdict_class_and_similarity_are_told():
    text = render(a_result(), a_result(verdict="no-match", landmark_id=""))["index.html"].decode()
    assert "0.813" in text
    assert ">kept</b>" in text
    assert ">no-match</b>" in text
    assert "no class" in text
    assert "<b>2</b> photographs that look most like it, of 1 class; <b>1</b> of them are kept" in text


def test_a_text_alone_has_no_photograph_and_each_result_the_regions_that_add_most():
    share = Share("text", 0.8126, [Contribution((10.0, 20.0, 110.0, 120.0), 0.21)])
    files = render(a_result(shares=[share]), query=None, text="a tower")
    assert sorted(files) == ["index.html", f"pictures/{'ab' * 32}.jpg", "style.css"]
    page = files["index.html"].decode()
    assert "photographs that are most like these words" in page
    assert page.count('<rect class="region"') == 1
    assert "0.813</b> · regions 0.21<" in page
    assert "by the text" not in page  # there is nothing else


def test_a_photograph_with_a_text_shows_each_result_by_either():
    shares = [
        Share("photograph", 0.5126, [Contribution((10.0, 20.0, 110.0, 120.0), 0.21)]),
        Share("text", 0.3, [Contribution((5.0, 5.0, 90.0, 90.0), 0.11), Contribution((50.0, 90.0, 200.0, 240.0), 0.1)]),
    ]
    page = render(a_result(shares=shares), text="at night")["index.html"].decode()
    assert "photographs that are most like it and these words together" in page
    assert page.count(f'src="pictures/{"ab" * 32}.jpg"') == 2
    assert page.count('<rect class="region"') == 3
    assert 'by the photograph <b class="similarity">0.513</b> · regions 0.21<' in page
    assert 'by the text <b class="similarity">0.300</b> · regions 0.11 0.10<' in page


def test_names_that_others_gave_stay_text():
    class Scripts(HTMLParser):
        found = 0

        def handle_starttag(self, tag, attrs):
            self.found += tag in ("script", "img") and dict(attrs).get("src") in (None, "x")

    evil = '<script>alert(1)</script>"><img src="x">'
    parser = Scripts()
    parser.feed(
        render(a_result(landmark_id=evil, image_id=evil, verdict=evil), title=evil, text=evil)["index.html"].decode()
    )
    assert parser.found == 0
