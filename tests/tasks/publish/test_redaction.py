"""What of a version may be shown."""

import json

import pyarrow as pa

from storage.tables.acquisition import FETCH_LOG, IMAGES, SOURCES
from storage.tables.versions import VERDICTS
from tasks.acquire.address import SECRETS
from tasks.publish.redaction import redact_sources, redact_tables

SECRET = "http://h/x.jpg?w=1&token=t0k3n"
SHOWN = "http://h/x.jpg?w=1&token=redacted"


def table(spec, **row):
    columns = {field.name: [row.get(field.name)] for field in spec.schema}
    return pa.table(columns, pa.schema([field.with_nullable(True) for field in spec.schema]))


def test_only_the_list_itself_keeps_what_lets_in():
    evidence = {"url": SECRET, "found": f'"{SECRET}"', "status": 403, "through": [SECRET, {"of": SECRET}], "ä": None}
    tables = {
        "sources": table(SOURCES, url=SECRET),
        "images": table(IMAGES, final_url=SECRET),
        "fetch_log": table(FETCH_LOG, url=SECRET, final_url=None, detail=f"Failed to parse: {SECRET}"),
        "verdicts": table(VERDICTS, evidence=json.dumps(evidence)),
    }
    shown = redact_tables(tables, SECRETS)
    assert shown["sources"].equals(tables["sources"])
    assert "t0k3n" not in str([shown[name].to_pylist() for name in ("images", "fetch_log", "verdicts")])
    assert shown["images"]["final_url"].to_pylist() == [SHOWN]
    assert shown["fetch_log"].select(["url", "final_url", "detail"]).to_pylist() == [
        {"url": SHOWN, "final_url": None, "detail": f"Failed to parse: {SHOWN}"}
    ]
    told = json.loads(shown["verdicts"]["evidence"][0].as_py())
    assert told == {"url": SHOWN, "found": f'"{SHOWN}', "status": 403, "through": [SHOWN, {"of": SHOWN}], "ä": None}
    assert {name: part.schema for name, part in shown.items()} == {name: part.schema for name, part in tables.items()}
    assert redact_sources(tables["sources"], SECRETS)["url"].to_pylist() == [SHOWN]


def test_what_has_no_secret_stays_to_the_byte():
    evidence = '{"url":  "http://h/x.jpg?w=1",\n "group": 7.0}'
    tables = {
        "images": table(IMAGES, final_url="http://h/x.jpg?w=1"),
        "fetch_log": table(FETCH_LOG, url="http://h/x.jpg"),
        "verdicts": table(VERDICTS, evidence=evidence),
    }
    assert redact_tables(tables, SECRETS) == tables


def test_whose_values_are_hidden_is_a_setting():
    tables = {
        "images": table(IMAGES, final_url="http://h/x?mine=1&token=2"),
        "fetch_log": table(FETCH_LOG),
        "verdicts": table(VERDICTS, evidence="{}"),
    }
    assert redact_tables(tables, ("mine",))["images"]["final_url"].to_pylist() == ["http://h/x?mine=redacted&token=2"]
