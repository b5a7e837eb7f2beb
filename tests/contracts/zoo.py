"""A graph with every kind of field and gather, and beside it what each task really left behind.

Owns an oracle: reducers written down once more, in plain Python, applied to what each body saw.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypedDict

import nbgraph as ng
from nbgraph.codec import encode


def latest_three(old: list[str], new: str) -> list[str]:
    """Keep the last three; a reducer of our own."""
    return [*old, new][-3:]


class State(TypedDict, total=False):
    """One field of every kind."""

    plain: Any
    items: Annotated[list[Any], ng.append]
    many: Annotated[list[int], ng.extend]
    total: Annotated[int, ng.add]
    tags: Annotated[set[str], ng.union]
    pairs: Annotated[dict[str, int], ng.merge]
    top: Annotated[int, ng.maximum]
    low: Annotated[int, ng.minimum]
    latest: Annotated[str, ng.last]
    own: Annotated[Any, latest_three]


FOLDS: dict[str, Callable[[Any, Any], Any]] = {
    "plain": lambda old, new: new,
    "items": lambda old, new: [*old, new],
    "many": lambda old, new: [*old, *new],
    "total": lambda old, new: old + new,
    "tags": lambda old, new: set(old) | new,
    "pairs": lambda old, new: {**old, **new},
    "top": max,
    "low": min,
    "latest": lambda old, new: new,
    "own": latest_three,
}

START: dict[str, Any] = {
    "plain": (1, 2.5), "items": [], "many": [0], "total": 0, "tags": set(), "pairs": {"a": 0}, "top": 0, "low": 0,
    "latest": "", "own": [],
}  # fmt: skip


def applied(state: dict[str, Any], update: dict[str, Any]) -> str:
    """Return the canonical text of the state that ``update`` makes of ``state``, the fields of a Send left out."""
    after = {name: value for name, value in state.items() if name in FOLDS}
    after |= {name: FOLDS[name](after[name], value) if name in after else value for name, value in update.items()}
    return encode(ng.thaw(after), blobs={})


def build(left: dict[str, str], laps: int = 3) -> ng.Graph:
    """Return the graph; every body notes in ``left``, under its task's id, the state that it leaves."""
    graph = ng.Graph(State, name="zoo")

    def leaves(state: Any, ctx: ng.Context, **update: Any) -> dict[str, Any]:
        left[ctx.task_id] = applied(ng.thaw(dict(state)), update)
        return update

    @graph.node
    def begin(state, ctx):
        return leaves(state, ctx, plain={"lap": len(state["items"]), "pair": (1, b"x")}, items=["begin", (1, 2)])

    @graph.node(after="begin", sends="each")
    def split(state, ctx):
        update = leaves(state, ctx, total=5, own="split")
        return ng.Result(update=update, route=[ng.Send("each", number=number) for number in range(4)])

    @graph.node
    def each(state, ctx):
        number = state["number"]
        word = f"{number}"
        return leaves(state, ctx, items=number, many=[number] * number, total=number, tags={word}, pairs={word: number},
                      top=number, low=-number, latest=word, own=word)  # fmt: skip

    @graph.node(after="begin")
    def side(state, ctx):
        return leaves(state, ctx, tags={"side"}, own="side", pairs={"a": 7})

    @graph.node(after="side")
    def fails(state, ctx):
        left[ctx.task_id] = applied(ng.thaw(dict(state)), {})
        raise ValueError("caught")

    @graph.node
    def caught(state, ctx):
        return leaves(state, ctx, latest="caught", many=[9])

    @graph.node(after=["each", "caught"])
    def gather(state, ctx):
        return leaves(state, ctx, plain=len(state["items"]), own="gather")

    @graph.node
    def end(state, ctx):
        return leaves(state, ctx)

    graph.start("begin")
    graph.edge("fails", "caught", on_error=ValueError)
    graph.edge("gather", "begin", when=lambda state: state["plain"] < 6 * laps)
    graph.edge("gather", "end", otherwise=True)
    return graph
