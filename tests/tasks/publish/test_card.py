import re

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from storage.reasons import Reason
from storage.tables.versions import VERSION_TABLES
from tasks.publish.card import render_card


def front_matter(card):
    return yaml.safe_load(card.split("---\n")[1])


def test_the_front_matter_names_every_table_once(every_reason):
    facts = front_matter(render_card(every_reason.manifest, every_reason.tables))
    assert [(config["config_name"], config["data_files"]) for config in facts["configs"]] == [
        (spec.name, f"{spec.name}.parquet") for spec in VERSION_TABLES
    ]
    assert [config["config_name"] for config in facts["configs"] if config.get("default")] == ["verdicts"]
    assert facts["license"] == "other"
    assert facts["size_categories"] == ["n<1K"]


def test_the_counts_are_those_of_the_tables(every_reason):
    card = render_card(every_reason.manifest, every_reason.tables)
    assert "133 images in 2 classes" in card
    assert f"out of {133 + 3 * (len(Reason) - 1)} rows" in card
    assert "| `no-match` | cluster | 3 |" in card
    assert "| train | 106 | 2 |" in card
    assert "| oxford5k | 5,062 | 5,061,600 | 5,062,000 | 6 | 2 | 3 | 1 | 200 | 1 | 1 (0 to 6) |" in card
    assert "0 of 133 kept images show the same thing as a test photograph" in card
    dropped = sum(int(count) for count in re.findall(r"(\d+) dropped\.", card))
    assert dropped == 3 * (len(Reason) - 1)


def test_what_was_not_compared_is_told(version_of):
    told = {"": {"linked-out": 2}, "paris6k": {"absent": 1_200, "known-corrupt": 20}}
    made = version_of({"Louvre": {"kept": 3}}, passed_over=told)
    card = render_card(made.manifest, made.tables)
    assert "test photograph; what was not compared stands below." in card
    for sentence in (
        "not compared: 2 linked-out",
        "not compared of paris6k: 1,200 absent",
        "paris6k: 20 known-corrupt",
    ):
        assert sentence in card


def test_every_column_is_described(every_reason):
    card = render_card(every_reason.manifest, every_reason.tables)
    for spec in VERSION_TABLES:
        section = card.split(f"### {spec.name}\n")[1].split("\n#")[0]
        assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == spec.schema.names


def test_a_leak_is_counted(version_of):
    version = version_of({"a": {"kept": 2, "test-copy": 1}})
    kept = version.tables["verdicts"]["image_id"][0]
    overlaps = version.tables["overlaps"]
    overlaps = overlaps.set_column(0, overlaps.field("image_id"), [[kept.as_py()] * overlaps.num_rows])
    assert "1 of 2 kept images" in render_card(version.manifest, version.tables | {"overlaps": overlaps})


def test_without_test_sets_nothing_is_claimed(version_of):
    version = version_of({"a": {"kept": 2}}, test_sets={})
    assert "nothing here says that this version is free" in render_card(version.manifest, version.tables)


def test_names_of_others_stay_in_their_cells(version_of):
    version = version_of({"a": {"kept": 2}}, test_sets={"x | y\n<b>[z](javascript:alert(1))": 3})
    card = render_card(version.manifest, version.tables)
    assert r"| x \| y \<b\>\[z\](javascript:alert(1)) | 3 | 2,600 |" in card


@pytest.mark.parametrize("plan", [{}, {"a": {"http-error": 1}}])
def test_a_version_of_nothing_has_a_card(version_of, plan):
    version = version_of(plan)
    assert "0 images in 0 classes" in render_card(version.manifest, version.tables)


def test_the_pandas_example_runs(every_reason, tmp_path, monkeypatch):
    for name, table in every_reason.tables.items():
        pq.write_table(table, tmp_path / f"{name}.parquet")
    monkeypatch.chdir(tmp_path)
    example = re.search(
        r"```python\n(import pandas.*?)```", render_card(every_reason.manifest, every_reason.tables), re.DOTALL
    )
    names: dict[str, pd.DataFrame] = {}
    exec(example[1], names)
    assert len(names["kept"]) == 133
    assert {"path", "split", "x1", "landmark_id"} <= set(names["kept"].columns)
