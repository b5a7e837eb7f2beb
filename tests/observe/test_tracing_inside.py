"""Spans that others make inside a node are children of its attempt; the span that a run is started in is linked to."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import get_current_span

import nbgraph as ng
from nbgraph.observe.tracing import names
from tests.observe.traced import exported, listening


def instrumented(provider: Any, trouble: list[int]) -> ng.Graph:
    """Return a graph whose nodes make spans of their own, as an instrumented client does."""
    tracer, graph = provider.get_tracer("client"), ng.Graph({"n": int, "said": str}, name="inside")

    @graph.node(retry=ng.Retry(attempts=2, wait=0.01, jitter=0))
    def sync(state):
        with tracer.start_as_current_span("request"):
            if trouble:
                trouble.pop()
                raise ValueError("once")

    @graph.node(after="sync")
    async def beside(state, ctx):
        async def one():
            with tracer.start_as_current_span("request"):
                await asyncio.sleep(0)

        await asyncio.gather(one(), one())
        return {"said": await ctx.ask("well?", schema=str)}

    return graph


def test_a_nodes_own_spans_are_its_attempts_children():
    """Each try's spans are that try's, in sync and async nodes, before and after a question, in every drive."""
    provider, live = listening()
    graph = instrumented(provider, [1])
    with ng.Engine(graph, store=":memory:", quiet=True, listeners=[ng.tracing.Tracing(provider)]) as engine:
        engine.run({"n": 0}, run_id="r")
        engine.answer(engine.inbox()["question"].iloc[0], "good")
        engine.resume("r")
        assert engine.flush()
        attempts = {s.context.span_id: s for s in exported(engine.open("r")) if s.name.startswith("attempt")}
    requests = [span for span in live.get_finished_spans() if span.name == "request"]
    parents = [attempts[span.parent.span_id].attributes for span in requests]
    told = sorted((facts[names.NODE], facts[names.OUTCOME]) for facts in parents)
    beside = [("beside", "done")] * 2 + [("beside", "waiting")] * 2
    assert [*beside, ("sync", "done"), ("sync", "retried")] == told


def test_a_run_is_linked_to_the_span_that_it_is_started_in():
    """Started inside a span, a run is a trace of its own, with a link; that span is the caller's again afterwards."""
    provider, live = listening()
    graph = ng.Graph({"n": int}, name="one")
    graph.node(lambda state: None, name="one")
    with ng.Engine(graph, store=":memory:", quiet=True, listeners=[ng.tracing.Tracing(provider)]) as engine:
        with provider.get_tracer("web").start_as_current_span("request") as caller:
            engine.run()
            assert get_current_span() is caller
        assert engine.flush()
    (run,) = [span for span in live.get_finished_spans() if span.name.startswith("invoke_workflow")]
    told = [(link.context.span_id, link.attributes[names.LINK]) for link in run.links]
    assert [(caller.get_span_context().span_id, "started-in")] == told
    assert run.context.trace_id != caller.get_span_context().trace_id


def test_what_is_not_sampled_is_not_traced_inside_either():
    """A sampler that keeps no trace of a run keeps no span made inside its nodes."""
    provider, live = listening(sampler=ALWAYS_OFF)
    seen = []
    graph = ng.Graph({"n": int}, name="one")
    graph.node(lambda state: seen.append(get_current_span().get_span_context().trace_flags.sampled), name="one")
    with ng.Engine(graph, store=":memory:", quiet=True, listeners=[ng.tracing.Tracing(provider)]) as engine:
        engine.run()
        assert engine.flush()
    assert ([False], ()) == (seen, live.get_finished_spans())


@pytest.mark.parametrize("surround", [lambda run: 1 / 0, lambda run: None])
def test_a_listener_that_cannot_surround_hurts_no_run(surround: Any, caplog: pytest.LogCaptureFixture):
    """A run goes on without what a listener would put around its nodes."""

    class Listener:
        def begin(self, run):
            return None

    listener = Listener()
    listener.surround = surround
    graph = ng.Graph({"n": int}, name="one")
    graph.node(lambda state: {"n": 1}, name="one")
    with ng.Engine(graph, store=":memory:", quiet=True, listeners=[listener]) as engine:
        assert 1 == engine.run().state["n"]
