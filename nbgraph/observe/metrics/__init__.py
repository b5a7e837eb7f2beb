"""Metrics for Prometheus: what the engines of this process committed, and a dashboard for Grafana.

``Engine(graph, metrics=True)`` counts, ``serve()`` lets a Prometheus scrape it, ``table()`` shows it here. The names and
labels are in ``families``; label values come from closed sets, so that the number of series does not grow with runs.
"""

from __future__ import annotations

from importlib.resources import files
from json import loads
from typing import TYPE_CHECKING, Any

from nbgraph.observe.metrics.collecting import Metrics, default_registry
from nbgraph.observe.metrics.families import FAMILIES
from nbgraph.observe.metrics.serving import Server, serve

if TYPE_CHECKING:
    from pandas import DataFrame
    from prometheus_client import CollectorRegistry

    registry: CollectorRegistry

__all__ = ["FAMILIES", "Metrics", "Server", "dashboard", "registry", "serve", "table"]


def __getattr__(name: str) -> Any:
    """Make ``registry``, nbgraph's own, when it is first asked for."""
    if name == "registry":
        return default_registry()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def table(registry: CollectorRegistry | None = None) -> DataFrame:
    """Return what a scrape would see now: one row a series, with columns metric, labels, value.

    Of histograms the count and the sum in seconds; their buckets are left out. ``registry``: nbgraph's own if None.
    """
    import pandas as pd  # noqa: PLC0415 - 300 ms; loaded when a table is first asked for

    rows = [
        (name, ", ".join(f"{label}={value!r}" for label, value in labels.items()), number)
        for name, labels, number in Metrics(registry).samples()
        if "le" not in labels
    ]
    return pd.DataFrame(rows, columns=["metric", "labels", "value"]).astype({"value": "float64"})


def dashboard() -> dict[str, Any]:
    """Return a Grafana dashboard over these metrics, as Grafana imports it: ``json.dump`` it, or paste it.

    Its first variable is the Prometheus data source to ask.
    """
    found: dict[str, Any] = loads(files(__package__).joinpath("grafana.json").read_text(encoding="utf-8"))
    return found


def counting(given: Any) -> Metrics:
    """Return what option ``metrics`` says: True, a registry, or metrics."""
    if isinstance(given, Metrics):
        return given
    return Metrics(None if given is True else given)
