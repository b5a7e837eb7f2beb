"""A notebook open in a page, used as a person would: run a cell, press stop, reload, read what is shown.

Owns how JupyterLab and Notebook 7 are asked; both show the same notebook. Knows nothing of nbgraph.
"""

from __future__ import annotations

import re
from typing import Any, Self

from tests.browser.server import Server

# The application object knows what the page only hints at: the round indicator says "idle" before a kernel is there.
KERNEL_IS = """(wanted) => {
  const shown = window.jupyterapp?.shell?.currentWidget, session = shown?.sessionContext;
  const kernel = shown?.context?.isReady && session?.isReady && session.session?.kernel;
  return Boolean(kernel) && kernel.connectionStatus === 'connected' && kernel.status === wanted;
}"""
# The model of the i-th code cell. It tells an error from text on stderr, which look alike in the document.
CELL = """const cell = window.jupyterapp.shell.currentWidget.content.widgets
  .filter((each) => each.model.type === 'code')[i].model;"""
DONE = f"(i) => {{ {CELL} return cell.executionCount !== null && cell.executionState !== 'running'; }}"
STOP = f"""async (i) => {{
  {CELL}
  const began = performance.now();
  window.jupyterapp.commands.execute('notebook:interrupt-kernel');
  while (cell.executionState === 'running' || cell.executionCount === null) {{
    await new Promise((soon) => setTimeout(soon, 10));
  }}
  return performance.now() - began;
}}"""
ALL_DONE = """() => {
  const cells = window.jupyterapp.shell.currentWidget.content.widgets.map((each) => each.model);
  const code = cells.filter((cell) => cell.type === 'code');
  const raised = code.some((cell) => cell.outputs.toJSON().some((each) => each.output_type === 'error'));
  return raised || code.every((cell) => cell.executionCount !== null && cell.executionState !== 'running');
}"""
# ipykernel 7.0 to 7.3 now and then sleeps over a message until somebody new connects (tests/cells.py); 7.4 does not.
# The first one that it may sleep over is the one with which the page asks who it is.
REMIND = """() => { let somebody; setInterval(() => {
  const kernel = window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel;
  if (!kernel || (somebody && somebody.readyState !== WebSocket.CLOSED)) return;
  const { wsUrl, token } = kernel.serverSettings;
  somebody = new WebSocket(`${wsUrl}api/kernels/${kernel.id}/channels?token=${encodeURIComponent(token)}`);
  somebody.onmessage = () => somebody.close();
}, 1000); }"""
COLOUR_CODES = re.compile(r"\x1b\[[0-9;]*m")
# Errors that the applications report of themselves, with nothing of ours on the page.
THEIR_OWN = ("reading 'schema'",)  # Notebook 7.6, when it starts


class CellError(AssertionError):
    """A cell raised; the text is its traceback."""


class LabPage:
    """One notebook in one page. ``problems`` are errors on the console and requests to anywhere else."""

    def __init__(self, page: Any, server: Server) -> None:
        self.page, self.server = page, server
        self.sleepy = False
        """Whether the kernel is one that has to be reminded of its messages."""
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(f"error in the page: {error}"))
        page.on("console", self._console)
        page.on("request", self._request)
        page.on("websocket", self._request)

    def _console(self, message: Any) -> None:
        if message.type == "error":
            self.problems.append(f"error on the console: {message.text}")

    def _request(self, request: Any) -> None:
        if not self.server.owns(request.url):
            self.problems.append(f"a request to elsewhere: {request.url[:200]}")

    def assert_clean(self) -> None:
        """Raise if the page logged an error or asked anybody but its own server for something."""
        left = [problem for problem in self.problems if not any(known in problem for known in THEIR_OWN)]
        if left:
            raise AssertionError("the page is not clean:\n" + "\n".join(left))

    # -- the notebook

    def open(self, name: str) -> Self:
        """Open a notebook of the server, and return when its kernel is there."""
        self.page.goto(self.server.page(name))
        return self.ready()

    def reload(self) -> Self:
        """Reload the page, as F5 does; the kernel goes on."""
        self.page.reload()
        return self.ready()

    def ready(self) -> Self:
        """Wait until the notebook is shown and its kernel is idle."""
        self.page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=60_000)
        if self.sleepy:
            self.page.evaluate(REMIND)
        self.kernel_is("idle")
        return self

    def kernel_is(self, status: str) -> None:
        """Wait until the kernel says so."""
        self.page.wait_for_function(KERNEL_IS, arg=status, timeout=60_000)

    def command(self, name: str) -> None:
        """Do what a button or a menu of the application does, without waiting for its end."""
        self.page.evaluate("(name) => { window.jupyterapp.commands.execute(name); }", name)

    def save(self) -> None:
        """Save the notebook, as Ctrl+S does."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.save()")

    def press_stop(self, i: int) -> float:
        """Press the stop button while the i-th cell runs; return how long it went on, in seconds, as the page saw it."""
        return self.page.evaluate(STOP, i) / 1000

    def restart(self) -> None:
        """Restart the kernel, and return when the new one is there."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
        self.kernel_is("idle")

    # -- its code cells, counted from 0

    def cell(self, i: int) -> Any:
        """Return the i-th code cell on the page."""
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(i)

    def _of_cell(self, i: int, code: str) -> Any:
        return self.page.evaluate(f"(i) => {{ {CELL} {code} }}", i)

    def start_cell(self, i: int) -> None:
        """Run a cell, and return at once."""
        # A saved [1] and a new [1] look alike: without its number the cell has not run.
        self._of_cell(i, "cell.executionCount = null;")
        self.cell(i).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")

    def end_cell(self, i: int, timeout: float = 60.0) -> str:
        """Wait until a cell is done; return what it shows. Raises ``CellError`` with what the cell raised."""
        self.page.wait_for_function(DONE, arg=i, timeout=timeout * 1000)
        told = self.raised(i)
        if told:
            raise CellError(told)
        return self.shown(i)

    def run_cell(self, i: int, timeout: float = 60.0) -> str:
        """Run a cell to its end; return what it shows as text."""
        self.start_cell(i)
        return self.end_cell(i, timeout)

    def run_all(self, timeout: float = 60.0) -> None:
        """Run all cells, as the menu does; return when the last one is done, or one has raised."""
        self.command("notebook:run-all-cells")
        self.page.wait_for_function(ALL_DONE, timeout=timeout * 1000)

    def run_cells(self, *numbers: int) -> str:
        """Run cells one after the other; return what the last one shows."""
        return [self.run_cell(i) for i in numbers][-1]

    def raised(self, i: int) -> str:
        """Return the traceback of a cell; "" if it raised nothing."""
        errors = self._of_cell(i, "return cell.outputs.toJSON().filter((each) => each.output_type === 'error');")
        return COLOUR_CODES.sub("", "\n".join(errors[0]["traceback"])) if errors else ""

    def shown(self, i: int) -> str:
        """Return the text of a cell's outputs."""
        return "\n".join(self.cell(i).locator(".jp-OutputArea-output").all_inner_texts())

    def output(self, i: int) -> Any:
        """Return the place where a cell's outputs are on the page."""
        return self.cell(i).locator(".jp-OutputArea").first
