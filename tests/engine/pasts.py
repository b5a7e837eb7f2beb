"""What the tests of resumes and forks share: graphs of every shape, and what a file holds of one run.

Owns no rule; each test file says its own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

import nbgraph as ng
from tests.engine.plays import does, holding, play
from tests.engine.stage import counting


def joined(old: str, new: str) -> str:
    """Put two texts together, so that it shows who came first; a reducer of our own."""
    return f"({old}{new})"


class State(TypedDict, total=False):
    """A field for every way of taking in an update."""

    log: Annotated[list[Any], ng.append]
    total: Annotated[int, ng.add]
    own: Annotated[str, joined]
    x: int


GIVEN: dict[str, Any] = {"x": 1, "log": [], "total": 0, "own": ""}


def adds(word: str) -> Callable[[Any], Any]:
    """Return a node that leaves its word in every field with a reducer."""
    return lambda state: {"log": word, "total": len(state["log"]), "own": word}


def raises(state: Any) -> Any:
    """Fail."""
    raise ValueError("boom")


def sends(state: Any) -> Any:
    """Send three numbers."""
    return [ng.Send("work", item=place) for place in range(3)]


def works(state: Any) -> Any:
    """Take in the number that was sent."""
    return {"log": state["item"], "total": state["item"], "own": str(state["item"])}


def adding(ways: str, **nodes: Any) -> ng.Graph:
    """Return a play whose nodes leave their names in every field with a reducer."""
    names = dict.fromkeys(ways.replace(">", " ").replace(";", " ").split())
    return play(ways, State, **{name: nodes.get(name, adds(name)) for name in names})


def choosing(**nodes: Any) -> ng.Graph:
    """Return a graph that goes left for a small x, else right, then ends."""
    graph = adding("a; left right > end", **nodes)
    graph.edge("a", "left", when=lambda state: state["x"] < 5)
    graph.edge("a", "right", otherwise=True)
    return graph


def catching() -> ng.Graph:
    """Return a graph whose node ``b`` fails, which an edge takes over."""
    graph = adding("a > b c; saved c > end", b=raises)
    graph.edge("b", "saved", on_error=ValueError)
    return graph


def going() -> ng.Graph:
    """Return a graph whose first node says where to go; it has an edge to elsewhere too."""
    go = does(lambda state: ng.Result(update={"log": "a"}, route=ng.Goto("b")), routes=["b"])
    return adding("a > c; b c > end", a=go)


SHAPES: dict[str, Callable[[], ng.Graph]] = {
    "chain": lambda: adding("a > b; b > c; c > d"),
    "diamond": lambda: adding("a > b c f; b > e; e c f > d; d > g"),
    "two ends": lambda: adding("a > b c; b > d e; c > f"),
    "sends": lambda: adding("a > split other; work other > end", split=does(sends, sends="work"), work=works),
    "nothing sent": lambda: adding("a; work > end", a=does(lambda state: [], sends="work"), work=works),
    "choice": choosing,
    "caught": catching,
    "subgraph": lambda: holding("a > sub c; sub c > end", adding("i > j k"), schema=State),
    "goto": going,
    "loop": lambda: counting(6),
}


def given_to(graph: ng.Graph) -> dict[str, Any]:
    """Return an input for a graph of any of the shapes."""
    return {name: value for name, value in (GIVEN | {"count": 0}).items() if name in graph.schema.fields}


def rows_of(store: ng.SqliteStore, run_id: str) -> dict[str, list[Any]]:
    """Return all that a file holds of a run, row by row."""
    with sqlite3.connect(store.name) as db:
        (ref,) = db.execute("SELECT ref FROM runs WHERE run_id = ?", (run_id,)).fetchone()
        found = {"runs": db.execute("SELECT * FROM runs WHERE ref = ?", (ref,)).fetchall()}
        for table in ("statuses", "leases"):
            found[table] = db.execute(f"SELECT * FROM {table} WHERE run = ?", (ref,)).fetchall()
        for table in ("graphs", "steps", "events", "calls", "answers"):
            query = f"SELECT * FROM {table} WHERE id >> 32 = ? ORDER BY id"
            found[table] = db.execute(query, (ref,)).fetchall()
    return found
