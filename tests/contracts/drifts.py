"""The ways in which today's code can do something else than was recorded.

Owns the list: what is changed in the shop, and the task and field at which a replay must notice.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple, TypedDict, get_type_hints

import nbgraph as ng
from tests.contracts.shop import EDGES, Shop, begin, big, price, refuse, shop, stock, survey


class Drift(NamedTuple):
    """A change, and what a replay must say of it: None where nothing drifts."""

    graph: Callable[[], ng.Graph]
    node: str | None
    field: str = ""
    error: type[ng.NbgraphError] = ng.ReplayMismatchError


DRIFTS: dict[str, Drift] = {}


def drift(node: str | None, field: str = "", error: Any = ng.ReplayMismatchError, **how: Any) -> Callable[..., Any]:
    """List a function as what ``node`` does today, under the function's name."""

    def listed(fn: Callable[..., Any]) -> Callable[..., Any]:
        changed = how.get("changes", node)
        DRIFTS[fn.__name__.replace("_", " ")] = Drift(lambda: shop(**{changed: fn}), node, field, error)
        return fn

    return listed


def changed(name: str, node: str | None, field: str = "", error: Any = ng.ReplayMismatchError, **how: Any) -> None:
    """List a change of the graph around the nodes."""
    DRIFTS[name] = Drift(lambda: shop(**how), node, field, error)


# calls


@drift("buy", "call 1")
def request_changed(state, ctx):
    return {"log": [ctx.call(price, "ink", "USD"), ctx.call(price, "paper", "EUR")]}


@drift("buy", "call 1")
def function_changed(state, ctx):
    return {"log": [ctx.call(survey, "ink"), ctx.call(price, "paper", "EUR")]}


@drift("buy", "call 2")
def call_missing(state, ctx):
    return {"log": [ctx.call(price, "ink", "EUR"), 8.0]}


@drift("buy", "call 3", ng.MissingCallError)
def call_added(state, ctx):
    found = [ctx.call(price, "ink", "EUR"), ctx.call(price, "paper", "EUR")]
    ctx.call(price, "glue")
    return {"log": found}


@drift("buy", "call 1")
def call_added_in_front(state, ctx):
    ctx.call(price, "glue")
    return {"log": [ctx.call(price, "ink", "EUR"), ctx.call(price, "paper", "EUR")]}


@drift("kinds", "call 1", ng.MissingCallError)
def first_call_of_a_node(state, ctx):
    ctx.call(price, "ink", "EUR")
    return {"one": 1, "row": [3, 1, 2]}


@drift("buy", "call 3", ng.MissingCallError)
def call_added_and_its_failure_swallowed(state, ctx):
    found = [ctx.call(price, "ink", "EUR"), ctx.call(price, "paper", "EUR")]
    try:
        ctx.call(price, "glue")
    except Exception:
        return {"log": found}


@drift("buy", "call 1")
def calls_swapped(state, ctx):
    paper, ink = ctx.call(price, "paper", "EUR"), ctx.call(price, "ink", "EUR")
    return {"log": [ink, paper]}


@drift("buy", "call 1")
def arguments_swapped(state, ctx):
    return {"log": [ctx.call(price, "EUR", "ink"), ctx.call(price, "paper", "EUR")]}


@drift("buy", "call 1")
def argument_by_name(state, ctx):
    return {"log": [ctx.call(price, "ink", currency="EUR"), ctx.call(price, "paper", "EUR")]}


@drift("buy", "call 2")
def keyword_argument_added(state, ctx):
    return {"log": [ctx.call(price, "ink", "EUR"), ctx.call(price, "paper", "EUR", fast=True)]}


@drift("buy", "call key:ink", ng.MissingCallError)
def call_key_added(state, ctx):
    return {"log": [ctx.call(price, "ink", "EUR", key="ink"), ctx.call(price, "paper", "EUR")]}


@drift("glance", "call 1")
async def request_changed_in_an_async_node(state, ctx):
    return {"log": await ctx.call(price, "pencil")}


@drift("count", "call 2")
def decorated_function_no_longer_called(state, ctx):
    return {"log": [ctx.call(survey, "glue"), 4]}


@drift("count", "call 2")
def decorated_function_called_with_something_else(state, ctx):
    return {"log": [ctx.call(survey, "glue"), stock("rope")]}


# what a node returns


@drift("kinds", "row")
def value_changed(state):
    return {"one": 1, "row": [3, 1, 4]}


@drift("kinds", "row")
def list_in_another_order(state):
    return {"one": 1, "row": [1, 2, 3]}


@drift("kinds", "one")
def field_missing(state):
    return {"row": [3, 1, 2]}


@drift("kinds", "total")
def field_added(state):
    return {"one": 1, "row": [3, 1, 2], "total": 0}


@drift("kinds", "one")
def int_became_float(state):
    return {"one": 1.0, "row": [3, 1, 2]}


@drift("kinds", "one")
def int_became_bool(state):
    return {"one": True, "row": [3, 1, 2]}


@drift("kinds", "one")
def int_became_text(state):
    return {"one": "1", "row": [3, 1, 2]}


@drift("kinds", "error")
def raises_today(state):
    raise OSError("the shelf is empty")


@drift("kinds", "error")
def returns_what_no_field_takes(state):
    return {"one": 1, "row": 3}


@drift("kinds", "error")
def changes_its_state_in_place(state):
    state["row"].append(1)
    return {"one": 1, "row": [3, 1, 2]}


# routes


@drift("choose", "route")
def goto_another_node(state):
    return ng.Goto("right")


@drift("choose", "route")
def stops(state):
    return ng.Stop()


@drift("choose", "route")
def goes_both_ways(state):
    return [ng.Goto("left"), ng.Goto("right")]


@drift("split", "route")
def one_send_more(state):
    return [ng.Send("work", item=1), ng.Send("work", item=2), ng.Send("work", item=3)]


@drift("split", "route")
def one_send_less(state):
    return [ng.Send("work", item=1)]


@drift("split", "route")
def sends_another_field(state):
    return [ng.Send("work", item=1), ng.Send("work", item=3)]


@drift("split", "route")
def sends_swapped(state):
    return [ng.Send("work", item=2), ng.Send("work", item=1)]


def edges(source: str, target: str, **how: Any) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the edges with one of them changed."""
    return [(a, b, how if (a, b) == (source, target) else old) for a, b, old in EDGES]


changed("predicate changed", "left", "route", edges=edges("left", "big", when=lambda state: state["total"] > 100))
changed("predicate raises", "left", "error", edges=edges("left", "big", when=lambda state: state["nothing"]))
changed("edge added", "kinds", "route", edges=[*EDGES, ("kinds", "right", {})])
changed("edge removed", "big", "route", edges=[edge for edge in EDGES if edge[0] != "big"])
changed("edges swapped", "left", "route", edges=[*EDGES[:-5], EDGES[-4], EDGES[-5], *EDGES[-3:]])


# exceptions


@drift("haggle", "call 1")
def recorded_exception_no_longer_asked_for(state, ctx):
    return {"log": "ValueError: no ink today"}


@drift("haggle", "error")
def recorded_exception_no_longer_caught(state, ctx):
    ctx.call(refuse, "ink")


@drift("haggle", "log")
def recorded_exception_told_differently(state, ctx):
    try:
        ctx.call(refuse, "ink")
    except ValueError as error:
        return {"log": str(error)}


@drift("shaky", "error")
def failure_turned_into_success(state):
    return {"log": "all well"}


@drift("shaky", "error")
def failure_of_another_type(state):
    raise IndexError("shelf")


@drift("shaky", "error")
def failure_with_another_message(state):
    raise KeyError("floor")


# chance, clock and people


@drift("begin", "luck")
def one_more_random_number(state, ctx):
    ctx.rng.random()
    return begin(state, ctx)


@drift("begin", "luck")
def random_numbers_drawn_differently(state, ctx):
    return {**begin(state, ctx), "luck": [ctx.rng.randrange(2000), ctx.uuid().int % 1000]}


@drift("begin", "luck")
def one_more_uuid(state, ctx):
    ctx.uuid()
    return begin(state, ctx)


@drift("begin", "now", ng.MissingCallError)
def clock_read_more_often(state, ctx):
    found = begin(state, ctx)
    ctx.now()
    return found


@drift("begin", "now")
def clock_read_less_often(state, ctx):
    once = str(ctx.now())
    return {"luck": [ctx.rng.randrange(1000), ctx.uuid().int % 1000], "at": [once, once]}


@drift("approve", "call 1")
def question_changed(state, ctx):
    return {"log": ctx.ask("Sell it?", schema=bool)}


@drift("approve", "call 1")
def question_no_longer_asked(state, ctx):
    return {"log": True}


@drift("approve", "call 1")
def question_added_in_front(state, ctx):
    ctx.ask("Sure?", schema=bool)
    return {"log": ctx.ask("Buy it?", schema=bool)}


@drift("approve", "call 2", ng.MissingCallError)
def question_added_behind(state, ctx):
    answer = ctx.ask("Buy it?", schema=bool)
    ctx.ask("Sure?", schema=bool)
    return {"log": answer}


@drift("approve", "call 1")
def question_takes_other_answers(state, ctx):
    return {"log": ctx.ask("Buy it?", schema=int)}


# reducers


def smallest(value: int, operand: int) -> int:
    """Keep the smaller one."""
    return min(value, operand)


def biggest(value: int, operand: int) -> int:
    """Keep the greater one, in other words."""
    return max(operand, value)


def broken(value: int, operand: int) -> int:
    """Fail."""
    raise ZeroDivisionError("no numbers today")


def schema(**fields: Any) -> Any:
    """Return the schema with other fields."""
    return TypedDict("Shop", {**get_type_hints(Shop, include_extras=True), **fields})


def heavier(state: dict[str, Any], update: dict[str, Any]) -> dict[str, Any]:
    """Take in a whole update: a reducer of the graph's own."""
    return {**state, **update, "total": state["total"] + update.get("total", 0) + 1}


changed("built-in reducer changed", "work", "total", schema=schema(total=Annotated[int, ng.maximum]))
changed("reducer taken away", "work", "total", schema=schema(total=int))
changed("custom reducer changed", "work", "best", schema=schema(best=Annotated[int, smallest]))
changed("custom reducer raises", "work", "error", schema=schema(best=Annotated[int, broken]))
changed("whole-graph reducer added", "begin", "at", reducer=heavier)
changed("custom reducer written differently", None, schema=schema(best=Annotated[int, biggest]))


# nodes


RENAMED = [("large" if a == "big" else a, "large" if b == "big" else b, how) for a, b, how in EDGES]
changed("node renamed", "left", "route", edges=RENAMED, without=("big",), large=big)
changed(
    "node removed",
    "left",
    "route",
    edges=[*[edge for edge in EDGES if "big" not in edge and edge[0] != "left"], ("left", "small", {})],
    without=("big",),
)
changed("node taken out of a chain", "gather", "route", edges=[
    *[edge for edge in EDGES if "choose" not in edge], ("gather", "left", {}), ("gather", "right", {}),
], without=("choose",))  # fmt: skip


# hidden inputs

_seen = itertools.count()


@drift("kinds", "one")
def uses_the_wall_clock(state):
    return {"one": time.time(), "row": [3, 1, 2]}


@drift("kinds", "one")
def uses_global_chance(state):
    return {"one": random.random(), "row": [3, 1, 2]}


@drift("kinds", "one")
def uses_a_global_counter(state):
    return {"one": 1 + next(_seen) + 1, "row": [3, 1, 2]}


# what does not drift

changed("node renamed with an alias", None, edges=RENAMED, without=("big",), large=(big, {"aliases": ["big"]}))


@drift(None, changes="buy")
def comment_added(state, ctx):
    # A comment.
    return {"log": [ctx.call(price, "ink", "EUR"), ctx.call(price, "paper", "EUR")]}


@drift(None, changes="kinds")
async def sync_node_became_async(state):
    return {"row": [3, 1, 2], "one": 1}


@drift(None, changes="glance")
def async_node_became_sync(state, ctx):
    return {"log": ctx.call(price, "pen")}


def _survey(item: str) -> int:
    stock("everything")
    return 0


_survey.__qualname__, _survey.__module__ = survey.__qualname__, survey.__module__


@drift(None, changes="count")
def calls_inside_a_served_call_changed(state, ctx):
    return {"log": [ctx.call(_survey, "glue"), stock("tape")]}
