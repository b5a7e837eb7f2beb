"""``%graph`` and ``%edge``: what they make, what they keep, what they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def graph(cells):
    """A notebook with a graph of two nodes."""
    cells.run("%graph g --state Words")
    cells.quiet("%%node one\n{'words': 'a', 'n': 5}", "%%node two\n{'words': 'b'}", "%%node three\n{'words': 'c'}")
    return cells.ns["g"]


def test_a_graph_says_where_its_runs_are_kept(cells):
    """A new graph's runs go to a file beside the notebook, named after it, and it says so once."""
    assert "graph demo: its runs are kept in demo.sqlite, beside the notebook" in cells.run("%graph demo")
    cells.quiet("%graph demo")
    cells.quiet("%%node one\nNone", "%ng run;")
    assert Path("demo.sqlite").exists()


def test_a_graph_may_name_its_file_and_options(cells):
    """``--store`` and ``name=value`` reach the engine of the verbs."""
    cells.quiet("%graph demo --store 'my runs.sqlite' max_concurrent=1+1 seed=7")
    cells.quiet("engine = %ng engine")
    engine = cells.ns["engine"]
    assert (2, 7) == (engine.options.max_concurrent, engine.options.seed)
    assert "my runs.sqlite" in engine.store.name


def test_a_graph_that_is_there_is_chosen(cells, graph):
    """``%graph NAME`` of a graph that a cell made chooses it and changes nothing in it."""
    cells.quiet("other = ng.Graph(Words, name='another name')", "%graph other", "%%node only\nNone", "%graph g")
    cells.quiet("%%node four\nNone")
    assert ["only"] == [node.name for node in cells.ns["other"].nodes]
    assert ["one", "two", "three", "four"] == [node.name for node in graph.nodes]


def test_a_graph_may_be_told_where_to_start(cells, graph):
    """``--start`` says where runs begin, which a loop back to the first node leaves open."""
    cells.quiet("%edge one two", "%edge two one --on-error", "%edge one three", "%graph g --start one")
    assert ["a", "b", "c"] == cells.ns["ng"].Engine(graph).run({}).state["words"]


def test_another_state_keeps_the_nodes(cells, graph):
    """Running ``%graph`` again with a changed state keeps the graph, its nodes, and those who hold it."""
    cells.quiet("engine = ng.Engine(g)", "%graph g --state dict(words=list, other=int)")
    assert graph is cells.ns["g"] is cells.ns["engine"].graph
    assert ["words", "other"] == list(graph.schema.fields)
    assert 3 == len(graph.nodes)


def test_the_only_graph_needs_no_choice(cells):
    """With one graph in the notebook, magics mean that one; with more, they ask."""
    cells.quiet("made = ng.Graph(Words, name='m')", "%%node one\nNone", "again = made", "%%node two\nNone")
    cells.quiet("other = ng.Graph(Words, name='o')")
    assert "UsageError: which graph?; there is again, made, other" in cells.run("%%node three\nNone")
    assert ["one", "two"] == [node.name for node in cells.ns["made"].nodes]


def test_an_edge_has_its_expression_as_label(cells, graph):
    """The text after ``--when`` is the predicate and what a drawing shows; it sees state and the notebook's names."""
    cells.quiet('%edge one two --when state["n"] > limit', "%edge one three --otherwise", "limit = 3")
    assert ['state["n"] > limit', "otherwise"] == [edge.label for edge in graph.edges]
    assert ["a", "b"] == cells.ns["ng"].Engine(graph).run({}).state["words"]
    cells.quiet("limit = 9")
    assert ["a", "c"] == cells.ns["ng"].Engine(graph).run({}).state["words"]


def test_an_edge_may_be_taken_on_errors(cells, graph):
    """``--on-error`` takes an exception, a tuple of them, or any."""
    cells.quiet("%edge one two --on-error ValueError", "%edge two three --on-error (ValueError, OSError)")
    cells.quiet("%edge one three --on-error")
    assert [(ValueError,), (ValueError, OSError), (Exception,)] == [edge.on_error for edge in graph.edges]


def test_an_edge_is_replaced_and_removed(cells, graph):
    """The same pair again replaces the edge; ``--remove`` takes it out."""
    cells.quiet("%edge one two", "%edge one two --name again", "%edge one two --when True")
    assert ["True", "again"] == sorted(edge.label for edge in graph.edges)
    cells.quiet("%edge one two --remove")
    assert () == graph.edges


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("%edge one", "required: B"),
        ("%edge one two --when state[", "[ is opened and not closed"),
        ("%edge one two --when 1 +", "'1 +' is not a Python expression: invalid syntax"),
        ("%edge one two --when True --otherwise", "more than one of when, otherwise"),
        ("%edge one two --on-error Nothing", "--on-error: 'Nothing' raised NameError"),
        ("%edge one two --remove", "no such edge from 'one' to 'two'"),
        ("%graph", "required: NAME"),
        ("%graph a-b", "no Python name"),
        ("%graph one", "one is a function of the notebook; choose another name"),
        ("%graph new --state Nothing", "'Nothing' raised NameError"),
        ("%graph new --state 3", "state"),
        ("%graph new max_concurent=3", "the nearest is 'max_concurrent'"),
        ("%graph new seed", "unrecognized arguments: seed"),
    ],
)
def test_a_wrong_line_is_refused_in_words(cells, graph, line, why):
    """What is wrong is said in one line, and the graph is as it was."""
    told = cells.run(line)
    assert told.startswith("UsageError:")
    assert why in told
    assert () == graph.edges
    assert "new" not in cells.ns
