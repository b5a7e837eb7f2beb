"""Runs as traces: run > task > attempt > call, live or after the fact, for OpenTelemetry.

``ng.tracing.Tracing`` is a listener; ``run.export_otel`` does the same from a file. ``tree`` makes spans of rows and knows
no SDK; ``emitting`` alone does. ``names`` has every attribute: ``ng.tracing.table()`` shows them.
"""

from nbgraph.observe.tracing.live import Tracing
from nbgraph.observe.tracing.names import table

__all__ = ["Tracing", "table"]
