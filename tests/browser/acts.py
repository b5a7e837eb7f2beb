"""What tests at a real notebook play: small graphs as cells, and how their views are read.

Owns the cells. A node that should take long waits for an event that a later cell, or nobody, sets.
"""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

SETUP = """
import asyncio, threading, time
from pathlib import Path
from typing import Annotated, TypedDict
import nbgraph as ng

class Log(TypedDict):
    log: Annotated[list, ng.append]
    x: int

go = threading.Event()
Path("stores").mkdir(exist_ok=True)
"""
"""What every notebook begins with. Stores are in a folder of their own: the page lists the notebook's folder every ten
seconds, and the server has no folder to show (404, and a dialog over the page) when a file goes while it is listed."""

CHAIN = """
graph = ng.Graph(Log, name="chain")

@graph.node
def first(state):
    return {"log": "first", "x": 1}

@graph.node(after="first")
def held(state, ctx):
    while not go.wait(0.02) and not ctx.cancelled:
        pass
    return {"log": "held", "x": state["x"] + 1}

@graph.node(after="held")
def last(state):
    return {"log": "last", "x": state["x"] + 1}

for old in Path("stores").glob("chain.sqlite*"):
    old.unlink()
engine = ng.Engine(graph, store="stores/chain.sqlite")
"""
"""Three nodes, the middle one held until ``go`` is set; the runs of an earlier test are gone."""


def node(place: Any, name: str) -> Any:
    """Return a node of a drawing."""
    return place.locator(f'.ng-node[data-node="{name}"]')


def is_(place: Any, name: str, status: str) -> None:
    """Wait until a node is drawn in this status."""
    expect(node(place, name)).to_have_class(f"ng-node ng-sync ng-is-{status}")


def press(place: Any, name: str) -> None:
    """Click a button that may be clicked."""
    button = place.locator(f'.ng-controls button[data-verb="{name}"]')
    expect(button).to_have_attribute("aria-disabled", "false")
    button.click()


def stands(place: Any, word: str) -> None:
    """Wait until the controls say that the run stands so."""
    expect(place.locator(".ng-controls .ng-status")).to_have_attribute("data-status", word)
