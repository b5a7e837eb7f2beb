"""Pictures of the notebooks as JupyterLab shows them: as they are kept, after they were run, and two for the README."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any, Self

from tests import kernels
from tests.browser.lab import LabPage
from tests.browser.server import Server

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
SHOWN = "03_live.ipynb"
README = {"live": ("engine", "step"), "compared": ("diff", "diff")}
"""Name of a picture -> the cell that is shown, and the cell after which it is."""
HIGH = 1800
WIDE = {"width": 1280, "height": 1000}
# The page without what is around the notebook: side bars, and the frame that the page scrolls in.
ALONE = "() => window.jupyterapp.commands.execute('application:toggle-left-area')"
NAMES = """() => window.jupyterapp.shell.currentWidget.content.widgets.map((each) => each.model)
  .filter((cell) => cell.type === 'code').map((cell) => cell.id)"""
TALL = "() => document.querySelector('.jp-WindowedPanel-outer')?.scrollHeight ?? 3000"


class Tour:
    """A JupyterLab of its own with copies of the notebooks."""

    def __init__(self, browser: Any, *, dark: bool = False) -> None:
        self._browser, self._folder = browser, tempfile.TemporaryDirectory(prefix="nbgraph-tour-")
        self.server = Server(Path(self._folder.name) / "lab", dark=dark)
        for file in NOTEBOOKS.glob("*.ipynb"):
            shutil.copy(file, self.server.root)

    def __enter__(self) -> Self:
        self.server.start()
        kernels.write_kernelspec(kernels.LOCKED, self.server.data)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop_kernels()
        self.server.stop()
        self._folder.cleanup()

    def open(self, name: str, *, scale: float = 1) -> LabPage:
        """Open a notebook, without the side bar."""
        context = self._browser.new_context(viewport=WIDE, device_scale_factor=scale, reduced_motion="reduce")
        lab = LabPage(context.new_page(), self.server).open(name)
        lab.page.evaluate(ALONE)
        return lab


def whole(lab: LabPage, file: Path) -> None:
    """Write the whole notebook as one picture: the window is made as high as it needs to be."""
    height = min(12_000, int(lab.page.evaluate(TALL)) + 160)
    lab.page.set_viewport_size({"width": lab.page.viewport_size["width"], "height": height})
    lab.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    lab.page.screenshot(path=file)


def shoot(browser: Any, folder: Path) -> None:
    """Picture each notebook as it is kept, and after Run All, light and dark."""
    for look in ("light", "dark"):
        with Tour(browser, dark=look == "dark") as tour:
            for notebook in sorted(NOTEBOOKS.glob("*.ipynb")):
                lab = tour.open(notebook.name)
                whole(lab, folder / f"notebook-{notebook.stem}-kept-{look}.png")
                lab.run_all(timeout=180)
                whole(lab, folder / f"notebook-{notebook.stem}-run-{look}.png")
                lab.page.context.close()
                tour.server.stop_kernels()


def readme(browser: Any) -> None:
    """Renew the README's pictures: cells of the live notebook, each as it looks once another one has run."""
    pictures = NOTEBOOKS / "pictures"
    pictures.mkdir(exist_ok=True)
    with Tour(browser) as tour:
        lab = tour.open(SHOWN)
        names, ran = lab.page.evaluate(NAMES), 0
        for picture, (shown, after) in README.items():
            for i in range(ran, names.index(after) + 1):
                lab.run_cell(i, timeout=60)
            ran = names.index(after) + 1
            cell = lab.cell(names.index(shown))
            lab.page.set_viewport_size({"width": WIDE["width"], "height": HIGH})
            lab.page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 0; }")
            cell.scroll_into_view_if_needed()
            lab.page.wait_for_timeout(1500)  # a view is drawn, and a picture of it is no test
            file = pictures / f"{picture}.png"
            cell.screenshot(path=file)
            print(f"{file}: {file.stat().st_size // 1000} kB")  # noqa: T201 - a program
        lab.page.context.close()
