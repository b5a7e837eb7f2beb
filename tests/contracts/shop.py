"""The shop: a graph with every kind of node, call, route and reducer, each of which can be changed.

Owns the graph as it is recorded. What may become of it is in ``drifts``.
"""

from __future__ import annotations

import itertools
from typing import Annotated, Any, TypedDict

import nbgraph as ng


def greatest(value: int, operand: int) -> int:
    """Keep the greater one: a reducer of the user's own."""
    return max(value, operand)


class Shop(TypedDict):
    """One field for each way in which an update is taken in."""

    log: Annotated[list[Any], ng.append]
    total: Annotated[int, ng.add]
    best: Annotated[int, greatest]
    luck: list[int]
    at: list[str]
    one: Any
    row: list[int]


# -- the outside world


def price(item: str, currency: str = "EUR", **more: Any) -> float:
    """Ask what something costs."""
    return float(len(item) + len(currency))


def refuse(item: str) -> None:
    """Refuse to sell."""
    raise ValueError(f"no {item} today")


@ng.call
def stock(item: str) -> int:
    """Count what is there; recorded wherever a node calls it."""
    return len(item)


def survey(item: str) -> int:
    """Make a call of its own."""
    return stock(item) + 1


# -- the nodes, as they were recorded


def begin(state, ctx):
    return {"luck": [ctx.rng.randrange(1000), ctx.uuid().int % 1000], "at": [str(ctx.now()), str(ctx.now())]}


def buy(state, ctx):
    return {"log": [ctx.call(price, "ink", "EUR"), ctx.call(price, "paper", "EUR")]}


async def glance(state, ctx):
    return {"log": await ctx.call(price, "pen")}


def haggle(state, ctx):
    try:
        ctx.call(refuse, "ink")
    except ValueError as error:
        return {"log": f"{type(error).__name__}: {error}"}


def approve(state, ctx):
    return {"log": ctx.ask("Buy it?", schema=bool)}


def count(state, ctx):
    return {"log": [ctx.call(survey, "glue"), stock("tape")]}


def shaky(state):
    raise KeyError("shelf")


def mend(state):
    return {"log": "mended"}


def kinds(state):
    return {"one": 1, "row": [3, 1, 2]}


def split(state):
    return [ng.Send("work", item=1), ng.Send("work", item=2)]


def work(state):
    return {"best": state["item"], "total": state["item"]}


def gather(state):
    return {"log": state["best"]}


def choose(state):
    return ng.Goto("left")


def left(state):
    return None


def right(state):
    return None


def big(state):
    return None


def small(state):
    return None


def end(state):
    return {"log": "end"}


CHAIN = (begin, buy, glance, haggle, approve, count, shaky, mend, kinds, split, work, gather, choose)
OPTIONS: dict[str, dict[str, Any]] = {"split": {"sends": "work"}, "choose": {"routes": ["left", "right"]}}
EDGES: list[tuple[str, str, dict[str, Any]]] = [
    *[(a.__name__, b.__name__, {}) for a, b in itertools.pairwise(CHAIN) if (a, b) not in ((shaky, mend), (split, work))],
    ("shaky", "mend", {"on_error": KeyError}),
    ("left", "big", {"when": lambda state: state["total"] > 2}),
    ("left", "small", {"otherwise": True}),
    ("big", "end", {}),
    ("small", "end", {}),
    ("right", "end", {}),
]  # fmt: skip


def shop(
    *, schema: Any = Shop, reducer: Any = None, edges: Any = EDGES, without: tuple[str, ...] = (), **nodes: Any
) -> ng.Graph:
    """Return the graph, with other functions for the nodes that ``nodes`` names."""
    graph = ng.Graph(schema, name="shop") if reducer is None else ng.Graph(schema, name="shop", reducer=reducer)
    for fn in (*CHAIN, left, right, big, small, end):
        name = fn.__name__
        if name not in without:
            graph.node(name=name, **OPTIONS.get(name, {}))(nodes.pop(name, fn))
    for name, given in nodes.items():
        fn, how = given if isinstance(given, tuple) else (given, {})
        graph.node(name=name, **how)(fn)
    for source, target, how in edges:
        graph.edge(source, target, **how)
    graph.start("begin")
    return graph


GIVEN = {"total": 0, "best": 0, "luck": [], "at": [], "one": None, "row": []}
