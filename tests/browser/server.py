"""A notebook server of its own for tests: JupyterLab or Notebook 7, on loopback, with every folder a temporary one."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self
from urllib.error import URLError
from urllib.request import Request, urlopen

import nbformat

PROGRAMS = {"lab": "jupyterlab", "notebook": "notebook"}

THEMES = "@jupyterlab/apputils-extension:themes"
# No news, no update checks, no dialogs; all cells are in the document, also those out of sight.
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}


class Server:
    """One server. ``root`` holds its notebooks, ``data`` what Jupyter looks for, such as kernelspecs."""

    def __init__(self, folder: Path, app: str = "lab", *, dark: bool = False) -> None:
        self.app = app
        self._theme = {"theme": "JupyterLab Dark" if dark else "JupyterLab Light"}
        self.root, self.data, self._folder = folder / "notebooks", folder / "data", folder
        self.root.mkdir(parents=True)
        self._token = secrets.token_hex(16)
        self._address = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, timeout: float = 90.0) -> Self:
        """Start it, and return when it answers."""
        settings = self._folder / "config" / "labconfig"
        settings.mkdir(parents=True)
        (settings / "default_setting_overrides.json").write_text(json.dumps({**SETTINGS, THEMES: self._theme}))
        with (self._folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(self._command(), env=self._environment(), stdout=log, stderr=log)
        end = time.monotonic() + timeout
        while time.monotonic() < end and self._process.poll() is None:
            if self._answers():
                return self
            time.sleep(0.1)
        self.stop()
        raise RuntimeError("the server did not start; it said:\n" + self.log())

    def _command(self) -> list[str]:
        apps = [f"--{name}.expose_app_in_browser=True" for name in ("LabApp", "JupyterNotebookApp")]
        own = ["--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", f"--ServerApp.root_dir={self.root}"]
        alone = ["--no-browser", "--allow-root", "--LabApp.extension_manager=readonly"]
        return [sys.executable, "-m", PROGRAMS[self.app], *alone, *own, *apps]

    def _environment(self) -> dict[str, str]:
        folders = {f"JUPYTER_{name.upper()}_DIR": str(self._folder / name) for name in ("config", "data", "runtime")}
        lab = {f"JUPYTERLAB_{name.upper()}_DIR": str(self._folder / name) for name in ("settings", "workspaces")}
        # The token goes by the environment: a command line is for everybody to read.
        own = {"IPYTHONDIR": str(self._folder / "ipython"), "JUPYTER_TOKEN": self._token}
        return {**os.environ, **folders, **lab, **own}

    def _answers(self) -> bool:
        assert self._process is not None
        told = self._folder / "runtime" / f"jpserver-{self._process.pid}.json"
        try:
            self._address = json.loads(told.read_text(encoding="utf-8"))["url"].rstrip("/")
            self.ask("/api/status")
        except (OSError, ValueError, URLError):
            return False
        return True

    def stop(self) -> None:
        """End it, and the kernels with it."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def log(self) -> str:
        """Return the last of what the server printed."""
        return (self._folder / "server.log").read_text(encoding="utf-8", errors="replace")[-4000:]

    def ask(self, path: str, method: str = "GET") -> Any:
        """Ask the server's own interface."""
        request = Request(self._address + path, method=method, headers={"Authorization": f"token {self._token}"})
        with urlopen(request, timeout=20) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def stop_kernels(self) -> None:
        """End all kernels: each holds some 60 MB."""
        for session in self.ask("/api/sessions"):
            self.ask(f"/api/sessions/{session['id']}", "DELETE")

    def owns(self, url: str) -> bool:
        """Say whether an address is on this server."""
        plain = self._address.split("://", 1)[1]
        return url.split("://", 1)[-1].startswith(f"{plain}/") or url.startswith(("data:", "blob:", "about:"))

    def page(self, name: str) -> str:
        """Return the address at which a notebook opens."""
        place = f"lab/tree/{name}?reset&" if self.app == "lab" else f"notebooks/{name}?"
        return f"{self._address}/{place}token={self._token}"

    def write(self, name: str, *cells: str, kernel: str = "python3") -> str:
        """Write a notebook of code cells; return its name."""
        made = [nbformat.v4.new_code_cell(cell) for cell in cells]
        spec = {"name": kernel, "display_name": kernel, "language": "python"}
        nbformat.write(nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": spec}), self.root / name)
        return name
