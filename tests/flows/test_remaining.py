"""How long a run is said to take, before it begins and while it goes on."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.planning.forecast import forecast
from flows.planning.remaining import Remaining
from flows.settings import CurateSettings
from storage.tables.acquisition import SOURCES


def listed(rows: int) -> pa.Table:
    records = [
        {"row": n, "image_id": str(n), "landmark_id": str(n % 5), "url": f"https://h.org/{n}.jpg"} for n in range(rows)
    ]
    return pa.Table.from_pylist(records, SOURCES.schema)


def of(table: pa.Table, known: int = 0, workers: int = 1) -> dict[str, float]:
    return forecast(table, table["url"].slice(known), False, 0, CurateSettings(), workers)


def test_without_a_forecast_nothing_is_said_to_be_left() -> None:
    assert Remaining({}).seconds(3.0) is None


def test_a_stage_goes_on_as_it_began_and_the_next_as_those_that_have_computed() -> None:
    remaining = Remaining({"acquire": 100.0, "features": 10.0, "match": 40.0})
    assert remaining.seconds(0.0) == 150
    remaining.advance("acquire", 0, 4, 0.0)
    remaining.advance("acquire", 1, 4, 10.0)
    assert remaining.seconds(10.0) == 30 + 50
    remaining.advance("acquire", 4, 4, 40.0)  # faster than foreseen: computing is no faster for it
    assert remaining.seconds(40.0) == 50
    remaining.advance("features", 0, 2, 40.0)
    remaining.advance("features", 2, 2, 60.0)
    assert remaining.seconds(60.0) == 80
    remaining.advance("match", 7, 7, 61.0)
    assert remaining.seconds(61.0) == 0


def test_politeness_sets_the_time_of_fetching() -> None:
    assert of(listed(500))["acquire"] == pytest.approx(501 / CurateSettings().polite.host_rate)


@given(st.integers(1, 60), st.integers(0, 60))
def test_what_is_known_takes_no_time_and_workers_share_the_rest(rows: int, known: int) -> None:
    table = listed(rows)
    whole, rest = of(table), of(table, min(known, rows))
    assert all(rest[stage] <= whole[stage] for stage in whole)
    assert not any(of(table, rows)[stage] for stage in whole if stage != "acquire")
    assert of(table, workers=2)["features"] == pytest.approx(whole["features"] / 2)
