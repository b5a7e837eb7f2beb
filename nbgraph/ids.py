"""The ids of nbgraph, each with a type of its own, and the one formula that makes a task's identity.

Owns identity. Knows nothing of graphs or time. A task's id never depends on the run, on timing or on
a machine: the same graph and input give the same ids in every run (DESIGN section 3, rule 1).
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import NewType

RunId = NewType("RunId", str)
TaskId = NewType("TaskId", str)
"""64 lower-case hexadecimal digits."""
StepNo = NewType("StepNo", int)
"""Counts from 1 in commit order; 0 is the input."""


def root_id(graph: str) -> TaskId:
    """Return the id of a run's first cause: a function of the graph's name alone."""
    return TaskId(sha256(b"nbgraph/root/" + graph.encode("utf-8", "surrogatepass")).hexdigest())


def task_id(arrivals: Iterable[tuple[str, str]], node: str) -> TaskId:
    """Return SHA-256 over the sorted (parent task id, edge or send index) pairs and the node's name.

    >>> task_id([("b", "e0"), ("a", "e1")], "x") == task_id([("a", "e1"), ("b", "e0")], "x")
    True
    """
    pairs = [f"{parent}:{index}" for parent, index in arrivals]
    pairs.sort()
    pairs.append(node)
    return TaskId(sha256("\n".join(pairs).encode("utf-8", "surrogatepass")).hexdigest())
