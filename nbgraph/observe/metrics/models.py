"""Which models have series of their own: those that somebody has a price for. The others are "other".

Owns the bound on the label. What a server calls its model is outside text: it never becomes a series by itself.
"""

from __future__ import annotations

from nbgraph.observe.metrics.families import OTHER
from nbgraph.prices import Usage
from nbgraph.prices.bundled import bundled
from nbgraph.prices.table import row_of

MOST = 100
"""Models with series of their own, however many have a price: a function may price any name."""


class Models:
    """The models met so far."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def label(self, model: str, source: str, at: float) -> str:
        """Return the label of a model; ``source`` says who knew its price, ``at`` when it was used."""
        if model in self._known:
            return model
        if not model or len(self._known) >= MOST or not _priced(model, source, at):
            return OTHER
        self._known.add(model)
        return model


def _priced(model: str, source: str, at: float) -> bool:
    if source in ("", "unknown"):
        return False
    if source != "given":
        return True
    return row_of(model) is not None or bundled(Usage(model), at) is not None
