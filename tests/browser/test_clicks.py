"""Clicks while something runs: which of them arrive at once, on which kernel, in which application."""

from __future__ import annotations

import pytest

from tests import kernels
from tests.browser.acts import CHAIN, SETUP, press, stands

pytestmark = pytest.mark.slow

VIEW = "run = engine.start(run_id='one')\nng.dashboard(run)"
# What the cell does after the view is shown. It ends when the click has done something, or after a while without.
PASSES = "print('over')"
AWAITS = """
end = time.monotonic() + 20
while run.status == 'running' and time.monotonic() < end:
    await asyncio.sleep(0.05)
print(run.status)
"""
BLOCKS = AWAITS.replace("await asyncio.sleep", "time.sleep")
NEW = [version for version in kernels.VERSIONS if not version.startswith("6.")]


def click_stop(lab, cell: int) -> None:
    """Open a view of a held run, start another cell, and press the view's stop button meanwhile."""
    lab.run_cells(0, 1, 2)
    view = lab.output(2)
    stands(view, "running")
    lab.start_cell(cell)
    press(view, "cancel")
    stands(view, "cancelled")


@pytest.mark.parametrize("app", ["lab"])
@pytest.mark.parametrize("version", kernels.VERSIONS)
def test_a_click_arrives_after_the_cell_returned(notebook, version):
    """The buttons of a run whose cell is done work at once, on every kernel."""
    lab = notebook(SETUP, CHAIN, VIEW, PASSES, kernel=version)
    click_stop(lab, 3)
    assert "over" == lab.end_cell(3).strip()
    lab.assert_clean()


@pytest.mark.parametrize("version", NEW)
def test_a_click_arrives_while_a_cell_awaits(notebook, version):
    """The buttons work while a cell awaits something, where the kernel takes messages meanwhile."""
    lab = notebook(SETUP, CHAIN, VIEW, AWAITS, kernel=version)
    click_stop(lab, 3)
    assert "cancelled" == lab.end_cell(3).strip()


@pytest.mark.parametrize("version", NEW)
def test_a_click_arrives_while_a_cell_blocks(notebook, version):
    """The buttons work even while a cell blocks: they speak on a channel that only the browser writes."""
    lab = notebook(SETUP, CHAIN, VIEW, BLOCKS, kernel=version)
    click_stop(lab, 3)
    assert "cancelled" == lab.end_cell(3).strip()
