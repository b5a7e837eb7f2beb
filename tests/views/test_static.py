"""What shows where no kernel is: images in HTML, deterministic, and deaf to what texts try."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path
from typing import Annotated, Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbgraph as ng
from nbgraph.views import static
from nbgraph.views.layout import layout
from nbgraph.views.topology import topology_of


class Tags(HTMLParser):
    """Collects the elements of a page and their attributes' names."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, ...]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, *(name for name, _ in attrs)))

    def handle_data(self, data):
        self.texts.append(data)


def svg_of(page: str) -> ET.Element:
    """Return the picture inside a page, parsed."""
    (source,) = re.findall(r"data:image/svg\+xml;base64,([\w+/=]+)", page)
    return ET.fromstring(base64.b64decode(source))


def review(name: str = "review", error: str = "no") -> ng.Graph:
    """Return a small graph whose last node fails if it is told an error."""
    graph = ng.Graph({"n": int, "seen": Annotated[list, ng.append]}, name=name)

    @graph.node
    def plan(state: Any) -> Any:
        return {"n": 1}

    @graph.node(after="plan")
    def check(state: Any) -> Any:
        if error:
            raise ValueError(error)

    return graph


def ended(graph: ng.Graph, run_id: str = "r1") -> ng.Run:
    """Return a run that stands still."""
    run = ng.Engine(graph, store=":memory:").start({"n": 0}, run_id=run_id)
    with suppress(ng.NbgraphError):
        run.wait()
    return run


@pytest.fixture(autouse=True)
def _ours(monkeypatch):
    monkeypatch.setenv("NBGRAPH_LAYOUT", "builtin")


def test_a_graph_shows_itself_as_an_image():
    """A graph's HTML is an img with its picture inside, its size and words for who cannot see it: no inline svg."""
    page = static.graph_bundle(review())["text/html"]
    assert [("div", "class", "style"), ("img", "src", "width", "height", "alt", "style")] == Tags(page).found
    assert {"plan", "check"} == {one.get("data-node") for one in svg_of(page).iter() if one.get("data-node")}


def test_a_run_says_where_it_stands_and_why():
    """A run's HTML has its id, status, steps and error in words, and the drawing in its colours."""
    page = static.run_bundle(ended(review(error="out of paper")))["text/html"]
    told = " ".join(Tags(page).texts)
    assert all(word in told for word in ("r1", "review", "failed", "1 step", "out of paper"))
    assert "ng-is-failed" in "".join(one.get("class") or "" for one in svg_of(page).iter())


def test_the_display_hooks_give_html_and_text():
    """What a notebook asks of a graph and of a run holds the picture and the plain words."""
    for shown in (review(), ended(review())):
        bundle = shown._repr_mimebundle_()
        assert {"text/html", "text/plain"} == bundle.keys()
        assert "<img " in bundle["text/html"]


def test_an_empty_graph_says_so():
    """A graph without nodes shows its name and that nothing is there yet."""
    assert "no nodes yet" in static.graph_bundle(ng.Graph(name="new"))["text/html"]


def test_an_unfinished_graph_has_a_picture():
    """A graph that does not compile yet is drawn as far as it is known."""
    graph = ng.Graph({"n": int}, name="half")
    graph.edge("plan", "later")
    assert 2 == sum(one.get("data-node") is not None for one in svg_of(static.graph_bundle(graph)["text/html"]).iter())


def test_a_file_is_what_is_returned(tmp_path):
    """``path`` writes the same SVG that is returned, for graphs and runs."""
    for number, svg in enumerate((static.graph_svg, static.run_svg)):
        path = tmp_path / f"{number}.svg"
        shown = review() if svg is static.graph_svg else ended(review())
        assert svg(shown, path=path) == path.read_text(encoding="utf-8")
        ET.fromstring(path.read_text(encoding="utf-8"))


def test_a_run_can_be_drawn_as_it_was():
    """``step`` colours what was done by then, and what was next."""
    run = ended(review(error=""))
    classes = [re.findall(r'class="ng-node ng-sync ng-is-(\w+)"', static.run_svg(run, step=step)) for step in (0, 1, 2)]
    assert [["ready", "idle"], ["done", "ready"], ["done", "done"]] == classes


def test_code_that_changed_since_is_marked():
    """A node that another cell defined anew is flagged in a picture of an earlier run, as in a live view; others are not."""
    graph = review(error="")
    run = ended(graph)
    assert 0 == static.run_svg(run).count(">changed<")
    graph.node(name="check", after="plan")(lambda state: None)
    assert [1, 1] == [static.run_svg(run, step=step).count(">changed<") for step in (None, 1)]
    graph.edge("check", "missing")
    assert 0 == static.run_svg(run).count(">changed<")  # unfinished: nobody knows


def test_two_runs_without_times_show_the_same(monkeypatch):
    """With NBGRAPH_TIMES=0 and the built-in layout a page depends on what happened, not on when or how long."""
    monkeypatch.setenv("NBGRAPH_TIMES", "0")
    assert 1 == len({static.run_bundle(ended(review()))["text/html"] for _ in range(3)})


def test_seconds_are_shown_unless_asked_not_to():
    """By default the summary says how long the nodes took; ``times=False`` leaves seconds out of a picture."""
    run = ended(review(error=""))
    assert "in nodes" in static.run_bundle(run)["text/html"]
    assert " ms" in static.run_svg(run)
    assert " ms" not in static.run_svg(run, times=False)


@pytest.mark.parametrize("option", [{"engine": "neato"}, {"theme": "sepia"}, {"direction": "up"}])
def test_what_cannot_be_drawn_that_way_is_refused(option):
    """An engine, a theme or a direction that does not exist raises OptionsError, which names what there is."""
    with pytest.raises(ng.OptionsError, match="it should be"):
        static.graph_svg(review(), **option)


def test_a_picture_leads_where_it_is_told():
    """``direction="right"`` gives a picture of a chain that is wider than high, of graphs and of runs."""
    for shown in (static.graph_svg(review(), direction="right"), static.run_svg(ended(review()), direction="right")):
        root = ET.fromstring(shown)
        assert float(root.get("width")) > 2 * float(root.get("height"))


def chain(length: int) -> ng.Graph:
    """Return a chain of nodes."""
    graph = ng.Graph({"n": int}, name="long")
    for number in range(length):
        graph.node(lambda state: None, name=f"n{number}", after=f"n{number - 1}" if number else None)
    return graph


def test_large_graphs_say_what_would_draw_better():
    """From 61 nodes on our own layout says that Graphviz draws better; up to 60 it does not."""
    captions = ["Graphviz" in static.graph_bundle(chain(length))["text/html"] for length in (60, 61)]
    assert [False, True] == captions


def test_everything_works_without_graphviz(monkeypatch, tmp_path):
    """With nothing on PATH, "auto" and "dot" draw by our own layout."""
    monkeypatch.setenv("PATH", str(tmp_path))
    for engine in ("auto", "dot", "pygraphviz"):
        assert layout(topology_of(review()), engine).engine in ("builtin", "pygraphviz")
    assert "data-node" in static.graph_svg(review(), engine="dot")


@pytest.mark.parametrize(
    "program", ["exit 1", "echo nonsense", "echo '{}'", 'echo \'{"bb":"0,0,9,9","objects":[{}]}\'']
)
def test_a_dot_that_fails_is_passed_over(monkeypatch, tmp_path, program):
    """A program of that name that fails, or answers nonsense, costs nothing but the better picture."""
    fake = tmp_path / "dot"
    fake.write_text(f"#!/bin/sh\n{program}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "builtin" == layout(topology_of(review()), "dot").engine


HOSTILE = st.sampled_from(
    [
        "<script>alert(1)</script>", '" onload="x', "' onerror='x", "</div><img src=x>", "&lt;b&gt;", "]]>", "\x1b[31m",
        "\ud800", "\u202egnp", "<!--", "a\0b",
    ]
)  # fmt: skip


@given(HOSTILE, HOSTILE, HOSTILE)
def test_hostile_texts_make_no_elements(graph_name, error, run_id):
    """Whatever stands in names, errors and ids, a page has exactly the elements of a page without it."""
    from nbgraph.store.protocol import RunRow

    run = ended(review())

    class Shown:
        id, status, live = run_id, "failed", False

        class store:  # noqa: N801 - stands for the run's store, one text changed
            @staticmethod
            def run(_: str) -> RunRow:
                row = run.store.run(run.id)
                told = row.status.error.replace("raised ValueError: no", "x")
                assert told != row.status.error
                import json

                facts = {**json.loads(row.status.error), "message": error, "todo": error}
                return row._replace(
                    record=row.record._replace(graph=graph_name), status=row.status._replace(error=json.dumps(facts))
                )

            descriptions = staticmethod(lambda _: run.store.descriptions(run.id))
            origin = staticmethod(lambda _: None)
            events = staticmethod(lambda _: run.store.events(run.id))
            calls = staticmethod(lambda _: run.store.calls(run.id))
            steps = staticmethod(lambda _, *between: run.store.steps(run.id, *between))

    assert Tags(static.run_bundle(run)["text/html"]).found == Tags(static.run_bundle(Shown())["text/html"]).found


@given(st.text(min_size=1).filter(lambda text: "/" not in text), st.text(min_size=1))
def test_any_name_is_shown_as_text(node, graph_name):
    """A page of a graph whose names are any text has one image and nothing else, and its picture parses."""
    graph = ng.Graph({"n": int}, name=graph_name)
    graph.node(lambda state: None, name=node)
    page = static.graph_bundle(graph)["text/html"]
    assert ["div", "img"] == [tag for tag, *_ in Tags(page).found]
    assert 1 == sum(one.get("data-node") is not None for one in svg_of(page).iter())


def test_a_comparison_shows_its_table():
    """A diff's HTML is its words and its table."""
    engine = ng.Engine(review(error=""), store=":memory:")
    first, second = engine.run({"n": 0}, run_id="a"), engine.run({"n": 5}, run_id="b")
    assert "<table" in static.diff_bundle(first.diff(second))["text/html"]


def test_two_comparisons_without_times_show_the_same(monkeypatch):
    """With NBGRAPH_TIMES=0 neither form of a comparison says how long nodes took; by default both do."""
    engine = ng.Engine(review(error=""), store=":memory:")
    found = engine.run({"n": 0}, run_id="a").diff(engine.run({"n": 5}, run_id="b"))
    assert all("Nodes took" in text for text in static.diff_bundle(found).values())
    monkeypatch.setenv("NBGRAPH_TIMES", "0")
    assert not any("took" in text for text in static.diff_bundle(found).values())


@pytest.mark.slow
def test_a_picture_loads_no_package_for_notebooks():
    """Drawing needs the standard library: no ipywidgets, pandas, IPython or graphviz is imported for it."""
    program = (
        "import sys, nbgraph as ng; g = ng.Graph({'n': int}, name='g'); g.node(lambda s: None, name='a');"
        "g._repr_mimebundle_(); print([m for m in ('ipywidgets', 'pandas', 'IPython', 'graphviz') if m in sys.modules])"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert "[]" == done.stdout.strip()


@pytest.mark.parametrize(
    ("value", "engine"), [("dot", "dot"), ("builtin", "builtin"), ("nonsense", "auto"), ("", "auto")]
)
def test_an_unknown_default_engine_counts_as_auto(monkeypatch, value, engine):
    """NBGRAPH_LAYOUT names an engine; a display cannot fail over a wrong one."""
    from nbgraph.views.settings import default_engine

    monkeypatch.setenv("NBGRAPH_LAYOUT", value)
    assert engine == default_engine()
