"""``%ng debug``: the debugger in the node that failed, with its recorded input.

Owns entering it, and finding the node's own frame. The outside world is the record's: nothing is called.
"""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from nbgraph.notebook.bench import Bench


def debug(bench: Bench, asked: Namespace) -> Any:
    """Enter the debugger in the failing node of a run."""
    raise NotImplementedError
