"""A quiet line below a cell.

Owns how it looks, as text and as HTML. Knows nothing of what it says.
"""

from __future__ import annotations

from IPython.display import display

from nbgraph.escape import NO_FORMULA, plain, safe

_LOOK = f'class="{NO_FORMULA}" style="opacity:.75;font-size:90%;margin:2px 0"'


def tell(line: str) -> None:
    """Show one line, in a voice lower than the cell's own output."""
    display({"text/plain": plain(line), "text/html": f"<div {_LOOK}>{safe(line)}</div>"}, raw=True)  # type: ignore[no-untyped-call]
