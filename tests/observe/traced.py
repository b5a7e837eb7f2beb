"""What the tests of traces share: a graph in which everything happens that a trace can show, and exporters that listen."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import nbgraph as ng
from nbgraph.observe.tracing.reading import spans_of
from nbgraph.observe.tracing.spans import Span

SECRET = "what nobody should read"


class Review(TypedDict):
    """Files, what was found in them, and what a person said."""

    files: list[str]
    found: Annotated[list[str], ng.append]
    said: str


def answer(model: str = "gpt-4o-2024-08-06") -> dict[str, Any]:
    """Return a model's response as it comes over the wire."""
    body = {
        "id": "c1",
        "model": model,
        "choices": [{"message": {"role": "assistant", "content": "fine"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 200}},
    }
    return {"status": 200, "headers": {}, "body": body}


def ask_model(ctx: ng.Context, prompt: str, *, respond: Any = answer, key: str | None = None) -> Any:
    """Ask a model over HTTP, recorded."""
    body = {"model": "gpt-4o", "max_tokens": 50, "messages": [{"role": "user", "content": prompt}]}
    asked = {"method": "POST", "url": "https://api.openai.com:443/v1/chat/completions", "headers": {}, "body": body}
    label = "POST api.openai.com/v1/chat/completions"
    return ctx.outside(label, asked, respond, key=key, usage=lambda response: response["body"])


def review(trouble: dict[str, int] | None = None) -> ng.Graph:
    """Return the graph. ``trouble``: node -> how many of its next executions raise."""
    left = {} if trouble is None else trouble

    def stumble(node: str) -> None:
        if left.get(node):
            left[node] -= 1
            raise ValueError(f"{node} stumbled")

    lint = ng.Graph(Review, name="lint")

    @lint.node
    def check(state: Any, ctx: ng.Context) -> Any:
        ctx.usage(model="own", cost="0.25", input_tokens=7)
        return {"found": "linted"}

    graph = ng.Graph(Review, name="review")

    @graph.node(sends="read")
    def split(state: Any) -> Any:
        return [ng.Send("read", file=name) for name in state["files"]]

    @graph.node(retry=ng.Retry(attempts=2, wait=0.01, jitter=0))
    def read(state: Any, ctx: ng.Context) -> Any:
        ctx.call(lambda: ask_model(ctx, f"{SECRET}: {state['file']}"))
        stumble("read")
        return {"found": state["file"]}

    graph.node(lint, after="read")

    @graph.node(after="lint")
    def judge(state: Any, ctx: ng.Context) -> Any:
        stumble("judge")
        return {"said": ctx.ask(f"{SECRET}?", schema=str)}

    @graph.node(after="judge")
    def risky(state: Any) -> Any:
        raise KeyError("caught")

    @graph.node
    def mend(state: Any) -> Any:
        return {"found": "mended"}

    graph.edge("risky", "mend", on_error=KeyError)
    return graph


def reviewed(engine: ng.Engine, run_id: str = "r1") -> ng.Run:
    """Run the graph to its end: through a question, and a failure where there is ``trouble``."""
    try:
        engine.run({"files": ["a", "b", "c"]}, run_id=run_id)
    except ng.NodeError:
        engine.resume(run_id)
    engine.answer(engine.inbox()["question"].iloc[0], "good")
    return engine.resume(run_id)


def listening(processor: Any = SimpleSpanProcessor, **how: Any) -> tuple[TracerProvider, InMemorySpanExporter]:
    """Return a provider and what it was given."""
    provider, exporter = TracerProvider(shutdown_on_exit=False, **how), InMemorySpanExporter()
    provider.add_span_processor(processor(exporter))
    return provider, exporter


def exported(run: Any, **how: Any) -> list[ReadableSpan]:
    """Return the spans of a run as a provider has them."""
    provider, exporter = listening()
    run.export_otel(provider, **how)
    return list(exporter.get_finished_spans())


def facts_of(span: ReadableSpan) -> tuple[Any, ...]:
    """Return all of a span that two of them can agree in."""
    assert span.context is not None
    return (
        (span.context.trace_id, span.context.span_id, span.parent and span.parent.span_id),
        (span.name, span.kind, span.start_time, span.end_time, span.status.status_code, span.status.description),
        dict(span.attributes or {}),
        [(event.name, event.timestamp, dict(event.attributes or {})) for event in span.events],
        [(link.context.trace_id, link.context.span_id, dict(link.attributes or {})) for link in span.links],
    )


def tree(run: Any, kind: str = "", **how: Any) -> list[Span]:
    """Return the spans of a run, of one kind or all."""
    return [span for span in spans_of(run.store, run.id, **how) if kind in ("", span.kind)]
