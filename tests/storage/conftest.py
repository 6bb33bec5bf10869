"""Roots of both kinds, a local folder and a bucket of a real S3-compatible server, and small versions to keep there."""

import itertools
import logging
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from storage.manifest import Facts, FunnelStep, Manifest, Matching
from storage.root import Root
from storage.tables.versions import VERSION_TABLES
from storage.versions import publish_version

BUCKET = "cairn-tests"
_numbers = itertools.count()


class _Requests(logging.Handler):
    """The server's own log of requests, as (method, key)."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        found = re.search(rf"(PUT|DELETE) /{BUCKET}/([^ ?]+)[^ ]* HTTP", record.getMessage())
        if found:
            self.seen.append((found[1], found[2]))


@pytest.fixture(scope="session")
def object_store() -> Iterator[Any]:
    """A client of a store that all tests share; `requests` of it is what the server logged."""
    boto3 = pytest.importorskip("boto3", reason="boto3 is not installed")
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    moto_server = pytest.importorskip("moto.server", reason="moto[server] is not installed")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            patch.setenv(name, value)
        requests, logger = _Requests(), logging.getLogger("werkzeug")
        logger.addHandler(requests)
        logger.setLevel(logging.INFO)
        server = moto_server.ThreadedMotoServer("127.0.0.1", 0)
        server.start()
        host, port = server.get_host_and_port()
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        client.requests = requests.seen
        yield client
        server.stop()
        logger.removeHandler(requests)


@pytest.fixture
def local_root(tmp_path) -> Root:
    return Root(str(tmp_path / "root"))


@pytest.fixture
def bucket_root(object_store) -> Root:
    object_store.requests.clear()
    return Root(f"s3://{BUCKET}/root-{next(_numbers)}")


@pytest.fixture(params=["local", "bucket"])
def root(request) -> Root:
    """The same behaviour is asked of both."""
    return request.getfixturevalue(f"{request.param}_root")


FACTS = Facts(
    settings={"match": {"min_inliers": 20}},
    software={"cairn": "0.1.0"},
    test_sets={"paris6k": 40},
    matching=Matching(
        possible=3,
        compared=3,
        skipped=0,
        verified=1,
        audited=0,
        audit_found=0,
        missed=0.0,
        missed_low=0.0,
        missed_high=0.0,
    ),
    funnel=[FunnelStep(step="in the list", images=2, classes=1)],
)


def make_tables(
    reasons: dict[str, str], boxes: dict[str, tuple[float, float, float, float]] | None = None, seconds: float = 0.5
) -> dict[str, pa.Table]:
    """Tables of a version: image id → reason code, image id → box. A key like `a#2` is a repeated row of image a."""
    rows: dict[str, list[dict[str, Any]]] = {spec.name: [] for spec in VERSION_TABLES}
    for row, (key, reason) in enumerate(reasons.items()):
        who = {"image_id": key.split("#")[0], "landmark_id": "tower"}
        rows["sources"].append({"row": row, "url": f"http://h/{who['image_id']}", **who})
        kept = reason == "kept"
        verdict = {
            "verdict": "kept" if kept else "dropped",
            "stage": "publish" if kept else "acquire",
            "reason": reason,
        }
        rows["verdicts"].append(
            {"row": row, "evidence": f'{{"row": {row}}}', "split": "train" if kept else None, **who, **verdict}
        )
        started = datetime(2026, 1, 1, tzinfo=UTC)
        if "#" not in key:
            rows["fetch_log"].append(
                {
                    "image_id": key,
                    "url": "u",
                    "outcome": "fetched",
                    "attempts": 1,
                    "bytes": 1,
                    "started_at": started,
                    "seconds": seconds,
                }
            )
    for image, box in (boxes or {}).items():
        sides = dict(zip(("x1", "y1", "x2", "y2"), box, strict=True))
        first = {f"first_{side}": value for side, value in sides.items()}
        rows["boxes"].append(
            {"image_id": image, **sides, **first, "supports": 2, "spread": 0.0, "first_spread": 0.0, "sweeps": 1}
        )
    return {spec.name: pa.Table.from_pylist(rows[spec.name], spec.schema) for spec in VERSION_TABLES}


@pytest.fixture
def tables_of() -> Callable[..., dict[str, pa.Table]]:
    return make_tables


@pytest.fixture
def facts() -> Facts:
    return FACTS


@pytest.fixture
def publish() -> Callable[..., Manifest]:
    """Publishes tables under the name `set`, with a card."""

    def run(root: Root, tables: dict[str, pa.Table], name: str = "set") -> Manifest:
        return publish_version(
            root, name, tables, FACTS, lambda manifest: [("README.md", f"# {manifest.name}".encode())]
        )

    return run
