"""A version made up of plans: class name → how many rows of it have which reason."""

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from storage.manifest import FunnelStep, Manifest
from storage.reasons import Reason
from storage.tables.overlap import CERTIFICATE
from storage.tables.spec import TableRef
from storage.tables.versions import VERSION_TABLES
from tasks.publish.funnel import STEPS
from tests.rows import image_row

Plan = Mapping[str, Mapping[str, int]]

UNREADABLE = {"http-error": 404, "timeout": None, "unknown-host": None, "invalid-url": None, "not-an-image": 200}
BOX = {
    f"{kind}{side}": value
    for kind in ("", "first_")
    for side, value in (("x1", 64), ("y1", 48), ("x2", 576), ("y2", 432))
}
MATCH = {
    "putative": 120,
    "inliers": 84,
    "false_alarms": -50.0,
    "affine": [1.0, 0, 0, 0, 1, 0],
    "points": [10.0, 20.0, 30.0, 40.0],
}


@dataclass(frozen=True)
class Version:
    manifest: Manifest
    tables: dict[str, pa.Table]


class Maker:
    """Collects the rows of every table."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {spec.name: [] for spec in VERSION_TABLES}
        self.groups = set[tuple[str, int]]()

    def add(self, landmark_id: str, reason: Reason, number: int) -> None:
        row = len(self.rows["sources"])
        image_id = f"{landmark_id} {reason} {number}"
        url = "ftp:[nowhere" if reason == "invalid-url" else f"https://photos.example.org/{row}.jpg?a=1&b=2"
        sha256 = None if reason in UNREADABLE else hashlib.sha256(image_id.encode()).hexdigest()
        kept = reason is Reason.KEPT
        who = {"image_id": image_id, "landmark_id": landmark_id}
        self.rows["sources"].append({"row": row, "url": url, **who})
        self.rows["verdicts"].append(
            {
                "row": row,
                "verdict": "kept" if kept else "dropped",
                "stage": reason.stage,
                "reason": reason.value,
                "evidence": json.dumps(self.evidence(reason, landmark_id)),
                "split": ("val" if number % 5 == 0 else "train") if kept else None,
                "sha256": sha256,
                **who,
            }
        )
        self.rows["fetch_log"].append(
            {
                "image_id": image_id,
                "url": url,
                "outcome": "fetched" if sha256 else reason.value,
                "status": 200 if sha256 else UNREADABLE[reason],
                "attempts": 1,
                "bytes": 1000,
                "started_at": datetime(2026, 1, 1, tzinfo=UTC),
                "seconds": 0.5,
                "detail": None if sha256 else f"no picture: {reason}",
            }
        )
        if sha256:
            self.add_image(who, reason, sha256, number)

    def add_image(self, who: dict[str, str], reason: Reason, sha256: str, number: int) -> None:
        path, height = f"images/{sha256[:2]}/{sha256}.jpg", 960 if number % 3 == 1 else 480
        self.rows["images"].append(image_row(**who, sha256=sha256, path=path, bytes=1000, height=height))
        mask = {
            "detected": 1000,
            "masked": 5,
            "bits": b"",
            "regions": [10.0, 400.0, 600.0, 470.0],
            "points": [320.0, 9.0],
        }
        self.rows["masks"].append({"sha256": sha256, **mask})
        if reason.stage == "cluster" or reason is Reason.KEPT:
            group = {"kept": 0, "smaller-group": 1 + number // 4, "no-match": 100 + number}.get(reason, 0)
            size = {"kept": 50, "smaller-group": 4, "no-match": 1}.get(reason, 2)
            kept = reason is Reason.KEPT
            self.rows["groups"].append(
                {"group": group, "group_size": size, "neighbours": size - 1, "kept": kept, "copy_of": None, **who}
            )
            if size > 1:
                self.add_group(who, group, size, kept=kept)
        if reason is Reason.KEPT:
            boxed = {"image_id": who["image_id"], **BOX, "supports": number + 1, "spread": 2.5, "first_spread": 4.5}
            boxed["sweeps"] = 4
            self.rows["boxes"].append(boxed)
        if reason in (Reason.TEST_COPY, Reason.TEST_LANDMARK):
            kind = "copy" if reason is Reason.TEST_COPY else "landmark"
            for test_image, inliers in (("bodleian_000107.jpg", 84), ("bodleian_000108.jpg", 31)):
                found = {
                    "test_set": "oxford5k",
                    "test_image": test_image,
                    "site": "bodleian",
                    "role": "positive",
                    "mirrored": False,
                    "kind": kind,
                    "through": None,
                }
                self.rows["overlaps"].append({**who, **found, **MATCH, "inliers": inliers})

    def add_group(self, who: dict[str, str], group: int, size: int, *, kept: bool) -> None:
        row = {
            "landmark_id": who["landmark_id"],
            "group": group,
            "images": size,
            "photographs": size,
            "weight": 100,
            "first_image": who["image_id"],
            "kept": kept,
            "pinned": False,
            "margin": 7,
            "confidence": 0.8 if kept else None,
        }
        if (who["landmark_id"], group) not in self.groups:
            self.groups.add((who["landmark_id"], group))
            self.rows["class_groups"].append(row)

    @staticmethod
    def evidence(reason: Reason, landmark_id: str) -> dict[str, Any]:
        match reason:
            case Reason.PLACEHOLDER:
                return {"classes": ["a & b", "<script>alert(1)</script>", landmark_id], "rows": 17}
            case Reason.DUPLICATE_IMAGE:
                return {"same_as": f"{landmark_id} kept 0", "ratio": 0.123456}
            case Reason.TEST_LANDMARK_CLASS:
                return {"pairs": [{"test_image": "bodleian_000107.jpg", "inliers": 84}], "strong": True}
            case _:
                return {}


def certificate(overlaps: pa.Table, test_sets: dict[str, int]) -> pa.Table:
    """As if 1,000 images had been compared with every photograph but for 200 pairs, of which the audit found one."""
    counts = {"images": 1000, "verified": 6, "audited": 200, "audit_found": 1, "missed": 1.0}
    counts |= {"mates_compared": 0, "mates_verified": 0, "images_through": 0}
    counts |= {"missed_low": 0.0, "missed_high": 5.5}
    known = {"sites": 11, "ground_truth": True, "absent": 0, "ignored": 0, "not_compared": 0, "signature": "ab" * 32}
    found = {"images_found": len(set(overlaps["image_id"].to_pylist())), "classes_found": 1}
    found |= {"copies_dropped": 2, "landmarks_dropped": 3, "classes_dropped": 1, "class_images_dropped": 19}
    rows = [
        {
            "test_set": name,
            "photographs": size,
            "possible": 1000 * size,
            "compared": 1000 * size - 400,
            **known,
            **counts,
            **found,
        }
        for name, size in sorted(test_sets.items())
    ]
    return pa.Table.from_pylist(rows, CERTIFICATE.schema)


def make_version(plan: Plan, **facts: Any) -> Version:
    maker = Maker()
    for landmark_id, reasons in plan.items():
        for reason, count in reasons.items():
            for number in range(count):
                maker.add(landmark_id, Reason(reason), number)
    tables = {spec.name: pa.Table.from_pylist(maker.rows[spec.name], schema=spec.schema) for spec in VERSION_TABLES}
    total = tables["sources"].num_rows
    given = {
        "settings": {"acquire": {"timeout_seconds": 20.0, "formats": ["JPEG", "PNG"]}, "name": "<b>demo</b>"},
        "software": {"cairn": "0.1.0", "opencv": "5.0.0"},
        "test_sets": {"oxford5k": 5062, "paris6k": 6412},
        "matching": {
            "possible": 9000,
            "compared": 4321,
            "skipped": 17,
            "verified": 1234,
            "audited": 200,
            "audit_found": 1,
            "missed": 23.3,
            "missed_low": 0.6,
            "missed_high": 129.0,
        },
        "funnel": [
            FunnelStep(step=step, images=images, classes=classes)
            for step, images, classes in zip(
                STEPS,
                (total, total, total * 3 // 4, total * 2 // 3, total // 2, total // 2),
                (*[len(plan)] * 5, max(len(plan) - 1, 0)),
                strict=True,
            )
        ],
    }
    tables["certificate"] = certificate(tables["overlaps"], (given | facts)["test_sets"])
    refs = {
        name: TableRef(path=f"{name}.parquet", digest=f"{number}" * 64, rows=table.num_rows)
        for number, (name, table) in enumerate(tables.items())
    }
    created = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    manifest = Manifest(**given | facts, name="demo", number=7, digest="ab" * 32, tables=refs, created_at=created)
    return Version(manifest, tables)


@pytest.fixture
def version_of() -> Callable[..., Version]:
    return make_version


@pytest.fixture
def every_reason() -> Version:
    """Two classes: one with three rows of every reason, one kept whole."""
    return make_version({"Notre-Dame de Paris": dict.fromkeys(Reason, 3), "Louvre": {"kept": 130}})


@pytest.fixture
def picture() -> Callable[..., bytes]:
    """Draws a picture: dark with a white square of a tenth of its width at the given corner."""

    def draw(width: int, height: int, *, corner: tuple[int, int] = (0, 0), orientation: int = 1) -> bytes:
        pixels = np.full((height, width, 3), 40, np.uint8)
        x, y = corner
        pixels[y : y + width // 10, x : x + width // 10] = 255
        exif = Image.Exif()
        exif[0x0112] = orientation
        sink = io.BytesIO()
        Image.fromarray(pixels).save(sink, "JPEG", quality=95, exif=exif)
        return sink.getvalue()

    return draw
