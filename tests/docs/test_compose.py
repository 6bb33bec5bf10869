"""compose.yaml is one by its schema, is published to its machine alone, and is closed as `make up` is."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from flows.operating.home import Home

FILE = Path(__file__).parents[2] / "compose.yaml"


def is_valid(path: Path) -> bool:
    command = [Path(sys.executable).parent / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", path]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load(FILE.read_text())["services"]


def test_it_fits_the_schema_and_what_does_not_is_found_out(tmp_path):
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(FILE.read_text().replace("condition: service_healthy", "condition: healthy"))
    assert is_valid(FILE)
    assert not is_valid(wrong)


def test_only_this_machine_reaches_it(services):
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_login_and_password_comes_from_outside(services):
    for service in services.values():
        for name, value in service["environment"].items():
            if "PASSWORD" in name or "AUTH" in name or "CONNECTION" in name:
                assert "${CAIRN_" in value, name


def test_the_server_is_as_closed_as_that_of_make_up(services, tmp_path):
    (own,) = tomllib.loads(Home.make(tmp_path, 4200).profiles.read_text())["profiles"].values()
    closed = {name for name in own if name.startswith("PREFECT_SERVER_")}
    found = services["server"]["environment"]
    assert closed - found.keys() == {"PREFECT_SERVER_API_PORT", "PREFECT_SERVER_DATABASE_TIMEOUT"}
    same = ("CORS_ALLOWED_ORIGINS", "API_CSRF_PROTECTION_ENABLED", "ANALYTICS_ENABLED")
    for name in (*same, "SERVICES_DB_VACUUM_ENABLED", "SERVICES_DB_VACUUM_RETENTION_PERIOD"):
        assert found[f"PREFECT_SERVER_{name}"] == own[f"PREFECT_SERVER_{name}"]


def test_all_of_prefects_parts_know_the_login(services):
    logins = {
        service["environment"]["PREFECT_API_AUTH_STRING"] for name, service in services.items() if name != "database"
    }
    assert len(logins) == 1
    assert services["server"]["environment"]["PREFECT_SERVER_API_AUTH_STRING"] in logins
