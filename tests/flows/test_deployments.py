"""What `prefect.yaml` deploys are flows that there are, with parameters that they take."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import Flow
from prefect.utilities.importtools import import_object

DEPLOYED = yaml.safe_load((Path(__file__).parents[2] / "prefect.yaml").read_text())["deployments"]


@pytest.mark.parametrize("deployment", DEPLOYED, ids=lambda one: f"{one['entrypoint']}/{one['name']}")
def test_a_deployment_gives_its_flow_what_it_takes(deployment: dict[str, Any]) -> None:
    flow = import_object(deployment["entrypoint"])
    assert isinstance(flow, Flow)
    flow.validate_parameters(deployment["parameters"])
    for trigger in deployment.get("triggers", []):
        assert trigger["parameters"].keys() <= flow.parameters.properties.keys()
