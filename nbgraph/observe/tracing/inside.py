"""Spans that others make inside a node, as children of its attempt: an instrumented client's, a library's, the user's own.

Owns the context that an attempt starts in. The attempt's own span is handed over when it is committed; its id is known
before, so its children can name it already.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context as OtelContext
from opentelemetry.context import attach
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, get_current_span, set_span_in_context

from nbgraph.observe.tracing.emitting import provider_of
from nbgraph.observe.tracing.identity import Identity, attempt_span
from nbgraph.observe.tracing.reading import drives_before, head_of
from nbgraph.observe.tracing.spans import Link

if TYPE_CHECKING:
    from nbgraph.engine.observing import Followed

_LOG = logging.getLogger("nbgraph")


class Inside:
    """Puts the attempts of one drive into the context of their spans. Called on the drive's own thread."""

    def __init__(self, run: Identity, drive: int, *, sampled: bool) -> None:
        self._run, self._drive = run, drive
        self._flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
        self._turns: dict[str, int] = {}

    def enter(self, task: str, variables: Context) -> None:
        """Put the next execution of ``task`` into its span's context."""
        turn = self._turns[task] = self._turns.get(task, 0) + 1
        variables.run(self._attach, attempt_span(self._run, self._drive, task, turn))

    def _attach(self, span: int) -> None:
        around = SpanContext(self._run.trace, span, is_remote=False, trace_flags=self._flags)
        attach(set_span_in_context(NonRecordingSpan(around)))  # the variables are the attempt's own: nothing to detach


def inside_of(run: Followed, provider: Any) -> Callable[[str, Context], None] | None:
    """Return what puts the attempts of a drive into their spans; None where these have ids that cannot be known."""
    provider = provider_of(provider)
    if not hasattr(provider, "id_generator"):
        return None
    head = head_of(run.store, run.run_id)
    before = 0 if run.new else drives_before(run.store, run.run_id, run.start.seq)
    kept = _sampled(provider, head.run.trace, f"invoke_workflow {head.graph}")
    return Inside(head.run, before + 1, sampled=kept).enter


def started_in() -> Link | None:
    """Return a link to the span that this thread is in, None where it is in none."""
    found = get_current_span().get_span_context()
    return Link(found.trace_id, found.span_id, "started-in") if found.is_valid else None


def _sampled(provider: Any, trace: int, name: str) -> bool:
    """Say whether a provider would keep a trace: its sampler is asked as it will be when the run's span begins."""
    sampler = getattr(provider, "sampler", None)
    try:
        return sampler is None or bool(sampler.should_sample(OtelContext(), trace, name).decision.is_sampled())
    except Exception:  # noqa: BLE001 - a sampler is the user's, and may raise anything
        _LOG.warning("the sampler of %r raised; what is inside of nodes is not traced", provider, exc_info=True)
        return False
