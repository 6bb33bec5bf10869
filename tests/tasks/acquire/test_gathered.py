"""What came of rows, gathered into tables and written down on the way."""

import itertools

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from storage.reasons import Reason
from storage.tables.acquisition import DROPS, FETCH_LOG, IMAGES
from tasks.acquire.fetch import Fetched
from tasks.acquire.gathered import Gathered
from tasks.acquire.inspect import Picture
from tasks.acquire.outcome import Outcome, settle
from tasks.acquire.resume import SourceRow

FACTS = {"width": 9, "height": 8, "format": "JPEG", "mode": "RGB", "orientation": 1, "frames": 1, "bytes": 7}
PICTURE = Picture(sha256="a", md5="m", pixel_hash="x", phash="y", licence=None, author=None, **FACTS)


def listed(number: int) -> SourceRow:
    return SourceRow(f"i{number:04d}", f"http://a.example/{number}", "c", None)


def outcome(number: int, *, is_picture: bool = True) -> Outcome:
    if is_picture:
        return settle(listed(number).url, Fetched(None, b"1234567", status=200), PICTURE, "p")
    return settle(listed(number).url, Fetched(Reason.TIMEOUT), None, None)


def ids(tables: dict[str, pa.Table], name: str) -> list[str]:
    return tables[name]["image_id"].to_pylist()


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=150))
def test_each_row_is_in_the_log_and_in_one_other_table_in_the_order_they_came(rows):
    gathered = Gathered(lambda _: None)
    for number, (is_picture, is_new) in enumerate(rows):
        gathered.add(listed(number), outcome(number, is_picture=is_picture), is_new=is_new)
    tables = gathered.tables()
    came = sorted(range(len(rows)), key=lambda number: rows[number][1])  # those of old first
    assert ids(tables, "fetch_log") == [listed(number).image_id for number in came]
    assert ids(tables, "images") == [listed(number).image_id for number in came if rows[number][0]]
    assert ids(tables, "drops") == [listed(number).image_id for number in came if not rows[number][0]]
    for spec in (IMAGES, DROPS, FETCH_LOG):
        assert tables[spec.name].schema.equals(spec.schema)


def test_a_thousand_new_rows_are_written_down_at_once_and_no_old_ones():
    parts: list[int] = []
    gathered = Gathered(lambda tables: parts.append(tables["images"].num_rows))
    for number in range(2500):
        gathered.add(listed(number), outcome(number), is_new=True)
    for number in range(2500, 5000):
        gathered.add(listed(number), outcome(number), is_new=False)
    assert parts == [1000, 1000]
    assert gathered.tables()["images"].num_rows == 5000


def test_what_comes_slowly_is_written_down_in_ever_longer_parts(monkeypatch):
    clock = itertools.count(step=40)  # seconds between two rows
    monkeypatch.setattr("tasks.acquire.gathered.monotonic", lambda: next(clock))
    parts: list[pa.Table] = []
    gathered = Gathered(lambda tables: parts.append(tables["fetch_log"]))
    for number in range(1000):
        gathered.add(listed(number), outcome(number), is_new=True)
    lengths = [part.num_rows for part in parts]
    assert lengths[:90] == [1] * 90  # a row is longer in coming than thirty seconds
    assert lengths == sorted(lengths)
    assert lengths[-1] == 10  # a hundredth of the time that it took by then
    assert len(parts) < 400
    written = [image for part in parts for image in part["image_id"].to_pylist()]
    assert written == [listed(number).image_id for number in range(len(written))]
