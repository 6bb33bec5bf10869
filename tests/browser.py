"""A Chromium without a window, driven by the protocol of its developer tools: pages whose text scripts write later."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from websockets.sync.client import ClientConnection, connect

CHROMIUM = shutil.which("chromium")
Until = Callable[..., Any]

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--window-size=1400,1000"),
)


class Browser:
    """A tab of a browser."""

    def __init__(self, tab: ClientConnection, until: Until) -> None:
        self._tab, self._until, self._asked = tab, until, 0

    def open(self, address: str, shows: str) -> str:
        """Goes to an address, waits until the page shows a text, and gives all the text that it shows."""
        self._ask("Page.navigate", url=address)
        self._until(lambda: shows in self.text, f"{shows!r} at {address}", 0.5)
        return self.text

    @property
    def text(self) -> str:
        """What a person reads on the page."""
        return str(self.run("document.body ? document.body.innerText : ''"))

    @property
    def broken_pictures(self) -> list[str]:
        """The addresses of pictures that are not shown."""
        broken = "[...document.images].filter(one => one.complete && !one.naturalWidth)"
        return list(self.run(f"{broken}.map(one => one.src.slice(0, 99))"))

    def run(self, script: str) -> Any:
        """The value of an expression in the page; of a promise, once it is there."""
        asked = {"expression": script, "returnByValue": True, "awaitPromise": True}
        return self._ask("Runtime.evaluate", **asked)["result"].get("value")

    def look(self, scheme: str, width: int) -> None:
        """Shows pages as to a person who prefers a colour scheme, `light` or `dark`, in so many pixels of width."""
        self._ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        sized = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
        self._ask("Emulation.setDeviceMetricsOverride", **sized)

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._asked += 1
        self._tab.send(json.dumps({"id": self._asked, "method": method, "params": parameters}))
        while (answer := json.loads(self._tab.recv(timeout=120))).get("id") != self._asked:
            pass  # events, which nobody asked for
        return dict(answer["result"])


@contextmanager
def browser(folder: Path, until: Until) -> Iterator[Browser]:
    """A browser whose profile is a new folder, while the context is open."""
    command = [str(CHROMIUM), *_FLAGS, "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            told = folder / "DevToolsActivePort"
            port = until(lambda: told.exists() and told.read_text().partition("\n")[0], "Chromium")
            tabs = until(lambda: _tabs(port), "a tab of Chromium")
            with connect(tabs[0]["webSocketDebuggerUrl"], max_size=None) as tab:
                yield Browser(tab, until)
        finally:
            process.terminate()


def _tabs(port: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = requests.get(f"http://127.0.0.1:{port}/json/list", timeout=30).json()
    return [one for one in found if one["type"] == "page"]
