"""Whether this process is a Jupyter kernel, and whether a person may be looking.

Owns both questions. Asked without importing anything: where IPython is not loaded, this is no kernel.
"""

from __future__ import annotations

import sys
from typing import Any


def kernel() -> Any:
    """Return the Jupyter kernel that this process is, None if it is none."""
    if "ipykernel" not in sys.modules:
        return None
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return getattr(get_ipython(), "kernel", None) if get_ipython is not None else None


def somebody_looks() -> bool:
    """Say whether progress would be seen: in a terminal, or in a notebook that a person has open.

    What executes notebooks by itself (nbclient, nbmake, nbconvert) says that it will answer no ``input()``.
    """
    here = kernel()
    if here is not None:
        return bool(getattr(here, "_allow_stdin", False))
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except (AttributeError, ValueError):  # a stand-in, or closed
        return False
