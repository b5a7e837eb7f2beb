"""Whether OpenTelemetry is there, and what to say where it is not.

Owns the question. ``emitting``, ``inside`` and ``drive`` import OpenTelemetry, and are imported after it was asked.
"""

from __future__ import annotations

from nbgraph.errors import NbgraphError


def needed() -> None:
    """Raise ``NbgraphError`` where OpenTelemetry is not installed."""
    try:
        import opentelemetry.trace  # noqa: F401, PLC0415 - an extra, asked for here
    except ImportError as error:
        raise NbgraphError(
            "traces need OpenTelemetry, which is not installed",
            still="nothing was exported, and no run depends on it",
            todo="pip install opentelemetry-sdk",
        ) from error
