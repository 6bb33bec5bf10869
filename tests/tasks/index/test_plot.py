"""The plot has a dot for each index where its bytes and recall are, and names as text."""

import re
from xml.etree import ElementTree as ET

from tasks.index.plot import Point, draw_recall

POINTS = [Point("Flat", 8_200, 1.0), Point("PQ64", 76, 0.91), Point("<PQ16>", 28, 0.42)]


def test_more_bytes_lie_further_right_and_more_recall_higher():
    drawn = ET.fromstring(draw_recall(POINTS))
    _, _, width, height = map(float, drawn.attrib["viewBox"].split())
    dots = [
        (float(dot.attrib["cx"]), float(dot.attrib["cy"])) for dot in drawn.iter("{http://www.w3.org/2000/svg}circle")
    ]
    assert len(dots) == 3
    assert [x for x, _ in dots] == sorted(x for x, _ in dots)
    assert [y for _, y in dots] == sorted((y for _, y in dots), reverse=True)
    assert all(0 < x < width and 0 < y < height for x, y in dots)


def test_names_and_axes_are_written():
    text = draw_recall(POINTS)
    assert "&lt;PQ16&gt;" in text
    levels = re.findall(r">(0\.\d|1\.0)<", text)
    assert levels == ["0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1.0"]
    assert ">16<" in text
    assert ">16,384<" in text


def test_no_name_stands_on_another():
    text = draw_recall([Point(name, size, 1.0) for name, size in (("OPQ64", 185), ("PQ64", 186), ("SQ8", 187))])
    heights = re.findall(r'<text x="[\d.]+" y="([\d.]+)" text-anchor="(?:start|end)"', text)
    assert len({*heights}) == len(heights) == 3


def test_one_point_is_enough():
    assert draw_recall([Point("Flat", 512, 1.0)]).count("<circle") == 1
