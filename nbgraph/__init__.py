"""nbgraph: stateful graphs built, run and kept in notebooks.

Everything a user needs is here: define a ``Graph``, run it with an ``Engine``, look at its ``Run``.

>>> import nbgraph as ng
>>> graph = ng.Graph({"words": list, "count": int}, name="demo")
>>> @graph.node
... def count(state):
...     return {"count": len(state["words"])}
>>> ng.Engine(graph).run({"words": ["a", "b"]}).state["count"]
2
"""

from importlib import import_module
from typing import Any

from nbgraph.clock import Clock, SystemClock
from nbgraph.codec import Redaction, register_codec, thaw
from nbgraph.engine.calls.current import call, current
from nbgraph.engine.context import Context
from nbgraph.engine.engine import Engine, costs, open_run, runs
from nbgraph.engine.options import (
    Options,
    bundle,
    with_backpressure_timeout,
    with_clock,
    with_conflicts,
    with_cost_budget,
    with_durability,
    with_executor,
    with_listeners,
    with_loop,
    with_max_concurrent,
    with_max_steps,
    with_metrics,
    with_nested,
    with_prices,
    with_prints,
    with_queue_depth,
    with_quiet,
    with_redact,
    with_seed,
    with_time_budget,
    with_token_budget,
)
from nbgraph.engine.past import StepView
from nbgraph.engine.run import Run
from nbgraph.errors import (
    AnswerError,
    BackpressureError,
    BudgetError,
    CallError,
    CodecError,
    ConflictError,
    GraphError,
    IdempotencyError,
    IsolationError,
    MaxAttemptsError,
    MaxStepsError,
    MigrationError,
    MissingCallError,
    NbgraphError,
    NodeError,
    NodeTimeoutError,
    NoProgressError,
    OptionsError,
    QuestionError,
    ReplayMismatchError,
    RouteError,
    RunBusyError,
    RunCancelledError,
    RunError,
    RunNotFound,
    StateError,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreForeign,
    StoreFull,
    StoreReadOnly,
    UpdateError,
)
from nbgraph.events import Chunk, Event
from nbgraph.graph.definition import Graph
from nbgraph.graph.reducers import (
    Reducer,
    add,
    append,
    extend,
    grow_counter,
    last,
    lww_map,
    maximum,
    merge,
    minimum,
    observed_set,
    union,
    updown_counter,
)
from nbgraph.graph.retry import Retry
from nbgraph.graph.routes import Goto, Result, Send, Stop
from nbgraph.prices import UnknownPriceWarning
from nbgraph.store import MemoryStore, SqliteStore, Store

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load ``nbgraph.testing``, and the door to the widgets, when they are first asked for."""
    if name in ("testing", "prices"):
        return import_module(f"nbgraph.{name}")
    if name in ("metrics", "tracing"):
        return import_module(f"nbgraph.observe.{name}")
    if name in ("recording_client", "arecording_client", "recording_transport", "arecording_transport"):
        return getattr(import_module("nbgraph.clients"), name)
    if name == "JsonLines":
        return import_module("nbgraph.observe.jsonlines").JsonLines
    if name == "dashboard":
        return import_module("nbgraph.views.widgets.doors").dashboard
    raise AttributeError(f"module 'nbgraph' has no attribute {name!r}")


def load_ipython_extension(shell: Any) -> None:
    """Serve ``%load_ext nbgraph``."""
    import_module("nbgraph.notebook.extension").load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Serve ``%unload_ext nbgraph``."""
    import_module("nbgraph.notebook.extension").unload(shell)


__all__ = [
    "AnswerError",
    "BackpressureError",
    "BudgetError",
    "CallError",
    "Chunk",
    "Clock",
    "CodecError",
    "ConflictError",
    "Context",
    "Engine",
    "Event",
    "Goto",
    "Graph",
    "GraphError",
    "IdempotencyError",
    "IsolationError",
    "JsonLines",
    "MaxAttemptsError",
    "MaxStepsError",
    "MemoryStore",
    "MigrationError",
    "MissingCallError",
    "NbgraphError",
    "NoProgressError",
    "NodeError",
    "NodeTimeoutError",
    "Options",
    "OptionsError",
    "QuestionError",
    "Redaction",
    "Reducer",
    "ReplayMismatchError",
    "Result",
    "Retry",
    "RouteError",
    "Run",
    "RunBusyError",
    "RunCancelledError",
    "RunError",
    "RunNotFound",
    "Send",
    "SqliteStore",
    "StateError",
    "StepView",
    "Stop",
    "Store",
    "StoreBusy",
    "StoreCorrupt",
    "StoreError",
    "StoreForeign",
    "StoreFull",
    "StoreReadOnly",
    "SystemClock",
    "UnknownPriceWarning",
    "UpdateError",
    "add",
    "append",
    "arecording_client",
    "arecording_transport",
    "bundle",
    "call",
    "costs",
    "current",
    "dashboard",
    "extend",
    "grow_counter",
    "last",
    "lww_map",
    "maximum",
    "merge",
    "metrics",
    "minimum",
    "observed_set",
    "open_run",
    "prices",
    "recording_client",
    "recording_transport",
    "register_codec",
    "runs",
    "thaw",
    "tracing",
    "union",
    "updown_counter",
    "with_backpressure_timeout",
    "with_clock",
    "with_conflicts",
    "with_cost_budget",
    "with_durability",
    "with_executor",
    "with_listeners",
    "with_loop",
    "with_max_concurrent",
    "with_max_steps",
    "with_metrics",
    "with_nested",
    "with_prices",
    "with_prints",
    "with_queue_depth",
    "with_quiet",
    "with_redact",
    "with_seed",
    "with_time_budget",
    "with_token_budget",
]
