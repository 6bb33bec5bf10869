"""`cairn init` and `cairn settings`: files to begin with, which say what the code does."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.commands.settings_page import list_settings, settings_toml
from flows.commands.starting import Further, deployments_yaml
from flows.settings import (
    CaptionsSettings,
    CurateSettings,
    IndexFlowSettings,
    SemanticFlowSettings,
    TrainFlowSettings,
    find_overrides,
    read_captions_settings,
    read_index_settings,
    read_overrides,
    read_semantic_settings,
    read_settings,
    read_train_settings,
)
from storage.errors import InputError
from storage.root import Root
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
    (deployment,) = yaml.safe_load((folder / "prefect.yaml").read_text())["deployments"]
    weekly = deployment["parameters"]
    assert weekly["source"] == {"path": str(tmp_path / "my list.csv")}
    assert (weekly["name"], weekly["settings"]["polite"]["contact"]) == ("towers", "me@example.org")
    again = cairn("init", folder)
    assert again.code == 2
    assert "settings.toml is there already" in again.errors


def test_overrides_are_found_beside_the_worker_or_in_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "root").mkdir()
    monkeypatch.chdir(tmp_path)
    root, file = Root(str(tmp_path / "root")), Path("overrides.toml")
    with pytest.raises(InputError, match=r"overrides\.toml: there is no such file in .*, nor in .*/root$"):
        find_overrides(file, root)
    root.write("overrides.toml", b'[pin]\nabbey = "abbey-1"\n')
    assert find_overrides(file, root) == Overrides(pin={"abbey": "abbey-1"})
    file.write_text('[pin]\nabbey = "abbey-2"\n')
    assert find_overrides(file, root) == find_overrides(file.absolute(), root) == Overrides(pin={"abbey": "abbey-2"})
    file.write_text('[pins]\nabbey = "abbey-2"\n')
    with pytest.raises(InputError, match=r"overrides overrides\.toml: pins: Extra inputs"):
        find_overrides(file, root)
    assert find_overrides(Overrides(), root) == Overrides()


@pytest.mark.parametrize(
    ("more", "flows"),
    [
        (("training",), ["curate", "train", "index"]),
        (("captions",), ["curate", "captions", "train_semantic"]),
        (("captions", "training"), ["curate", "captions", "train", "train_semantic", "index"]),
    ],
)
def test_init_with_more_deployments(cairn: Any, tmp_path: Path, more: tuple[str, ...], flows: list[str]) -> None:
    asked = [word for part in more for word in ("--with", part)]
    made = json.loads(cairn("init", tmp_path, *asked, "--json").output)["files"]
    deployments = yaml.safe_load(Path(made[-1]).read_text())["deployments"]
    assert [one["entrypoint"].rpartition(".")[2] for one in deployments] == flows


def test_the_repository_deploys_what_init_writes() -> None:
    written = deployments_yaml("landmarks", Path("landmarks.csv"), "", tuple(Further))
    assert (REPOSITORY / "prefect.yaml").read_text() == written, (
        "change flows/commands/templates/prefect.yaml, and copy"
    )
