"""What there is to draw: from a live graph, an unfinished one, and a stored description."""

from __future__ import annotations

from typing import Any

import pytest

import nbgraph as ng
from nbgraph.views.topology import Cluster, Topology, topology_from, topology_of, topology_of_run


def inner() -> ng.Graph:
    """Return a graph of two nodes, to be used within another."""
    graph = ng.Graph({"n": int}, name="inner")

    @graph.node
    def lint(state: Any) -> None: ...

    @graph.node(after="lint")
    async def fix(state: Any) -> None: ...

    return graph


def outer() -> ng.Graph:
    """Return a graph with every kind of link, and a subgraph."""
    graph = ng.Graph({"n": int}, name="outer")

    @graph.node(routes="start", sends="work")
    def start(state: Any) -> None: ...

    @graph.node(retry=3, join="each")
    def work(state: Any) -> None: ...

    graph.node(inner(), name="check", after="work")
    graph.edge("check", "start", when=lambda s: s["n"] > 1, name="again")
    graph.edge("check", "done", otherwise=True)
    graph.edge("work", "done", on_error=ValueError)

    @graph.node
    def done(state: Any) -> None: ...

    graph.start("start")
    return graph


def test_a_graph_that_compiles_is_drawn_as_its_description_says():
    """A live graph and its stored description give the same drawing, so that rows of a run colour either."""
    assert topology_from(outer().compile().description) == topology_of(outer())


def test_nodes_have_absolute_names_and_their_own_as_labels():
    """A node of a subgraph is drawn by its own name and known by its absolute one; the end has the subgraph's."""
    nodes = {node.name: (node.label, node.kind, node.cluster) for node in topology_of(outer()).nodes}
    assert {
        "start": ("start", "sync", ""),
        "work": ("work", "sync", ""),
        "check/lint": ("lint", "sync", "check"),
        "check/fix": ("fix", "async", "check"),
        "check": ("check", "end", "check"),
        "done": ("done", "sync", ""),
    } == nodes


def test_links_carry_kind_label_and_the_index_of_rows():
    """Every way out is a link of its kind, with its label and the index that a row's arrivals name."""
    links = {link.id: (link.dst, link.kind, link.label) for link in topology_of(outer()).links}
    assert {
        "start>g0": ("start", "goto", ""),
        "start>s0": ("work", "send", ""),
        "work>e0": ("check/lint", "edge", ""),
        "work>x0": ("done", "error", "on ValueError"),
        "check/lint>e0": ("check/fix", "edge", ""),
        "check/fix>e0": ("check", "edge", ""),
        "check>e0": ("start", "when", "again"),
        "check>e1": ("done", "otherwise", "otherwise"),
    } == links


def test_clusters_stand_within_each_other():
    """A subgraph of a subgraph is a cluster inside a cluster."""
    middle, graph = ng.Graph({"n": int}, name="middle"), ng.Graph({"n": int}, name="top")
    middle.node(inner(), name="low")
    graph.node(middle, name="high")
    assert (Cluster("high", "high", ""), Cluster("high/low", "low", "high")) == topology_of(graph).clusters


def test_start_join_and_attempts_are_known():
    """The start, a join for every arrival, and the number of attempts are part of a node."""
    nodes = {node.name: node for node in topology_of(outer()).nodes}
    assert ["start"] == [name for name, node in nodes.items() if node.start]
    assert ("each", 3) == (nodes["work"].join, nodes["work"].attempts)


def test_an_unfinished_graph_shows_what_is_missing():
    """A name that an edge mentions before its cell ran is drawn as missing, subgraphs with their insides."""
    graph = ng.Graph({"n": int}, name="half")
    graph.node(inner(), name="check")
    graph.edge("plan", "check")
    graph.edge("check", "report", when=lambda s: s["n"] > 1)
    drawn = topology_of(graph)
    assert {"plan", "report"} == {node.name for node in drawn.nodes if node.kind == "missing"}
    assert {("plan", "check/lint"), ("check/lint", "check/fix"), ("check/fix", "check"), ("check", "report")} == {
        (link.src, link.dst) for link in drawn.links
    }


def test_an_unfinished_graph_keeps_the_names_that_it_will_have():
    """Defining the missing nodes changes what they are, not the ids of nodes and links."""
    graph = outer()
    graph.edge("done", "later")
    half = topology_of(graph)

    @graph.node
    def later(state: Any) -> None: ...

    whole = topology_of(graph)
    assert {link.id: link[1:] for link in whole.links} == {link.id: link[1:] for link in half.links}
    assert {node.name for node in whole.nodes} == {node.name for node in half.nodes}


def test_a_graph_within_itself_is_not_looked_into():
    """A graph that holds itself is drawn once, as a single node within."""
    graph = ng.Graph({"n": int}, name="ouroboros")
    graph.node(graph, name="again")
    assert [("again", "graph")] == [(node.name, node.kind) for node in topology_of(graph).nodes]


def test_an_empty_graph_has_nothing_to_draw():
    """A graph without nodes is an empty drawing, not an error."""
    assert Topology("empty", (), (), ()) == topology_of(ng.Graph(name="empty"))


def test_a_run_is_drawn_as_the_graph_that_it_followed_last(tmp_path):
    """The stored description of a run is enough to draw it: no graph object, no code."""
    graph = outer()
    run = ng.Engine(inner(), store=tmp_path / "runs.sqlite").run({"n": 1})
    assert topology_of(inner()) == topology_of_run(run)
    assert topology_of(graph) != topology_of_run(run)


@pytest.mark.parametrize("text", ["", "[1", "nonsense"])
def test_what_is_no_description_is_refused(text):
    """A text that is no description raises ValueError."""
    with pytest.raises(ValueError):
        topology_from(text)
