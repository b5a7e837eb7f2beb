"""What tests at a real notebook share: a browser, a server for each application, and notebooks open in a page."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import kernels
from tests.browser.lab import LabPage
from tests.browser.server import PROGRAMS, Server
from tests.chromium import PATIENCE, ROOT, opened

browser = pytest.fixture(scope="module")(opened)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Server]]:
    """``servers("lab")``: the running server of an application, started when it is first asked for."""
    running: dict[str, Server] = {}

    def server(app: str) -> Server:
        if app not in running:
            running[app] = Server(tmp_path_factory.mktemp(app), app).start()
        return running[app]

    yield server
    for each in running.values():
        each.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Remember on the test whether it failed: its notebook then leaves a picture."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


FAILED = pytest.StashKey[bool]()


@pytest.fixture(params=sorted(PROGRAMS))
def app(request: pytest.FixtureRequest) -> str:
    """The application: JupyterLab, then Notebook 7. A test that needs one only says so with ``parametrize``."""
    return request.param


@pytest.fixture
def notebook(
    request: pytest.FixtureRequest, browser: Any, servers: Callable[[str], Server], app: str
) -> Iterator[Callable[..., LabPage]]:
    """Give what writes a notebook of these cells and opens it in a page of its own; ``kernel="7.3.0"`` chooses one."""
    server = servers(app)
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    lab = LabPage(context.new_page(), server)
    name = re.sub(r"[^\w-]+", "-", request.node.name).strip("-")

    def open_notebook(*cells: str, kernel: str = kernels.LOCKED) -> LabPage:
        kernel_name = kernels.write_kernelspec(kernel, server.data)
        lab.sleepy = kernel == "7.3.0"
        return lab.open(server.write(f"{name}.ipynb", *cells, kernel=kernel_name))

    yield open_notebook
    if request.node.stash.get(FAILED, False):
        picture(lab, name)
    context.close()
    server.stop_kernels()


def picture(lab: LabPage, name: str) -> None:
    """Write how the page of a failed test looks, and say where."""
    folder = Path(os.environ.get("NBGRAPH_SHOTS") or ROOT / "build" / "failed")
    folder.mkdir(parents=True, exist_ok=True)
    lab.page.screenshot(path=folder / f"{name}.png")
    print(f"The page is in {folder / name}.png; its problems: {lab.problems}")  # noqa: T201 - shown with the failure
    print("The server said at last:", lab.server.log())  # noqa: T201 - a kernel that died says so here
