"""Magics in a page: JupyterLab and Notebook 7 send cell ids, show lines below cells, and run everything."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow

SETUP = "%load_ext nbgraph\nimport nbgraph as ng\n%graph g --state dict(n=int) --store :memory:"
NODE = "%%node one\n{'n': 1}"


def test_a_graph_of_magics_in_a_page(notebook):
    """Cells are nodes; a cell that no longer has its node removes it, and a changed one says so below the cell."""
    lab = notebook(SETUP, NODE, "%%node two --after one\n{'n': 2}", "%ng run --id r1;", "[n.name for n in g.nodes]")
    lab.run_all()
    assert "['one', 'two']" in lab.shown(4)
    lab.page.evaluate(EDIT, [1, NODE.replace("'n': 1", "'n': 7")])
    assert "changed: run r1 used an older version; 2 tasks downstream would execute again" in lab.run_cell(1)
    lab.page.evaluate(EDIT, [2, "%%node other --after one\n{'n': 2}"])
    assert 'node "two" is no longer in this cell' in lab.run_cell(2)
    assert "['one', 'other']" in lab.run_cell(4)
    lab.assert_clean()


EDIT = """([i, text]) => window.jupyterapp.shell.currentWidget.content.widgets
  .filter((each) => each.model.type === 'code')[i].model.sharedModel.setSource(text)"""
