"""A run's spans handed over after the fact.

Owns ``run.export_otel``. Reads the file alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbgraph.observe.tracing.extra import needed
from nbgraph.observe.tracing.reading import head_of, spans_of

if TYPE_CHECKING:
    from nbgraph.engine.past import Past


def export(run: Past, provider: Any = None, *, content: bool = False) -> int:
    """Hand all spans of a run to an OpenTelemetry provider, and have it send them; return how many. See ``Past.export_otel``."""
    needed()
    from nbgraph.observe.tracing.emitting import Emitter  # noqa: PLC0415 - it needs the extra

    emitter = Emitter(provider, head_of(run.store, run.id).run.trace)
    for span in spans_of(run.store, run.id, content=content):
        emitter.emit(span)
    emitter.flush()
    return emitter.count
