"""What the tests of budgets share: a model that costs a round sum by the token, and what a run leaves behind.

Owns no rule; each test file says its own. Prices are a millionth of a dollar per token, so a token is "one".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nbgraph as ng
from tests.engine.stage import Log

PRICES = {"m": (1, 1)}
"""US dollars per million tokens, in and out."""


class Model:
    """A model that answers with as many tokens as it is told; it counts how often it was called."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def ask(self, text: str, uses: int, model: str = "m", max_tokens: int | None = None) -> dict[str, Any]:
        """Answer."""
        self.asked.append(text)
        return {"text": text.upper(), "model": model, "usage": {"input_tokens": 0, "output_tokens": uses}}

    async def aask(self, text: str, uses: int, model: str = "m", max_tokens: int | None = None) -> dict[str, Any]:
        """Answer, awaited."""
        return self.ask(text, uses, model, max_tokens)


def row(count: int, node: Callable[..., Any]) -> ng.Graph:
    """Return a graph that passes through ``node`` so many times, one after the other, as n0, n1, ..."""
    graph = ng.Graph(Log, name="row")
    for place in range(count):
        graph.node(name=f"n{place}", after=f"n{place - 1}" if place else None)(node)
    return graph


def left(engine: ng.Engine, run_id: str) -> list[tuple[Any, ...]]:
    """Return all of a run that must not depend on how often it was stopped: its steps, and its final state."""
    steps = engine.store.steps(run_id)
    told = [(one.step, one.task, one.node, one.status, one.base, one.parents, one.update, one.merged) for one in steps]
    return [*told, (engine.open(run_id).state,)]
