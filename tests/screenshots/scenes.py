"""What the pictures show: graphs of several sizes, and runs in every state that a run can be in.

Owns the plays. Nothing outside is asked; what takes time takes it so that there is something to see.
"""

from __future__ import annotations

import asyncio
import random
import time
import warnings
from typing import Annotated, Any, Literal, TypedDict

import nbgraph as ng

FILES = ["core.py", "parser.py", "lexer.py", "cli.py", "render.py", "store.py"]


class Review(TypedDict):
    """The state of the review."""

    folder: str
    files: list[str]
    findings: Annotated[list[dict[str, Any]], ng.extend]
    weights: dict[str, int]
    report: str
    published: str


def ask_model(file: str, question: str) -> dict[str, Any]:
    """Answer as a model would, after a moment."""
    chance = random.Random(file)
    time.sleep(chance.uniform(0.02, 0.12))
    usage = {"prompt_tokens": chance.randrange(400, 2400), "completion_tokens": chance.randrange(40, 400)}
    said = [f"{file}:{chance.randrange(10, 400)} could be shorter" for _ in range(chance.randrange(1, 4))]
    return {"model": "small-model", "findings": said, "usage": usage, "question": question}


def review(*, broken: bool = False, asks: bool = False, name: str = "code_review") -> ng.Graph:
    """Return a review of some files: a fan-out with calls, a flaky node, a join, a loop, and perhaps a question."""
    graph = ng.Graph(Review, name=name)

    @graph.node
    def discover(state):
        time.sleep(0.01)
        return {"files": FILES}

    @graph.node(after="discover", sends="review")
    def split(state):
        return [ng.Send("review", file=file) for file in state["files"]]

    @graph.node(retry=ng.Retry(attempts=3, wait=0.03), timeout=20)
    def review(state, ctx):
        print(f"reading {state['file']}")  # noqa: T201 - is shown with the task
        if state["file"] == "lexer.py" and ctx.attempt == 1:
            raise TimeoutError("the model did not answer")
        answer = ctx.call(ask_model, state["file"], "What would you tidy up?")
        return {"findings": [{"file": state["file"], "text": text} for text in answer["findings"]]}

    @graph.node(after="discover", retry=ng.Retry(attempts=2, wait=0.05))
    async def house_rules(state, ctx):
        await asyncio.sleep(0.04)
        if ctx.attempt == 1:
            raise ConnectionError("the wiki is having a nap")
        return {"weights": {"could be shorter": 2}}

    @graph.node(after=["review", "house_rules"])
    def rank(state):
        time.sleep(0.02)
        if broken:
            return {"report": state["findings"][0]["path"]}
        return {"report": f"{len(state['findings'])} findings in {len(state['files'])} files"}

    @graph.node
    def shorten(state):
        return {"report": state["report"][:20]}

    @graph.node
    def publish(state, ctx):
        time.sleep(0.01)
        answer = ctx.ask(f"Publish {state['report']!r}?", schema=Literal["yes", "shorter", "no"]) if asks else "yes"
        return {"published": answer}

    graph.edge("rank", "shorten", when=lambda state: len(state["report"]) > 30)
    graph.edge("rank", "publish", otherwise=True)
    graph.edge("shorten", "publish")
    return graph


def ran(graph: ng.Graph, run_id: str, given: Any = None, **options: Any) -> ng.Run:
    """Return a run that stands still, however it ended."""
    engine = ng.Engine(graph, quiet=True, **options)
    try:
        return engine.run(given or {"folder": "src"}, run_id=run_id)
    except ng.NbgraphError:
        return engine.open(run_id)


def chain(nodes: int = 3) -> ng.Graph:
    """Return a chain."""
    graph = ng.Graph({"log": Annotated[list, ng.append]}, name="chain")
    names = ["load", "clean", "report", "send", "file"][:nodes]
    for before, name in zip([None, *names], names, strict=False):
        graph.node(name=name, after=before)(lambda state: {"log": 1})
    return graph


def web(nodes: int) -> ng.Graph:
    """Return a graph of so many nodes, drawn at random, the same each time: layers, joins, conditions, a loop back."""
    chance = random.Random(nodes)
    words = ["load", "parse", "check", "score", "merge", "rank", "trim", "send", "plan", "draft", "review", "index"]
    names = [f"{words[i % len(words)]}_{i // len(words) + 1}" for i in range(nodes)]
    graph = ng.Graph({"log": Annotated[list, ng.append]}, name=f"web_{nodes}")
    for i, name in enumerate(names):
        near = names[max(0, i - max(3, nodes // 10)) : i]
        after = sorted(chance.sample(near, min(len(near), chance.choice([1, 1, 1, 2]))))
        graph.node(name=name, after=after or None)(lambda state: {"log": 1})
    graph.edge(names[nodes // 2], names[nodes // 2 - 1], when=lambda state: False)
    graph.edge(names[-1], names[-3], when=lambda state: len(state["log"]) < 0)
    return graph


def nested() -> ng.Graph:
    """Return a graph with a graph in it."""
    inner = ng.Graph({"log": Annotated[list, ng.append]}, name="polish")
    for before, name in zip([None, "spell"], ["spell", "shorten"], strict=True):
        inner.node(name=name, after=before)(lambda state: {"log": 1})
    graph = ng.Graph({"log": Annotated[list, ng.append]}, name="essay")
    graph.node(name="draft")(lambda state: {"log": 1})
    graph.node(inner, name="polish", after="draft")
    graph.node(name="print", after="polish")(lambda state: {"log": 1})
    return graph


def crowd(tasks: int) -> ng.Run:
    """Return a run with so many tasks."""
    graph = ng.Graph({"total": Annotated[int, ng.add]}, name="crowd")
    kinds = ["measure", "compare", "judge", "count"]

    @graph.node(sends=kinds)
    def split(state):
        return [ng.Send(kinds[i % 4], number=i) for i in range(tasks)]

    for kind in kinds:
        graph.node(name=kind)(lambda state: {"total": state["number"]})
    graph.node(name="sum", after=kinds)(lambda state: None)
    return ng.Engine(graph, quiet=True, max_concurrent=12, max_steps=tasks + 10).run({}, run_id="crowd")


def stuck(graph: ng.Graph) -> ng.Run:
    """Return a run that is paused in its middle."""
    return ng.Engine(graph, quiet=True).run({"folder": "src"}, run_id="paused", before="rank")


MODELS = ["gpt-4o-2024-08-06", "claude-sonnet-4-5", "gemini-2.5-flash", "a-model-that-nobody-prices", "tiny-local"]


def answer(model: str, size: int) -> dict[str, Any]:
    """Answer as a model would that says what it used."""
    details = {"cached_tokens": size // 3} if size % 2 else {}
    usage = {"prompt_tokens": size, "completion_tokens": size // 7, "prompt_tokens_details": details}
    return {"model": model, "usage": usage}


def spender(calls: int, models: int = 3, nodes: int = 3, run_id: str = "spends", **options: Any) -> ng.Run:
    """Return a run whose nodes call so many models; the fourth has no price, the fifth is for nothing."""
    graph = ng.Graph({"n": Annotated[int, ng.add]}, name="spender")
    names = ["plan", "draft", "critic", "a_node_with_a_rather_long_name", *(f"part_{i}" for i in range(nodes))][:nodes]

    @graph.node(sends=names)
    def split(state):
        return [ng.Send(names[i % nodes], number=i) for i in range(calls)]

    for name in names:

        @graph.node(name=name)
        def call(state, ctx):
            number = state["number"]
            chance = random.Random(number)
            ctx.call(answer, MODELS[number % models], chance.randrange(100, 60_000))

    graph.node(name="sum", after=names)(lambda state: {"n": 1})
    options = {"prices": {"tiny-local": (0, 0)}, "max_steps": calls + 10, "quiet": True, **options}
    engine = ng.Engine(graph, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ng.UnknownPriceWarning)
        return engine.start({}, run_id=run_id).wait() if "cost_budget" not in options else ran_on(engine, run_id)


def ran_on(engine: ng.Engine, run_id: str) -> ng.Run:
    """Return a run that may have stopped at its budget."""
    try:
        return engine.run({}, run_id=run_id)
    except ng.BudgetError:
        return engine.open(run_id)
