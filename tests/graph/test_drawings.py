"""Three drawings of a definition: complete, readable, and deaf to what names and labels try."""

import itertools
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbgraph as ng
from nbgraph.graph.definition import Graph
from nbgraph.graph.mermaid import escaped

HOSTILE = 'x"]; end <script>alert(1)</script>\n-->\\N %%{init}%% & #quot; |`$'


def step(state):
    return None


def mapping(state):
    return [ng.Send("check", file=f) for f in state["files"]]


def review():
    graph = Graph(name="review")
    graph.node(step, name="plan")
    graph.node(mapping, name="split", after="plan")
    graph.node(step, name="check", join="each")
    graph.node(step, name="report", after=["check", "plan"])
    graph.edge("report", "split", when=lambda s: s["more"])
    graph.edge("check", "rescue", on_error=OSError)
    graph.node(step, name="rescue")
    return graph


PICTURE = """\
g

       ╔═══╗
       ║ a ║
       ╚═╤═╝
    ┌────┴─────┐
    ▼          ▼
╭──────╮   ╭───────╮
│ left │   │ right │
╰───┬──╯   ╰───┬───╯
    └─────┬────┘
          ▼
        ╭───╮
        │ z │
        ╰───╯"""


def test_the_text_drawing_shows_layers_loops_maps_and_joins():
    """Boxes in layers, the start in a double frame; marks for what a line cannot say."""
    text = review().to_text()
    for part in ("║ plan ║", "│ split │", "⇊", "▼", "∥ each arrival", "↺ split", "╌╌▶ rescue  on OSError"):
        assert part in text
    for note in ("split ══▶ check  one task per Send", 'report ──▶ split  when s["more"]'):
        assert note in text.splitlines()
    order = [
        next(i for i, line in enumerate(text.splitlines()) if name in line)
        for name in ("plan", "split", "check", "report")
    ]
    assert sorted(order) == order
    assert str(review()) == text


def test_a_chain_looks_like_this():
    """One exact picture, so that a change in drawing is seen."""
    graph = Graph(name="g")
    graph.node(step, name="a")
    graph.node(step, name="left", after="a")
    graph.node(step, name="right", after="a")
    graph.node(step, name="z", after=["left", "right"])
    assert PICTURE == graph.to_text()


@given(st.integers(1, 15), st.randoms(use_true_random=False))
def test_every_node_is_drawn_whole_in_any_graph(count, chance):
    """No box overlaps another, no line crosses a box, whatever the graph looks like."""
    graph, names = Graph(name="g"), [f"node{'x' * chance.randint(0, 9)}{number}" for number in range(count)]
    for name in names:
        graph.node(step, name=name)
    for src, dst in itertools.product(names, names):
        if chance.random() < 1.5 / count:
            graph.edge(src, dst)
    text = graph.to_text()
    for name in names:
        assert len(re.findall(rf"[│║] +{name} +[│║]", text)) == 1
    corners = [text.count(corner) for corner in "╭╮╰╯"]
    assert {count - text.count("╔")} == set(corners)


def test_subgraphs_are_drawn_below_and_unfinished_graphs_too():
    """What is mentioned, but not defined yet, has a question mark; a graph within itself ends."""
    graph = Graph(name="outer")
    assert "no nodes yet" in graph.to_text()
    graph.node(review(), name="sub")
    graph.edge("sub", "later")
    graph.node(graph, name="self", after="sub")
    for part in ("▣ sub", "later ?", "    review"):
        assert part in graph.to_text()
    assert "later ?" in graph.to_dot().source
    assert "later ?" in graph.to_mermaid().replace("#63;", "?")


def hostile():
    graph = Graph(name=HOSTILE.replace("/", "|"))
    name = HOSTILE.replace("/", "|")
    graph.node(step, name=name)
    graph.node(step, name="<b>", after=name)
    graph.node(step, name="\x1b[31m\u202e", after=name)
    graph.edge(name, "<b>", when=bool, name=HOSTILE)
    return graph


def test_mermaid_gets_names_as_numeric_entities():
    """Nothing of a name can end a label, open a tag or start a directive."""
    source = hostile().to_mermaid()
    labels = re.findall(r'"([^"]*)"', source)
    assert len(labels) == 4
    assert all(re.fullmatch(r"[A-Za-z0-9 _\-.,+*/=#;]*", label) for label in labels)
    assert re.fullmatch(r'(flowchart TD|  n\d+ ?(\(\[|\[)"[^"]*"(\]\)|\])|  n\d+ -->(\|"[^"]*"\|)? n\d+|\n)+', source)
    assert "é".encode() not in escaped("é").encode()


def test_dot_gets_names_as_quoted_text():
    """No HTML label, no escape sequence, no second statement."""
    source = hostile().to_dot().source
    assert 'label="<b>"' in source
    assert "\\\\N" in source
    assert not re.search(r"label=<", source)


def test_text_gets_names_without_control_characters():
    """No escape sequence reaches the terminal, no character turns the line around."""
    text = hostile().to_text()
    assert all(char == "\n" or char.isprintable() for char in text)


def test_dot_has_clusters_with_an_entry_and_an_end():
    """Arrivals point to the inner start, ways out leave from the end point."""
    graph = Graph(name="outer")
    graph.node(step, name="a")
    graph.node(review(), name="sub", after="a")
    graph.node(step, name="z", after="sub")
    source = graph.to_dot().source
    for part in ("subgraph cluster_n1", "n0 -> n1_0", "n1_end -> n2", 'n1_end [label="" shape=point]'):
        assert part in source


@pytest.mark.parametrize("method", ["to_text", "to_mermaid"])
def test_text_and_mermaid_need_no_package(method):
    """Only ``to_dot`` imports graphviz."""
    code = (
        "import sys, nbgraph.graph.definition as d; g = d.Graph(name='g'); g.node(lambda s: s, name='a');"
        f"g.{method}(); sys.exit('graphviz' in sys.modules)"
    )
    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode
