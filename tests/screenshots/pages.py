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
WIDE = {"width": 1280, "height": 1000}
# The page without what is around the notebook: side bars, and the frame that the page scrolls in.
ALONE = "() => window.jupyterapp.commands.execute('application:toggle-left-area')"
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
    """Renew the README's pictures: the outputs of the two cells of the live notebook that are tagged ``readme``."""
    pictures = NOTEBOOKS / "pictures"
    pictures.mkdir(exist_ok=True)
    with Tour(browser) as tour:
        lab = tour.open(SHOWN, scale=1.25)
        lab.run_all(timeout=180)
        tagged = lab.page.evaluate(
            """() => window.jupyterapp.shell.currentWidget.content.widgets.map((each) => each.model)
            .filter((cell) => cell.type === 'code')
            .map((cell, i) => [i, (cell.getMetadata('tags') ?? []).includes('readme'), cell.id])
            .filter(([, yes]) => yes).map(([i, , id]) => [i, id])"""
        )
        for i, name in tagged:
            lab.output(i).scroll_into_view_if_needed()
            lab.output(i).screenshot(path=pictures / f"{name}.png")
            print(pictures / f"{name}.png", (pictures / f"{name}.png").stat().st_size // 1000, "kB")  # noqa: T201 - a program
        lab.page.context.close()
