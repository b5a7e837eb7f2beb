"""The carnival: one run, and a fork of it, in which everything happens that can be watched; and everybody who watches.

Owns the graph, the troubles of its seven drives and what each watcher was told. What must be true of it is in
``test_observability``. The models are a local stand-in; three real SDKs ask it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypedDict

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

import nbgraph as ng
from nbgraph.store.protocol import CallRecord, EventRecord, StepRecord
from nbgraph.testing import ModelServer, Reply
from tests.contracts.askers import Askers
from tests.engine.stage import SOON, PushedClock
from tests.observe.test_metrics import Told

KEY = "sk-carnival-never-to-be-kept-0123456789"
ITEMS = 8


class State(TypedDict, total=False):
    """What the nodes leave behind; ``pick`` has no reducer."""

    items: list[int]
    found: Annotated[list[Any], ng.append]
    pick: str
    said: str


class Later(State, total=False):
    """The same with a field that the last drive's graph has."""

    more: int


class RefusedError(ConnectionError):
    """What a service outside raises."""


def refuse() -> None:
    """Fail outside."""
    raise RefusedError("closed today")


def answer(text: str, model: str, max_tokens: int | None = None) -> dict[str, Any]:
    """Say what a client of a model would."""
    used = {"prompt_tokens": 100 + len(text), "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 40}}
    return {"id": f"plain-{text}", "model": model, "usage": used, "choices": [{"finish_reason": "stop"}]}


class Carnival:
    """The run "r", its fork "f" and their watchers. Made once; everything is over then."""

    def __init__(self, folder: Path) -> None:
        self.file, self.lines = folder / "runs.sqlite", folder / "events.jsonl"
        self.registry, self.clock = CollectorRegistry(), PushedClock()
        self.told: list[ng.Event] = []
        self.records: list[logging.LogRecord] = []
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.errors: list[BaseException] = []
        self.during: Told | None = None
        """A scrape while two tasks are held."""
        self._left = {"queue": 1, "shaky": 1, "slow": 1, "cancel": 1}
        self._meeting = threading.Barrier(2)
        self._scraped = threading.Event()
        with ModelServer(self._reply, key=KEY) as self.server, self.listening():
            self._ask = Askers(self.server, KEY)
            self.engine = self._engine(State)
            self._play()
        self.store = self.engine.store

    def _reply(self, asked: Any) -> Reply:
        return Reply(f"about {asked.text}", reasoning="hm hm", cached=2, cache_write=1)

    def _engine(self, schema: Any, **more: Any) -> ng.Engine:
        return ng.Engine(
            self.graph(schema), store=self.file, clock=self.clock, metrics=self.registry, max_concurrent=2, queue_depth=1,
            quiet=True, durability="normal", **more,
            listeners=[self.told.append, ng.JsonLines(self.lines), ng.tracing.Tracing(self.provider, content=True)],
        )  # fmt: skip

    # -- the drives

    def _play(self) -> None:
        for words, status in (("ask 3", 429), ("ask 4", 500)):
            self.server.fail(status, when=lambda asked, words=words: asked.text == words)
        with self.provider.get_tracer("cell").start_as_current_span("cell"):
            self._ends(ng.BackpressureError, self.engine.run, {"items": list(range(ITEMS))}, run_id="r",
                       backpressure_timeout=5)  # fmt: skip
        self._ends(ng.ConflictError, self.engine.resume, "r")
        self._ends(ng.NodeError, self.engine.resume, "r", conflicts="last")
        self.engine.resume("r", conflicts="last")
        self._answered("r")
        self._ends(ng.BudgetError, self.engine.resume, "r", conflicts="last", cost_budget=1)
        self._ends(ng.RunCancelledError, self.engine.resume, "r", conflicts="last", cost_budget=50)
        self.engine.close()
        self.engine = self._engine(Later)
        self.engine.resume("r", conflicts="last")
        self.run = self.engine.open("r")
        self._fork()
        assert self.engine.flush(SOON)

    def _fork(self) -> None:
        step = int(self.run.tasks.query("node == 'total'").step.iloc[0])
        self.forking = self._engine(Later, conflicts=lambda field, one, other: other)
        self.forking.fork("r", step, update={"said": "edited"}, new_id="f", reuse_calls=True)
        self._answered("f")
        self.fork = self.forking.resume("f")
        assert self.forking.flush(SOON)

    def _ends(self, kind: type[BaseException], drive: Callable[..., Any], *args: Any, **how: Any) -> None:
        try:
            drive(*args, **how)
        except kind as error:
            self.errors.append(error)
        else:
            raise AssertionError(f"no {kind.__name__}")

    def _answered(self, run_id: str) -> None:
        inbox = self.engine.inbox()
        self.engine.answer(inbox[inbox.run_id == run_id].question.iloc[0], "go on", by="somebody")

    def _once(self, what: str) -> bool:
        left = self._left[what]
        self._left[what] = 0
        return bool(left)

    # -- the graph

    def graph(self, schema: Any) -> ng.Graph:
        """Return the graph over ``schema``; over ``Later`` it has a migration."""
        graph = ng.Graph(schema, name="carnival")
        if schema is Later:
            graph.migration(lambda state: {**state, "more": 1})
        self._crowd(graph)
        self._quarrel(graph)
        self._mishaps(graph, schema)
        self._models(graph)
        self._ending(graph)
        return graph

    def _crowd(self, graph: ng.Graph) -> None:
        """Sends, each with a trouble of its own; two of them keep the queue full until the run is paused."""

        @graph.node(sends="look")
        def begin(state: Any) -> Any:
            return [ng.Send("look", item=item) for item in state["items"]]

        @graph.node(retry=ng.Retry(attempts=2, wait=0.001))
        def look(state: Any, ctx: ng.Context) -> Any:
            item = state["item"]
            if item < 2:
                self._hold(item)
            elif item in (3, 4):
                return {"found": self._ask.openai(f"ask {item}") if item == 3 else self._ask.anthropic(f"ask {item}")}
            elif item in _TROUBLES and ctx.attempt == 1:
                raise _TROUBLES[item]
            return {"found": item}

        graph.node(name="total", after="look")(lambda state: {"said": str(len(state["found"]))})

    def _hold(self, item: int) -> None:
        """Hold two tasks until somebody has scraped, and time has passed that no queue may be full for."""
        self._meeting.wait(SOON)
        if item == 0:
            self.during = Told(self.registry)
            self.clock.push(10.0)
            self._scraped.set()
        assert self._scraped.wait(SOON)

    def _quarrel(self, graph: ng.Graph) -> None:
        """Two branches write one field; what comes behind each fires for each."""
        graph.node(name="left", after="total")(lambda state: {"pick": "left"})
        graph.node(name="right", after="total")(lambda state: {"pick": "right"})
        graph.node(name="each", after=["left", "right"], join="each")(lambda state: {"found": state["pick"]})
        graph.node(name="meet", after="each")(lambda state: None)

    def _mishaps(self, graph: ng.Graph, schema: Any) -> None:
        """A failure for good, an entry inside a subgraph, a timeout, a failure that is caught, a question."""

        @graph.node(after="meet")
        def shaky(state: Any, ctx: ng.Context) -> Any:
            try:
                ctx.call(refuse)
            except RefusedError as refused:
                if self._once("shaky"):
                    raise ValueError("shaky") from refused

        inner = ng.Graph(schema, name="inner")

        @inner.node
        def entry(state: Any, ctx: ng.Context) -> None:
            ctx.usage(model="own", cost="0.2500000001", input_tokens=7)

        graph.node(inner, after="shaky")

        @graph.node(after="inner", timeout=30, retry=ng.Retry(attempts=2, wait=0.001))
        async def slow(state: Any) -> None:
            if self._once("slow"):
                self.clock.push(60.0)
                await asyncio.Event().wait()  # until it is cancelled, its time being over

        @graph.node(after="slow")
        def risky(state: Any) -> Any:
            raise KeyError("caught")

        graph.node(name="mend")(lambda state: {"found": "mended"})
        graph.edge("risky", "mend", on_error=KeyError)

        @graph.node(after="mend")
        def judge(state: Any, ctx: ng.Context) -> Any:
            return {"said": ctx.ask("Go on?", schema=str)}

    def _models(self, graph: ng.Graph) -> None:
        """Three SDKs beside each other, one of them streaming; a plain call; one that a budget refuses."""
        graph.node(name="gpt", after="judge")(lambda state: {"found": self._ask.openai("stream", stream=True)})
        graph.node(name="claude", after="judge")(lambda state: {"found": self._ask.anthropic("whole")})
        graph.node(name="gemini", after="judge")(lambda state: {"found": self._ask.google("whole")})

        @graph.node(after=["gpt", "claude", "gemini"])
        def weigh(state: Any, ctx: ng.Context) -> None:
            with self.provider.get_tracer("library").start_as_current_span("inside"):
                ctx.call(answer, "plain", "gpt-4o-mini")
            ctx.outside("GET example.test/weight", {"method": "GET", "url": "https://example.test:8443/weight"}, dict)

        @graph.node(after="weigh")
        def costly(state: Any, ctx: ng.Context) -> None:
            ctx.call(answer, "costly", model="gpt-4o", max_tokens=1_000_000)

    def _ending(self, graph: ng.Graph) -> None:
        """Somebody cancels; at last a call whose price nobody knows."""

        @graph.node(after="costly")
        def guard(state: Any) -> None:
            if self._once("cancel"):
                self.engine.open("r").cancel()

        @graph.node(after="guard")
        def dear(state: Any, ctx: ng.Context) -> None:
            ctx.call(answer, "dear", "nobodys-own-7")

    # -- what is left

    def listening(self) -> _Kept:
        """Keep what is logged, for as long as this is open."""
        return _Kept(self.records)

    def close(self) -> None:
        """Let go of the files."""
        self.engine.close()
        self.forking.close()

    def steps(self, run_id: str) -> list[StepRecord]:
        """Return a run's own steps."""
        origin = self.store.origin(run_id)
        return list(self.store.steps(run_id, 1 if origin is None else origin.step + 1))

    @property
    def all_steps(self) -> list[StepRecord]:
        """Return every step that was committed, each once."""
        return [*self.steps("r"), *self.steps("f")]

    @property
    def all_events(self) -> list[EventRecord]:
        """Return every event but the steps."""
        return [event for run_id in "rf" for event in self.store.events(run_id)]

    @property
    def all_calls(self) -> list[CallRecord]:
        """Return every line of the logs of calls."""
        return [line for run_id in "rf" for line in self.store.calls(run_id)]

    @property
    def spans(self) -> list[ReadableSpan]:
        """Return what was handed over live; spans of others are not among them."""
        return [span for span in self.exporter.get_finished_spans() if span.name not in ("cell", "inside")]

    @property
    def others(self) -> list[ReadableSpan]:
        """Return the spans of others."""
        return [span for span in self.exporter.get_finished_spans() if span.name in ("cell", "inside")]

    @property
    def scraped(self) -> Told:
        """Return what a scrape sees now."""
        return Told(self.registry)

    @property
    def written(self) -> list[dict[str, Any]]:
        """Return the JSON lines."""
        return [json.loads(line) for line in self.lines.read_text(encoding="utf-8").splitlines()]


_TROUBLES = {2: ConnectionError("no line"), 5: ValueError("no value"), 6: RuntimeError("no reason")}


class _Kept(logging.Handler):
    """Keeps the records of runs while it is open."""

    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__(logging.DEBUG)
        self._records, self._logger = records, logging.getLogger("nbgraph")
        self._warnings = warnings.catch_warnings()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self._records.append(record)

    def __enter__(self) -> None:
        self._level = self._logger.level
        self._logger.addHandler(self)
        self._logger.setLevel(logging.DEBUG)
        self._warnings.__enter__()
        warnings.simplefilter("ignore", DeprecationWarning)  # an SDK's: the model will be gone one day

    def __exit__(self, *_: object) -> None:
        self._warnings.__exit__(None, None, None)
        self._logger.removeHandler(self)
        self._logger.setLevel(self._level)
