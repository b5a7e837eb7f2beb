"""Spans handed to an OpenTelemetry provider: with their own times, and with the ids that they always have.

Owns all contact with the SDK. The API has no way to give a span its id; the SDK's tracer has: it asks its ``id_generator``,
and a copy of the provider's tracer asks ours. With a provider of another make (no ``id_generator``) spans have whatever
ids it makes up: parents are right, and links, which would lead nowhere, are left out. Imported where ``extra`` has looked.
"""

from __future__ import annotations

from copy import copy
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import Link as OtelLink
from opentelemetry.trace import (
    NonRecordingSpan,
    ProxyTracerProvider,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    TracerProvider,
    get_tracer_provider,
    set_span_in_context,
)
from opentelemetry.trace import Span as OtelSpan

from nbgraph.errors import OptionsError
from nbgraph.observe.tracing.names import LINK, SCHEMA, VERSION
from nbgraph.observe.tracing.spans import Span

FLUSH_EVERY = 512
"""Spans; the SDK's batches hold 2048."""


class GivenIds:
    """An id generator that gives what it was told."""

    def __init__(self) -> None:
        self.trace = self.span = 0

    def generate_trace_id(self) -> int:
        """Return the id of the trace that begins."""
        return self.trace

    def generate_span_id(self) -> int:
        """Return the id of the span that begins."""
        return self.span

    def is_trace_id_random(self) -> bool:
        """Say that an id's bits are as good as random: they are of a SHA-256."""
        return True


class Emitter:
    """Hands one run's spans to a provider, each behind its parent. Used by one thread at a time.

    ``provider`` None: the global one. Raises ``OptionsError`` where there is none. Every ``FLUSH_EVERY`` spans the provider
    is asked to send what it has: its batches drop what comes faster than they are sent.
    """

    def __init__(self, provider: TracerProvider | None, trace: int) -> None:
        self._provider, self._trace, self._ids = provider_of(provider), trace, GivenIds()
        self._tracer, self._ours = _tracer(self._provider, self._ids)
        self._drives: dict[int, SpanContext] = {}
        self._inner: dict[int, SpanContext] = {}
        """Spans of the task that is handed over now."""
        self.count = 0
        """Spans handed over."""

    def start(self, span: Span) -> OtelSpan:
        """Begin a span; it is not over. What is in it may be emitted from now on."""
        self._ids.trace, self._ids.span = self._trace, span.id
        kind, around = SpanKind.CLIENT if span.outside else SpanKind.INTERNAL, self._around(span)
        begun = self._tracer.start_span(span.name, around, kind, dict(span.facts), self._links(span), span.start)
        if span.kind == "task":
            self._inner.clear()
        (self._inner if span.parent else self._drives)[span.id] = begun.get_span_context()
        return begun

    def finish(self, begun: OtelSpan, span: Span) -> None:
        """End a span that was begun, with all that is known of it now."""
        for mark in span.marks:
            begun.add_event(mark.name, dict(mark.facts), mark.time)
        if span.error:
            begun.set_status(Status(StatusCode.ERROR, span.error))
        begun.end(span.end)
        self.count += 1
        if self.count % FLUSH_EVERY == 0:
            self.flush()

    def emit(self, span: Span) -> None:
        """Begin and end a span."""
        self.finish(self.start(span), span)

    def flush(self) -> None:
        """Have the provider send what it has, where it can be asked to."""
        send = getattr(self._provider, "force_flush", None)
        if send is not None:
            send()

    def _around(self, span: Span) -> Any:
        nothing = Context()  # whatever span the calling thread is in has no part in it
        if not span.parent:
            return nothing
        parent = self._inner.get(span.parent) or self._drives[span.parent]
        return set_span_in_context(NonRecordingSpan(parent), nothing)

    def _links(self, span: Span) -> list[OtelLink]:
        return [link_to(link.trace, link.span, link.why) for link in span.links] if self._ours else []


def link_to(trace: int, span: int, why: str) -> OtelLink:
    """Return a link to a span of nbgraph's, wherever it was emitted."""
    flags = TraceFlags(TraceFlags.SAMPLED)
    return OtelLink(SpanContext(trace, span, is_remote=True, trace_flags=flags), {LINK: why})


def provider_of(provider: TracerProvider | None) -> Any:
    """Return ``provider``, else the global one; raises ``OptionsError`` where nobody has set one."""
    found = get_tracer_provider() if provider is None else provider
    if isinstance(found, ProxyTracerProvider):
        raise OptionsError(
            "there is no OpenTelemetry provider to hand spans to",
            still="nothing was exported",
            todo="pass provider=, or set one before: opentelemetry.trace.set_tracer_provider(...)",
            option="provider",
        )
    return found


def _tracer(provider: Any, ids: GivenIds) -> tuple[Tracer, bool]:
    """Return a tracer of the provider's, and whether the ids that it gives are ours.

    The provider keeps its own tracer, which others may be using; only the copy gives our ids.
    """
    tracer = copy(provider.get_tracer("nbgraph", VERSION, SCHEMA))
    ours = hasattr(tracer, "id_generator")
    if ours:
        tracer.id_generator = ids
    return tracer, ours
