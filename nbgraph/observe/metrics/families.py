"""The metrics by name: what each counts, its labels, and the closed sets that label values come from.

Owns the names, which dashboards and alerts stand on, and the buckets. Pure data; ``counting`` fills it from rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Family(NamedTuple):
    """One metric. ``name`` is without the "_total" that a counter's series end with."""

    name: str
    kind: str
    """"counter", "gauge" or "histogram"."""
    help: str
    labels: tuple[str, ...] = ()

    @property
    def series(self) -> tuple[str, ...]:
        """The names of its series, as a query has them."""
        if self.kind == "histogram":
            return tuple(f"{self.name}_{part}" for part in ("bucket", "sum", "count"))
        return (f"{self.name}_total",) if self.kind == "counter" else (self.name,)


INFLIGHT = Family("nbgraph_inflight_nodes", "gauge", "Tasks that are executed now, in this process.")
QUEUE = Family("nbgraph_queue_depth", "gauge", "Tasks that could start and wait for a worker, in this process.")
LATENCY = Family(
    "nbgraph_step_latency_seconds", "histogram",
    "How long a node's last attempt took, from its call to its return; without waiting, retries and commit.",
    ("graph", "node", "status"),
)  # fmt: skip
RETRIES = Family(
    "nbgraph_retries", "counter", "Attempts that failed and were followed by another.", ("graph", "node", "reason")
)
CONFLICTS = Family(
    "nbgraph_merge_conflicts",
    "counter",
    "Fields without reducer that concurrent branches both wrote.",
    ("graph", "policy"),
)
BACKPRESSURE = Family(
    "nbgraph_backpressure_events",
    "counter",
    "Times that the workers' queue was full, or stayed full.",
    ("graph", "reason"),
)
STEPS = Family(
    "nbgraph_steps",
    "counter",
    "Committed steps by how they ended; and tasks that failed for good.",
    ("graph", "status"),
)
TOKENS = Family(
    "nbgraph_tokens",
    "counter",
    "Tokens that calls used here; what a record answered is not counted.",
    ("model", "direction"),
)
COST = Family(
    "nbgraph_cost_usd",
    "counter",
    'What calls cost, in US dollars, where it is known; models that no price table knows are "other".',
    ("model",),
)
UNPRICED = Family("nbgraph_unpriced_calls", "counter", "Calls that used a model whose price nobody knows.", ("graph",))
CALLS = Family(
    "nbgraph_calls",
    "counter",
    "Recorded calls and questions, by how they ended; reused: a record answered, entered: by ctx.usage.",
    ("graph", "outcome"),
)
RUNS = Family("nbgraph_runs", "counter", "Times that a run came to stand still, by how.", ("graph", "status"))

FAMILIES = (
    INFLIGHT, QUEUE, LATENCY, RETRIES, CONFLICTS, BACKPRESSURE, STEPS, TOKENS, COST, UNPRICED, CALLS, RUNS,
)  # fmt: skip

BUCKETS = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    120.0,
    300.0,
    600.0,
)
"""Upper bounds in seconds: a plain function takes a millisecond, a call of a model seconds, an agent's minutes."""

DIRECTIONS = ("input", "output", "cache_read", "cache_write", "reasoning")
"""Input and output add up to what was used; ``cache_read`` and ``cache_write`` are parts of input, ``reasoning`` of output."""

OTHER = "other"
"""What stands for every value that is outside its set."""

SETS: Mapping[str, tuple[str, ...]] = {
    "reason": ("timeout", "rate_limit", "connection", "server", "invalid", OTHER, "queue_full", "queue_stayed_full"),
    "policy": ("fail", "last", "function"),
    "direction": DIRECTIONS,
    "outcome": ("returned", "raised", "reused", "entered", "asked", "answered"),
    "status": (
        "done", "caught", "edited", "migrated", "failed",
        "completed", "paused", "waiting", "cancelled",
    ),
}  # fmt: skip
"""Label -> its values; beside these, ``graph`` and ``node`` are the definition's names, ``model`` the price tables' names."""
