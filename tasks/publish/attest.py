"""The pages of a certificate: what a version or a folder shares with test sets, every accepted pair, drawn."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import pyarrow as pa

from storage.manifest import Certificate
from tasks.pages.rendering import page_count, style_sheet, template_environment
from tasks.pages.words import flatten
from tasks.publish.items import told_through
from tasks.publish.pages import TEMPLATES
from tasks.publish.passed_over import sentence_of, tell_reasons, uncompared
from tasks.publish.rows import cells

_PER_PAGE = 60


def certificate_page(page: int = 0) -> str:
    """Returns path of a page below the certificate's folder; the first is its index."""
    return f"index-p{page + 1}.html" if page else "index.html"


def render_certificate(made: Certificate, tables: Mapping[str, pa.Table]) -> Iterator[tuple[str, bytes]]:
    """Yields the pages as (path in the certificate's folder, bytes).

    Args:
        tables: every table of `CERTIFICATE_TABLES` by name. Drawings are in `pictures/`, as `overlap-SHA256.jpg`.
    """
    yield style_sheet()
    template = template_environment(TEMPLATES).get_template("certificate.html")
    found = found_images(tables)
    pages = page_count(len(found), _PER_PAGE)
    for page in range(pages):
        text = template.render(
            base="",
            manifest=made,
            images=tables["images"].num_rows,
            told=tell_reasons(made.passed_over),
            passed_over=uncompared(tables["passed_over"]),
            sentence_of=sentence_of,
            certificate=tables["certificate"].to_pylist(),
            namesakes=tables["namesakes"].to_pylist(),
            pairs=tables["overlaps"].num_rows,
            found=found[page * _PER_PAGE : (page + 1) * _PER_PAGE],
            total=len(found),
            through=sum(image["pairs"][0]["through"] is not None for image in found),
            told_through=told_through,
            settings=list(flatten(made.settings)),
            pager=[certificate_page(number) for number in range(pages)],
            page=page,
        )
        yield certificate_page(page), text.encode()


def found_images(tables: Mapping[str, pa.Table]) -> list[dict[str, Any]]:
    """Returns the images that share something, by class and then by their strongest pair, the strongest first.

    Returns:
        image_id, landmark_id, sha256, reason (null where nothing follows for the image), and `pairs`, its rows of
        `overlaps` without points, the one that is drawn first.
    """
    sha256 = dict(zip(*cells(tables["images"], ["image_id", "sha256"]), strict=True))
    reasons = dict(zip(*cells(tables["drops"], ["image_id", "reason"]), strict=True))
    rows = tables["overlaps"].drop_columns(["points"]).to_pylist()
    rows.sort(key=lambda row: (row["image_id"], row["kind"], -row["inliers"], row["test_set"], row["test_image"]))
    found = []
    for image_id, part in groupby(rows, key=lambda row: row["image_id"]):
        pairs = list(part)
        own = {"image_id": image_id, "landmark_id": pairs[0]["landmark_id"], "sha256": sha256[image_id]}
        found.append({**own, "reason": reasons.get(image_id), "pairs": pairs})
    return sorted(found, key=lambda image: (image["landmark_id"], -image["pairs"][0]["inliers"], image["image_id"]))
