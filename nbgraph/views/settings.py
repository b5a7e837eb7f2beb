"""What a display cannot be told, because it takes no arguments: read from the environment, here and nowhere else.

Owns the two variables and their defaults:

- ``NBGRAPH_LAYOUT``: "auto" (default), "dot", "pygraphviz" or "builtin": who finds the places of a drawing.
  "builtin" draws the same picture on every machine.
- ``NBGRAPH_TIMES``: "1" (default) shows seconds in pictures and summaries, "0" leaves them out, so that a saved
  notebook is the same each time it is made.
"""

from __future__ import annotations

import os

ENGINES = ("auto", "dot", "pygraphviz", "builtin")
DIRECTIONS = ("down", "right")


def default_engine() -> str:
    """Return who lays out a drawing that nobody asked anything special of; an unknown name counts as "auto"."""
    engine = os.environ.get("NBGRAPH_LAYOUT", "auto")
    return engine if engine in ENGINES else "auto"


def default_times() -> bool:
    """Say whether pictures show seconds."""
    return os.environ.get("NBGRAPH_TIMES", "1") != "0"
