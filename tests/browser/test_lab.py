"""The harness itself: a cell of a real notebook in a real browser, and that its failures are failures."""

from __future__ import annotations

import pytest

from tests import kernels
from tests.browser.lab import CellError

pytestmark = pytest.mark.slow


def test_a_cell_runs_in_a_page(notebook):
    """A cell of a notebook runs on its kernel, and what it prints is on the page."""
    lab = notebook("import nbgraph; print(6 * 7)", "print('after', 6 * 7)")
    assert ["42", "after 42"] == [lab.run_cell(0).strip(), lab.run_cell(1).strip()]
    lab.assert_clean()


@pytest.mark.parametrize("app", ["lab"])
def test_a_cell_that_fails_fails_the_test(notebook):
    """What a cell raises is raised by the test, with the cell's traceback."""
    lab = notebook("1 / 0")
    with pytest.raises(CellError, match="ZeroDivisionError"):
        lab.run_cell(0)


@pytest.mark.parametrize("app", ["lab"])
@pytest.mark.parametrize("version", kernels.VERSIONS)
def test_a_notebook_chooses_its_kernel(notebook, version):
    """Each version of ipykernel in the matrix is the one that runs."""
    lab = notebook("import ipykernel; print(ipykernel.__version__)", kernel=version)
    said = lab.run_cell(0).strip()
    assert said == version if version != kernels.LOCKED else said.startswith("7.4")


@pytest.mark.parametrize("app", ["lab"])
def test_a_request_to_elsewhere_is_noticed(notebook):
    """A page that asks another address for something does not pass."""
    lab = notebook("1")
    lab.page.evaluate("() => fetch('http://127.0.0.1:1025/elsewhere').catch(() => {})")
    with pytest.raises(AssertionError, match="elsewhere"):
        lab.assert_clean()
