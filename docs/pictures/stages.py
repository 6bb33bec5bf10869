"""Draws the pictures of docs/explanation/how-it-works.md from the demo's version: `python docs/pictures/stages.py`.

What is drawn is the class `summer_palace`, whose photograph may be shown (CC BY 2.0, danielbuechele), and one of the
public domain (NASA).
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

from tasks.features.extract import extract
from tasks.features.settings import FeatureSettings

HERE = Path(__file__).parent
CLASS = "summer_palace"
GREEN, GREY, RED, BLUE, ORANGE = "#0a8f5f", "#9aa0a6", "#d23f2f", "#4a9ad9", "#d98a00"
HEIGHT = 300
_BARS = 9


class Version:
    """The demo's version: its tables by name, and its pictures by the ids of their images."""

    def __init__(self, root: Path):
        name = (root / "versions/demo/latest").read_text().strip()
        self._root, self._folder = root, root / "versions/demo" / name
        self._images = self.table("images").set_index("image_id")

    def table(self, name: str) -> pd.DataFrame:
        """A table; all but `images` of the drawn class alone where they have classes."""
        table = pd.read_parquet(self._folder / f"{name}.parquet")
        return table[table.landmark_id == CLASS] if "landmark_id" in table and name != "images" else table

    def sha256(self, image_id: str) -> str:
        """The digest of an image's bytes."""
        return str(self._images.sha256[image_id])

    def path(self, image_id: str) -> Path:
        """Where the bytes of an image are."""
        return self._root / str(self._images.path[image_id])


def main(demo: Path) -> None:
    """Draws all pictures."""
    version = Version(demo / "root")
    draw_outcomes(pd.read_parquet(next((demo / "root/versions/demo").glob("*/verdicts.parquet"))))
    draw_keypoints(version, f"{CLASS}-10")
    draw_masks(version, "st_peters-06")
    draw_copy(version, demo / "testset")
    draw_pair(version)
    draw_groups(version)
    draw_boxes(version)


def draw_outcomes(verdicts: pd.DataFrame) -> None:
    """The addresses of the list by what became of them when they were fetched, as bars."""
    late = ~verdicts.stage.isin(["acquire", "sources"])
    counts = verdicts.reason.mask(late, "a whole picture").value_counts()
    counts = pd.concat([counts[:_BARS], pd.Series({f"{len(counts) - _BARS} others": counts[_BARS:].sum()})])
    rows = []
    for position, (reason, count) in enumerate(counts.items()):
        y, colour = 20 * position, GREEN if reason == "a whole picture" else GREY
        rows.append(
            f'<text x="170" y="{y + 14}" text-anchor="end">{reason}</text>'
            f'<rect x="180" y="{y + 3}" width="{3 * count}" height="14" fill="{colour}"/>'
            f'<text x="{186 + 3 * count}" y="{y + 14}">{count}</text>'
        )
    size = f'width="700" height="{20 * len(counts) + 4}"'
    style = 'font-family="sans-serif" font-size="13" fill="#777"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>' + "\n".join(rows) + "</svg>\n"
    (HERE / "stage-acquire.svg").write_text(svg)


def draw_keypoints(version: Version, image_id: str) -> None:
    """A photograph, and its keypoints with their sizes."""
    content = version.path(image_id).read_bytes()
    plain, scale = _open(version.path(image_id))
    drawn = plain.copy()
    pen = ImageDraw.Draw(drawn)
    for x, y, size in _circles(content):
        _ring(pen, x * scale, y * scale, max(2, size * scale), GREEN)
    _save("stage-features", [plain, drawn])


def draw_masks(version: Version, image_id: str) -> None:
    """A photograph that several classes list, and its keypoints: those masked are red."""
    masks = version.table("masks").set_index("sha256")
    mask = masks.loc[version.sha256(image_id)]
    bits = np.unpackbits(np.frombuffer(mask.bits, np.uint8))[: mask.detected].astype(bool)
    plain, scale = _open(version.path(image_id))
    drawn = plain.copy()
    pen = ImageDraw.Draw(drawn)
    for (x, y, _), masked in zip(_circles(version.path(image_id).read_bytes()), bits, strict=True):
        _ring(pen, x * scale, y * scale, 3, RED if masked else GREEN)
    _save("stage-overlays", [plain, drawn])


def draw_copy(version: Version, testset: Path) -> None:
    """An image of the list beside the test photograph that it is a copy of."""
    overlap = version.table("overlaps").iloc[0]
    _draw_matches("stage-overlap", version.path(overlap.image_id), testset / overlap.test_image, overlap.points)


def draw_pair(version: Version) -> None:
    """Two images of the class, and the keypoints that agree."""
    pairs = version.table("pairs")
    pair = pairs[(pairs.image_a == f"{CLASS}-10") | (pairs.image_b == f"{CLASS}-10")].nlargest(1, "inliers").iloc[0]
    _draw_matches("stage-match", version.path(pair.image_a), version.path(pair.image_b), pair.points)


def draw_groups(version: Version) -> None:
    """The graph of the class: its images by their groups, joined where they match."""
    groups = version.table("groups").set_index("image_id")
    graph: nx.Graph = nx.Graph()
    graph.add_nodes_from(groups.index)
    graph.add_edges_from(version.table("pairs")[["image_a", "image_b"]].itertuples(index=False, name=None))
    canvas = Image.new("RGB", (900, 520), "white")
    pen, points = ImageDraw.Draw(canvas), {}
    parts = sorted(nx.connected_components(graph), key=len, reverse=True)
    for number, part in enumerate(parts):
        row, column = divmod(number - 1, 2)
        centre, radius = ((270, 260), 195) if number == 0 else ((630 + 180 * column, 130 + 130 * row), 50)
        for turn, image_id in enumerate(sorted(part)):
            angle = 2 * np.pi * turn / len(part)
            reach = radius if len(part) > 1 else 0
            points[image_id] = (centre[0] + reach * np.cos(angle), centre[1] + reach * np.sin(angle))
    for first, second in graph.edges:
        pen.line([points[first], points[second]], fill=GREY, width=1)
    for image_id, (x, y) in points.items():
        thumbnail = ImageOps.fit(_open(version.path(image_id))[0], (72, 72))
        canvas.paste(thumbnail, (int(x) - 36, int(y) - 36))
        colour = GREEN if groups.kept[image_id] else ORANGE
        pen.rectangle([x - 37, y - 37, x + 36, y + 36], outline=colour, width=4)
    canvas.save(HERE / "stage-cluster.jpg", quality=85)


def draw_boxes(version: Version) -> None:
    """Three images: the first box of each, and the one that its neighbours agree on."""
    boxes = version.table("boxes").set_index("image_id")
    drawn = []
    for image_id in (f"{CLASS}-10", f"{CLASS}-11", f"{CLASS}-20"):
        picture, scale = _open(version.path(image_id))
        pen, box = ImageDraw.Draw(picture), boxes.loc[image_id] * scale
        pen.rectangle([box.first_x1, box.first_y1, box.first_x2, box.first_y2], outline=ORANGE, width=3)
        pen.rectangle([box.x1, box.y1, box.x2, box.y2], outline=GREEN, width=4)
        drawn.append(picture)
    _save("stage-boxes", drawn)


def _draw_matches(name: str, first: Path, second: Path, points: NDArray[Any]) -> None:
    (left, a), (right, b) = _open(first), _open(second)
    canvas = _beside([left, right])
    pen, shift = ImageDraw.Draw(canvas), left.width + 8
    for x, y, u, v in np.asarray(points, float).reshape(-1, 4)[::2]:
        pen.line([x * a, y * a, shift + u * b, v * b], fill=GREEN, width=1)
        _ring(pen, x * a, y * a, 3, BLUE)
        _ring(pen, shift + u * b, v * b, 3, BLUE)
    canvas.save(HERE / f"{name}.jpg", quality=85)


def _circles(content: bytes) -> Iterable[tuple[float, float, float]]:
    """Keypoints of a picture: x, y and radius, in pixels."""
    keypoints = extract(content, FeatureSettings()).keypoints
    return [(float(x), float(y), float(size)) for x, y, size in keypoints[:, :3]]


def _open(path: Path) -> tuple[Image.Image, float]:
    """A picture, upright and `HEIGHT` pixels high, and the factor by which it was resized."""
    picture = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    scale = HEIGHT / picture.height
    return picture.resize((round(picture.width * scale), HEIGHT), Image.Resampling.LANCZOS), scale


def _ring(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, colour: str) -> None:
    pen.ellipse([x - radius, y - radius, x + radius, y + radius], outline=colour)


def _beside(pictures: list[Image.Image]) -> Image.Image:
    canvas = Image.new("RGB", (sum(one.width + 8 for one in pictures) - 8, HEIGHT), "white")
    position = 0
    for picture in pictures:
        canvas.paste(picture, (position, 0))
        position += picture.width + 8
    return canvas


def _save(name: str, pictures: list[Image.Image]) -> None:
    _beside(pictures).save(HERE / f"{name}.jpg", quality=85)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("data/demo"))
