"""A process that reads a stream through a recording client, and tells the server how far it has come.

A program: ``reading STORE URL WHEN``. WHEN "amid" or "after" the stream, it says so at ``/seen`` and waits there to be killed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, TypedDict
from urllib.request import urlopen

import nbgraph as ng


class State(TypedDict):
    """What was read."""

    read: Annotated[list[str], ng.append]


def graph_of(url: str, when: str = "") -> ng.Graph:
    """Return the graph: one node that reads all of ``url``/stream."""
    graph = ng.Graph(State, name="reading")

    @graph.node
    def read(state: Any) -> Any:
        found = []
        with ng.recording_client() as http, http.stream("GET", f"{url}/stream") as answer:
            for part in answer.iter_text():
                found.append(part)
                if when == "amid":
                    urlopen(f"{url}/seen")
        if when == "after":
            urlopen(f"{url}/seen")
        return {"read": "".join(found)}

    return graph


if __name__ == "__main__":
    store, url, when = sys.argv[1:]
    ng.Engine(graph_of(url, when), store=Path(store)).run({}, run_id="r")
