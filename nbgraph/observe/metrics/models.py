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

    def label(self, usage: Usage, source: str, at: float) -> str:
        """Return the label of what was used; ``source`` says who knew its price, ``at`` when it was used."""
        model = usage.model
        if model in self._known:
            return model
        if not model or len(self._known) >= MOST or not _priced(usage, source, at):
            return OTHER
        self._known.add(model)
        return model


def _priced(usage: Usage, source: str, at: float) -> bool:
    if source in ("", "unknown"):
        return False
    if source != "given":
        return True
    return row_of(usage.model) is not None or bundled(Usage(usage.model, provider=usage.provider), at) is not None
