"""What `prefect.yaml` deploys are flows that there are, with parameters that they take."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import Flow
from prefect.utilities.importtools import import_object

from tests.docs.pages import blocks_of

ROOT = Path(__file__).parents[2]
DEPLOYED = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
SHOWN = [
    yaml.safe_load(block.text)["parameters"]
    for block in blocks_of(ROOT / "docs/guides/every-week.md")
    if block.language == "yaml"
]

SPLIT = """
import sys
import yaml

class WithoutTorch:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] == "torch" else self.finder.find_spec(name, path, target)

sys.meta_path[:] = map(WithoutTorch, sys.meta_path)
from flows.operating.prepare import split_by_packages

mistyped = {"name": "mistyped", "entrypoint": "flows.trian.train"}
deployed = yaml.safe_load(open("prefect.yaml"))["deployments"]
kept, left_out = split_by_packages([*deployed, mistyped])
print(*(one["entrypoint"] for one in kept))
print(*left_out, sep=";")
"""
"""Splits the deployments as a machine without torch does."""


@pytest.mark.parametrize("deployment", DEPLOYED, ids=lambda one: f"{one['entrypoint']}/{one['name']}")
def test_a_deployment_gives_its_flow_what_it_takes(deployment: dict[str, Any]) -> None:
    flow = import_object(deployment["entrypoint"])
    assert isinstance(flow, Flow)
    flow.validate_parameters(deployment["parameters"])
    for trigger in deployment.get("triggers", []):
        assert trigger["parameters"].keys() <= flow.parameters.properties.keys()


@pytest.mark.parametrize("block", SHOWN, ids=lambda block: ", ".join(block))
def test_the_parameters_that_the_page_shows_are_taken(block: dict[str, Any]) -> None:
    flow = import_object(DEPLOYED[0]["entrypoint"])
    flow.validate_parameters(DEPLOYED[0]["parameters"] | block)


def test_what_needs_a_package_that_is_not_there_is_left_out_and_the_rest_deployed() -> None:
    done = subprocess.run([sys.executable, "-c", SPLIT], cwd=ROOT, capture_output=True, text=True, check=True)
    kept, left_out = done.stdout.splitlines()[-2:]
    assert kept.split() == ["flows.curate.curate", "flows.captions.captions", "flows.trian.train"]  # Prefect tells
    assert "landmarks of flows.train.train" in left_out.split(";")
    assert len(left_out.split(";")) == 3
