"""Recorded runs as tests: ``replay_all``, the pytest option, and tests written by ``run.to_pytest``."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

import nbgraph as ng
from nbgraph.testing import replay_all

SHOP = """
import nbgraph as ng

graph = ng.Graph({"n": int, "price": float}, name="shop")
asked = []

def quote(n):
    asked.append(n)
    return {"price": 2.5 * n}

@graph.node
def price(state, ctx):
    return {"price": ctx.call(quote, state["n"])["price"] * FACTOR}

FACTOR = 1
"""


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A module with a graph, and a file with two runs of it."""
    (tmp_path / "shop.py").write_text(SHOP)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    import shop

    with ng.SqliteStore(tmp_path / "runs.sqlite") as store:
        engine = ng.Engine(shop.graph, store=store)
        engine.run({"n": 2}, run_id="r1")
        engine.run({"n": 3}, run_id="r2")
    yield shop
    del sys.modules["shop"]


def pytest_run(folder, *options):
    """Run pytest in a process of its own; return what it printed, and its exit code."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr, done.returncode


def test_every_run_is_replayed(shop, tmp_path):
    """A row a run; what today's code does otherwise is told, and nothing is called."""
    assert replay_all(tmp_path / "runs.sqlite", shop.graph).ok.all()
    shop.FACTOR = 2
    table = replay_all(tmp_path / "runs.sqlite", shop.graph)
    assert [False, False] == list(table["ok"])
    assert "price" in table["first"][0]
    assert [2, 3] == shop.asked


def test_graphs_of_this_process_are_found(shop, tmp_path):
    """Without graphs, those that exist are used, by name; a run of no known graph has no verdict."""
    assert replay_all(tmp_path / "runs.sqlite").ok.all()
    table = replay_all(tmp_path / "runs.sqlite", ng.Graph(dict, name="other"))
    assert table["ok"].isna().all()
    assert "shop" in table["first"][0]


def test_two_graphs_of_one_name_are_refused(shop, tmp_path):
    """Which of two is meant is not guessed."""
    with pytest.raises(ng.GraphError, match="two graphs"):
        replay_all(tmp_path / "runs.sqlite", shop.graph, ng.Graph(dict, name="shop"))


@pytest.mark.slow
def test_the_pytest_option_makes_a_test_of_each_run(shop, tmp_path):
    """``--nbgraph-replay`` collects a test a run: green while nothing changed, red with the difference after."""
    options = ("--nbgraph-replay", "runs.sqlite", "--nbgraph-graph", "shop:graph")
    said, code = pytest_run(tmp_path, *options)
    assert (0, True) == (code, "2 passed" in said), said
    (tmp_path / "shop.py").write_text(SHOP.replace("FACTOR = 1", "FACTOR = 2"))
    said, code = pytest_run(tmp_path, *options)
    assert (1, True) == (code, "2 failed" in said), said
    assert "another 'price'" in said
    assert "Traceback" not in said


@pytest.mark.slow
def test_the_option_says_what_is_wrong(shop, tmp_path):
    """A missing file, a name that is none, a run of another graph: told in words, without a traceback."""
    said, code = pytest_run(tmp_path, "--nbgraph-replay", "no.sqlite")
    assert (4, True) == (code, "no.sqlite" in said), said
    said, code = pytest_run(tmp_path, "--nbgraph-replay", "runs.sqlite", "--nbgraph-graph", "shop:nothing")
    assert (4, True) == (code, "nothing" in said), said
    said, code = pytest_run(tmp_path, "--nbgraph-replay", "runs.sqlite")
    assert (0, True) == (code, "2 skipped" in said), said


@pytest.mark.slow
def test_a_run_becomes_a_test_that_imports_its_graph(shop, tmp_path):
    """``to_pytest`` writes a test and a recording that pass alone, and fail when the code does something else."""
    kept = tmp_path / "kept"
    kept.mkdir()
    with ng.SqliteStore(tmp_path / "runs.sqlite") as store:
        path = ng.Engine(shop.graph, store=store).open("r1").to_pytest(kept / "test_shop.py")
    assert {"test_shop.py", "test_shop.sqlite"} == {entry.name for entry in kept.iterdir()}
    assert "from shop import graph" in path.read_text()
    (tmp_path / "conftest.py").write_text(f"import sys; sys.path.insert(0, {str(tmp_path)!r})")
    said, code = pytest_run(tmp_path, "kept")
    assert (0, True) == (code, "1 passed" in said), said
    (tmp_path / "shop.py").write_text(SHOP.replace("FACTOR = 1", "FACTOR = 2"))
    said, code = pytest_run(tmp_path, "kept")
    assert 1 == code, said


NOTEBOOK = """
import math, operator
from typing import Annotated, TypedDict
import nbgraph as ng
from nbgraph import Graph

class State(TypedDict):
    n: int
    seen: Annotated[list, ng.append]

LIMITS = {"low": 3, "high": [1, 2]}

@ng.call
def roll(n):
    return math.factorial(n)

def helper(x):
    return x + LIMITS["low"]

flow = Graph(State, name="notebook")

@flow.node(retry=ng.Retry(2, on=(ValueError, ZeroDivisionError)), timeout=30)
def begin(state):
    return {"n": helper(state["n"]), "seen": roll(3)}

@flow.node(after="begin")
async def again(state):
    return {"n": state["n"] - 1, "seen": "lap"}

flow.edge("again", "again", when=lambda state: state["n"] > LIMITS["low"])
flow.edge("again", "end", otherwise=True)
flow.node(lambda state: {"seen": operator.add(1, 1)}, name="end")

run = ng.Engine(flow, store="nb.sqlite").run({"n": 2}, run_id="nb/1")
run.to_pytest("test_nb.py")
"""


@pytest.mark.slow
def test_a_graph_of_a_notebook_is_written_down(tmp_path):
    """Of a graph in ``__main__`` the code itself goes into the test: functions, constants, imports, edges."""
    (tmp_path / "notebook.py").write_text(NOTEBOOK)
    done = subprocess.run([sys.executable, "notebook.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    (tmp_path / "notebook.py").unlink()
    said, code = pytest_run(tmp_path, "test_nb.py")
    assert (0, True) == (code, "1 passed" in said), said + (tmp_path / "test_nb.py").read_text()
    text = (tmp_path / "test_nb.py").read_text()
    (tmp_path / "test_nb.py").write_text(
        text.replace("state['n'] - 1", "state['n'] - 2").replace('state["n"] - 1', 'state["n"] - 2')
    )
    assert 1 == pytest_run(tmp_path, "test_nb.py")[1]


@pytest.mark.slow
def test_what_cannot_be_written_down_is_named(tmp_path):
    """A graph that uses an open file, or another thing without a text, is refused before anything is written."""
    (tmp_path / "notebook.py").write_text(
        textwrap.dedent("""
        import nbgraph as ng
        graph = ng.Graph(dict, name="g")
        handle = open(__file__)
        @graph.node
        def read(state):
            return {"n": handle.closed}
        run = ng.Engine(graph, store="nb.sqlite").run(run_id="r")
        try:
            run.to_pytest("test_nb.py")
        except ng.GraphError as error:
            print(error)
        """)
    )
    done = subprocess.run([sys.executable, "notebook.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "'handle'" in done.stdout, done.stdout + done.stderr
    assert not (tmp_path / "test_nb.py").exists()


def test_a_test_is_not_written_over(shop, tmp_path):
    """An existing file, or a name that pytest does not find, is refused; ``overwrite=True`` writes anew."""
    with ng.SqliteStore(tmp_path / "runs.sqlite") as store:
        run = ng.Engine(shop.graph, store=store).open("r1")
        run.to_pytest(tmp_path / "test_a.py")
        with pytest.raises(ng.GraphError, match="exists"):
            run.to_pytest(tmp_path / "test_a.py")
        run.to_pytest(tmp_path / "test_a.py", overwrite=True)
        with pytest.raises(ng.GraphError, match="finds"):
            run.to_pytest(tmp_path / "a.py")
