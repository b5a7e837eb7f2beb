"""A cell that is run again: what it no longer defines goes, what it changed is told."""

from __future__ import annotations

from itertools import count

import pytest

from nbgraph.notebook import stale

ONE, TWO = (
    "@g.node\ndef one(state): return {'words': 'a'}",
    "@g.node(after='one')\ndef two(state): return {'words': 'b'}",
)


@pytest.fixture
def graph(cells):
    """A notebook with an empty graph."""
    cells.quiet("g = ng.Graph(Words, name='g')")
    return cells.ns["g"]


def names(graph):
    return [node.name for node in graph.nodes]


def test_a_node_that_left_its_cell_is_removed(cells, graph):
    """A cell that is run again without a node takes that node out and says so."""
    cells.run(f"{ONE}\n{TWO}", cell_id="c1")
    assert "node \"two\" is no longer in this cell: removed from graph 'g'" == cells.run(ONE, cell_id="c1")
    assert ["one"] == names(graph)
    assert () == graph.edges


def test_nodes_of_other_cells_stay(cells, graph):
    """Running a cell again touches nodes of other cells neither by its silence nor by their names."""
    cells.quiet("x = 1", ONE)
    cells.run(TWO, cell_id="c2")
    cells.run("x = 1", cell_id="c1")
    assert ["one", "two"] == names(graph)


def test_a_node_that_moved_is_its_new_cells(cells, graph):
    """A node that another cell defined meanwhile is not removed by the cell that it was cut from."""
    cells.run(f"{ONE}\n{TWO}", cell_id="c1")
    cells.run(TWO, cell_id="c2")
    cells.quiet(ONE)
    assert "" == cells.run(ONE, cell_id="c1")
    assert ["one", "two"] == names(graph)


def test_a_notebook_that_is_run_again_is_silent(cells):
    """A graph that is made again in the place of an old one, which an engine still has, loses nothing and says nothing."""
    top = "g = ng.Graph(Words, name='g')", "x = 1"
    cells.quiet(*top)
    cells.run(ONE, cell_id="c1")
    cells.quiet("engine = ng.Engine(g, store=':memory:')", *top)
    old = cells.ns["engine"].graph
    assert "" == cells.run(ONE, cell_id="c1")
    assert ["one"] == names(cells.ns["g"]) == names(old)


def test_a_node_cell_that_is_renamed_renames_its_node(cells, graph):
    """A ``%%node`` cell under another name removes the earlier node."""
    cells.run("%%node one\nNone", cell_id="c1")
    cells.run("%%node other\nNone", cell_id="c1")
    assert ["other"] == names(graph)


def test_what_other_cells_say_of_a_removed_node_stays(cells, graph):
    """Edges that other cells drew wait for the node to come back."""
    cells.run(f"{ONE}\n{TWO}", cell_id="c1")
    cells.quiet("g.edge('two', 'three')")
    cells.run(ONE, cell_id="c1")
    assert [("two", "three")] == [(edge.src, edge.dst) for edge in graph.edges]
    assert "" == cells.run(f"{ONE}\n{TWO}", cell_id="c1")
    assert {("one", "two"), ("two", "three")} == {(edge.src, edge.dst) for edge in graph.edges}


def test_an_edge_that_left_its_cell_is_removed(cells, graph):
    """A cell that is run again without an edge takes that edge out, and no other."""
    cells.run("g.edge('one', 'two'); g.edge('one', 'three')", cell_id="c1")
    told = cells.run("g.edge('one', 'three')", cell_id="c1")
    assert 'edge "one" to "two" is no longer in this cell: removed from graph \'g\'' == told
    assert [("one", "three")] == [(edge.src, edge.dst) for edge in graph.edges]


def test_a_cell_that_fails_removes_nothing(cells, graph):
    """A cell that raises before it has said everything takes nothing out."""
    cells.run(f"{ONE}\n{TWO}", cell_id="c1")
    assert "ZeroDivisionError" in cells.run(f"1 / 0\n{ONE}", cell_id="c1")
    assert ["one", "two"] == names(graph)


def test_without_cell_ids_nodes_go_by_name(cells, graph):
    """Where the front end sends no ids, nothing is removed."""
    cells.quiet(f"{ONE}\n{TWO}", ONE)
    assert ["one", "two"] == names(graph)


def test_a_graph_that_comes_from_a_module_keeps_its_nodes(cells, tmp_path, monkeypatch):
    """Importing a finished graph again is no sign that its nodes are gone."""
    monkeypatch.syspath_prepend(tmp_path)
    code = f"import nbgraph as ng\ng = ng.Graph(None, name='g')\n{ONE}\n{TWO}\n"
    (tmp_path / "graph_of_a_module.py").write_text(code)
    for _ in range(2):
        cells.run("from graph_of_a_module import g", cell_id="c1")
    assert ["one", "two"] == names(cells.ns["g"])


def test_a_changed_node_is_told_once(cells, graph):
    """Other code: the run that used the older version, and how many of its tasks would execute again."""
    cells.quiet(f"{ONE}\n{TWO}\nengine = ng.Engine(g)\nrun = engine.run({{}}, run_id='r7')")
    other = ONE.replace("'a'", "'z'")
    told = 'node "one" changed: run r7 used an older version; 2 tasks downstream would execute again'
    assert told == cells.run(other)
    assert "" == cells.run(other)
    again = TWO.replace("'b'", "'y'")
    assert 'node "two" changed: run r7 used an older version; 1 task downstream would execute again' == cells.run(again)


def test_the_same_code_says_nothing(cells, graph):
    """Comments, layout and options are no change of code; nor does a graph without runs say anything."""
    cells.quiet(f"{ONE}\n{TWO}\nengine = ng.Engine(g)", ONE.replace("'a'", "'z'"), ONE, "run = engine.run({})")
    cells.quiet("@g.node(retry=2)\ndef one(state):\n    # a comment\n    return   {'words': 'a'}")


def test_a_node_changed_before_the_kernel_started_is_told(cells):
    """A new graph object of a graph with runs in its file is compared with those."""
    cells.run("%graph g --state Words")
    cells.quiet("%%node one\n{'words': 'a'}", "%ng run --id r1;", "del g", "%unload_ext nbgraph", "%load_ext nbgraph")
    cells.run("%graph g --state Words")
    assert 'node "one" changed: run r1' in cells.run("%%node one\n{'words': 'z'}")


def test_a_node_inside_a_subgraph_is_found_in_the_outer_graphs_run(cells, graph):
    """A changed node of an inner graph is told of with its place in the graph that ran."""
    cells.quiet(ONE, "outer = ng.Graph(Words, name='outer')", "outer.node(g, name='inner');")
    cells.quiet("engine = ng.Engine(outer)", "run = engine.run({}, run_id='r1')")
    assert 'node "inner/one" changed: run r1' in cells.run(ONE.replace("'a'", "'z'"))


def test_a_long_run_holds_no_cell_up(cells, graph, monkeypatch):
    """What a changed node would execute again is counted for a moment only; then the line comes without the number."""
    cells.quiet("@g.node(routes=['lap'])\ndef lap(state):\n    n = state.get('n', 0) + 1\n"
                "    return ng.Result({'n': n}, ng.Goto('lap') if n < 1_000 else ng.Stop())\n"
                "engine = ng.Engine(g)", "run = engine.run({}, run_id='r')")  # fmt: skip
    monkeypatch.setattr(stale, "monotonic", count(0.0, stale.MOMENT / 4).__next__)  # a look at the clock takes time
    told = cells.run("@g.node(routes=['lap'])\ndef lap(state): pass")
    assert 'node "lap" changed: run r used an older version; its tasks and those downstream would' in told


def test_hostile_names_are_escaped(cells, graph):
    """A node's name is text in the line below a cell, not markup."""
    from IPython.utils.capture import capture_output

    cell = "g.node(lambda state: {'words': 'WORD'}, name='<b>&\\u202e')"
    cells.run(f"{cell}\nengine = ng.Engine(g)\nrun = engine.run({{}})")
    with capture_output() as got:
        cells.shell.run_cell(f"{cell.replace('WORD', 'x')};")
    html = got.outputs[0].data["text/html"]
    assert "&lt;b&gt;&amp;�" in html
    assert "<b>" not in html
