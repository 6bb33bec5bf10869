from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="session")
def kept_row() -> Callable[..., dict[str, Any]]:
    """A row of `kept_images`, of a JPEG of 40 × 30 pixels; cells by keywords."""

    def row(**cells: Any) -> dict[str, Any]:
        return {
            "image_id": "a", "landmark_id": "c", "class_index": 0, "split": "train", "path": "images/ab/ab.jpg",
            "bytes": 9, "width": 40, "height": 30, "x1": 3.2, "y1": 4.0, "x2": 20.5, "y2": 30.0, "supports": 2,
            "format": "JPEG", "mode": "RGB", "orientation": 1, **cells,
        }  # fmt: skip

    return row
