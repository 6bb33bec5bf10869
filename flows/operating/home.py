"""The folder of a server that stays: its settings and login, its database, its logs, and what runs for it."""

import json
import os
import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from storage.errors import InputError

_PROFILES = "profiles.toml"
_PROFILE = "cairn"
_HISTORY = 90 * 24 * 3600  # seconds after its end that Prefect keeps a flow run
_PATIENCE = 300  # seconds to wait for the database: a busy machine is no reason to fail


class Home:
    """The folder, for processes of Prefect: they read their settings there when PREFECT_HOME names it.

    Attributes:
        folder: where it is.
        port: that the server answers at.
        login: user and password of the API and the UI, separated by a colon.
    """

    def __init__(self, folder: Path, port: int, login: str) -> None:
        self.folder, self.port, self.login = folder, port, login

    @staticmethod
    def read(folder: Path) -> "Home | None":
        """Returns the home that is there, if one is."""
        try:
            known: Mapping[str, Any] = tomllib.loads((folder / _PROFILES).read_text())["profiles"][_PROFILE]
            return Home(folder, int(known["PREFECT_SERVER_API_PORT"]), str(known["PREFECT_API_AUTH_STRING"]))
        except FileNotFoundError:
            return None
        except (KeyError, ValueError) as error:
            said = f"{folder / _PROFILES} has not the settings of a server of Cairn's ({error!r})"
            raise InputError(f"{said}; give another --home, or run `cairn down` and remove that file") from error

    @staticmethod
    def make(folder: Path, port: int) -> "Home":
        """Returns a home for that port, in a folder that is there; so does a login stay that is there."""
        before = Home.read(folder)
        made = Home(folder, port, before.login if before else f"cairn:{secrets.token_urlsafe(32)}")
        lines = [f"{name} = {json.dumps(value)}" for name, value in made._settings().items()]
        text = "\n".join([f'active = "{_PROFILE}"', "", f"[profiles.{_PROFILE}]", *lines, ""])
        new = os.open(folder / f"{_PROFILES}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(new, "w") as file:
            file.write(text)
        (folder / f"{_PROFILES}.new").replace(made.profiles)
        return made

    @property
    def url(self) -> str:
        """The address of the server's UI."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def profiles(self) -> Path:
        """The file with the settings and the login."""
        return self.folder / _PROFILES

    def environment(self) -> dict[str, str]:
        """This process's environment for a process that belongs to the home: what is set here can't be set there."""
        ours = {*self._settings(), "PREFECT_PROFILE", "PREFECT_PROFILES_PATH"}
        inherited = {name: value for name, value in os.environ.items() if name not in ours}
        return inherited | {"PREFECT_HOME": str(self.folder), "DO_NOT_TRACK": "1", "PWD": str(Path.cwd())}

    def _settings(self) -> dict[str, str]:
        """Nobody but who has the login is answered, no page of another origin, nobody elsewhere; nothing is sent."""
        return {
            "PREFECT_API_URL": f"{self.url}/api",
            "PREFECT_API_AUTH_STRING": self.login,
            "PREFECT_SERVER_API_AUTH_STRING": self.login,
            "PREFECT_SERVER_API_HOST": "127.0.0.1",
            "PREFECT_SERVER_API_PORT": str(self.port),
            "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": f"{self.url},http://localhost:{self.port}",
            "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_DATABASE_TIMEOUT": str(_PATIENCE),
            "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
            "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(_HISTORY),
        }
