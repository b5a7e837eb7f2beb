"""A process that runs, answers or resumes a run with a question, and may die where it is told to.

A program: ``asker STORE SHAPE VERB [DIES]``. Each call of the graph's service leaves a line in a file beside the
store, so that they can be counted over all processes. Owns the graph that the contract on people is about.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypedDict

import nbgraph as ng

SHAPES = ("flat", "sub")
PROMPT = "Approve the plan?"


class State(TypedDict):
    """What the nodes heard, in order."""

    log: Annotated[list[Any], ng.append]


@dataclass(frozen=True)
class Verdict:
    """The answer: a class that whoever answers need not know."""

    approved: bool
    why: str = ""


class Service:
    """Something that costs: counts its calls in a file, and ends the process behind a chosen one."""

    def __init__(self, folder: Path, dies: str = "") -> None:
        self._path, self._dies = folder / "calls", dies

    def call(self, name: str) -> str:
        """Leave a line."""
        with self._path.open("a", encoding="ascii") as file:
            file.write(f"{name}\n")
        return f"{name}!"

    def passed(self, name: str) -> None:
        """Die here, if this is the place."""
        if name == self._dies:
            os._exit(7)

    def counts(self) -> Counter[str]:
        """Return how often each call was made, by anybody."""
        return Counter(self._path.read_text(encoding="ascii").split()) if self._path.exists() else Counter()


def inner(service: Service, name: str) -> ng.Graph:
    """Return the graph: a plan, a question with a call before and behind it, an act."""
    graph = ng.Graph(State, name=name)

    @graph.node
    def plan(state, ctx):
        return {"log": ctx.call(service.call, "plan")}

    @graph.node(after="plan")
    async def approve(state, ctx):
        draft = await ctx.call(service.call, "draft")
        service.passed("before")
        verdict = await ctx.ask(PROMPT, schema=Verdict)
        noted = await ctx.call(service.call, "note")
        service.passed("after")
        return {"log": [draft, verdict.approved, noted]}

    @graph.node(after="approve")
    def act(state, ctx):
        return {"log": ctx.call(service.call, "act")}

    return graph


def build(folder: Path, shape: str = "flat", dies: str = "") -> ng.Graph:
    """Return the graph, flat or as a node of another one; both have the same first three steps."""
    service = Service(folder, dies)
    if shape == "flat":
        return inner(service, "approval")
    graph = ng.Graph(State, name="approval")
    graph.node(inner(service, "inner"), name="sub")
    return graph


def live(folder: Path, held: bool) -> ng.Graph:
    """Return a graph whose second branch runs until what comes behind the answer lets it go, or for ever."""
    graph, heard = ng.Graph(State, name="approval"), threading.Event()
    service = Service(folder)
    graph.node(name="begin")(lambda state: None)

    @graph.node(after="begin")
    def approve(state, ctx):
        return {"log": [ctx.call(service.call, "draft"), ctx.ask(PROMPT, schema=Verdict).approved]}

    @graph.node(after="begin")
    def hold(state):
        print("holding", flush=True)
        if held:
            heard.wait()

    @graph.node(after="approve")
    def release(state):
        heard.set()

    return graph


def answer(engine: ng.Engine) -> None:
    """Answer every question that is named on the input, and say how that went."""
    print("ready", flush=True)
    for line in iter(sys.stdin.readline, ""):
        question, word = line.split()
        try:
            engine.answer(question, word, by=word)
        except ng.QuestionError:
            print("refused", flush=True)
        else:
            print("taken", flush=True)


def main(store: str, shape: str, verb: str, dies: str = "") -> None:
    """Do one thing and say how the run stands."""
    folder = Path(store).parent
    graph = live(folder, held=verb == "run") if shape == "live" else build(folder, shape, dies)
    engine = ng.Engine(graph, store=store)
    if verb == "answer":
        answer(engine)
        return
    run = engine.run({"log": []}, run_id="r") if verb == "run" else engine.resume("r")
    print(run.status, run.digest, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
