"""`cairn init` and `cairn settings`: files to begin with, which say what the code does."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.commands.settings_page import list_settings, settings_toml
from flows.commands.starting import deployments_yaml
from flows.settings import (
    CaptionsSettings,
    CurateSettings,
    IndexFlowSettings,
    SemanticFlowSettings,
    TrainFlowSettings,
    read_captions_settings,
    read_index_settings,
    read_overrides,
    read_semantic_settings,
    read_settings,
    read_train_settings,
)
from tasks.cluster.settings import Overrides

REPOSITORY = Path(__file__).parents[2]
FLOWS = [
    (CurateSettings(), read_settings),
    (CaptionsSettings(), read_captions_settings),
    (IndexFlowSettings(), read_index_settings),
    (TrainFlowSettings(), read_train_settings),
    (SemanticFlowSettings(), read_semantic_settings),
]


@pytest.mark.parametrize(("defaults", "read"), FLOWS, ids=["curate", "captions", "index", "train", "semantic"])
def test_every_line_of_the_settings_is_a_default(defaults: Any, read: Any, tmp_path: Path) -> None:
    text = settings_toml(defaults, "cairn")
    uncommented = re.sub(r"(?m)^# (\w+ = )", r"\1", text)
    assert uncommented.count(" = ") >= sum(one["default"] is not None for one in list_settings(defaults))
    for content in (text, uncommented):
        (tmp_path / "settings.toml").write_text(content)
        assert read(tmp_path / "settings.toml").model_dump() == defaults.model_dump()


def test_every_setting_is_described() -> None:
    assert [one["name"] for defaults, _ in FLOWS for one in list_settings(defaults) if not one["description"]] == []


def test_settings(cairn: Any) -> None:
    said = cairn("settings", "train.mining", "--flow", "train").output
    assert "[train.mining]" in said
    assert "[describe]" not in said
    (ratio,) = [one for one in json.loads(cairn("settings", "match", "--json").output) if one["name"] == "ratio"]
    assert (ratio["default"], ratio["allowed"]) == (0.8, "> 0, <= 1")
    refused = cairn("settings", "matching")
    assert refused.code == 2
    assert "no section 'matching' in the settings of curate; it has acquire, features," in refused.errors


def test_init(cairn: Any, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    ended = cairn("init", folder, "--list", tmp_path / "my list.csv", "--name", "towers", "--contact", "me@example.org")
    assert ended.output.split() == [str(folder / name) for name in ("settings.toml", "overrides.toml", "prefect.yaml")]
    assert read_settings(folder / "settings.toml") == CurateSettings()
    assert read_overrides(folder / "overrides.toml") == Overrides()
    weekly = yaml.safe_load((folder / "prefect.yaml").read_text())["deployments"][0]["parameters"]
    assert weekly["source"] == {"path": str(tmp_path / "my list.csv")}
    assert (weekly["name"], weekly["settings"]["polite"]["contact"]) == ("towers", "me@example.org")
    again = cairn("init", folder)
    assert again.code == 2
    assert "settings.toml is there already" in again.errors


def test_the_repository_deploys_what_init_writes() -> None:
    written = deployments_yaml("landmarks", Path("landmarks.csv"))
    assert (REPOSITORY / "prefect.yaml").read_text() == written, (
        "change flows/commands/templates/prefect.yaml, and copy"
    )
