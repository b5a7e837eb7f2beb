"""Magics in a page: JupyterLab and Notebook 7 send cell ids, show lines below cells, and run everything."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

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

SPENT = """from IPython.display import HTML, display
engine = ng.Engine(g, store=":memory:", prices={"m": (1, 1)})
def ask(model, max_tokens):
    return {"model": model, "usage": {"input_tokens": 0, "output_tokens": max_tokens}}
@g.node
def one(state, ctx):
    for _ in range(2):
        ctx.call(ask, "m", max_tokens=4_000_000)
try:
    engine.run({"n": 1}, run_id="r1", cost_budget="5")
except ng.BudgetError as error:
    print(error)
"""
FORMULA = "display(HTML('<p>$x^2$ and $y$</p>'))"


def test_dollars_are_no_formula(notebook):
    """A page that sets formulas between dollars leaves those of costs, errors and tables as they are."""
    shown = "run = engine.open('r1')\ndisplay(run, run.costs, engine.costs(), run.diff(run))"
    lab = notebook(SETUP, SPENT, shown, FORMULA)
    lab.run_cells(0, 1, 2, 3)
    expect(lab.output(3).locator("mjx-container")).to_have_count(2)
    assert lab.page.locator("mjx-container").count() == 2
    assert "$4 of its cost_budget of $5" in lab.shown(2)
    lab.assert_clean()
