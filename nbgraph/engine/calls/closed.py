"""Why an attempt can ask for nothing: it is over, or runs where nothing can be recorded.

Owns the words.
"""

from __future__ import annotations

from nbgraph.errors import CallError
from nbgraph.ids import TaskId


def too_late(node: str, task: TaskId) -> CallError:
    """Return the error of an attempt that is over."""
    return CallError(
        f"an attempt of node {node!r} asks for something after it ended, timed out or was cancelled",
        still="nothing was called",
        todo="await every branch that the node starts; a sync node can look at ctx.cancelled",
        node=node,
        task=task,
    )


def elsewhere(node: str, task: TaskId) -> CallError:
    """Return the error of an attempt in another process."""
    return CallError(
        f"node {node!r} runs in another process, where calls cannot be recorded",
        still="nothing was called",
        todo="let the node run on a thread (no executor=, or a ThreadPoolExecutor)",
        node=node,
        task=task,
    )
