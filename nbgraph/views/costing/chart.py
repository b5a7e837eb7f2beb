"""``run.cost_chart()``: how a run's cost grew over its steps, as a picture that stays when the kernel is gone.

Owns the object that shows itself: an ``<img>`` for notebooks, lines of bars for a terminal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nbgraph.escape import cut, plain
from nbgraph.views.costing.growth import Growth, drawable
from nbgraph.views.costing.money import cost_text, count_text, sum_text
from nbgraph.views.costing.picture import picture
from nbgraph.views.drawing.element import as_markup
from nbgraph.views.static import image

_BAR = 24
"""Characters of the longest bar."""


@dataclass(frozen=True)
class CostChart:
    """How a run's cost grew. Shows itself as a picture in a notebook and as bars in a terminal; ``svg()`` is the picture."""

    growth: Growth = field(repr=False)
    of: str = ""
    width: float = 760
    theme: str = "light"

    def svg(self) -> str:
        """Return the picture as SVG text."""
        return as_markup(self._tree())

    def _tree(self) -> Any:
        return picture(self.growth, of=self.of, width=self.width, theme=self.theme)

    def __repr__(self) -> str:
        return text_chart(self.growth, self.of)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return self.bundle()

    def bundle(self) -> dict[str, str]:
        """Return what a notebook shows: an ``<img>``, and the bars for where there are no pictures."""
        tree = self._tree()
        size, told = tree.attributes, tree.attributes["aria-label"]
        shown = image(as_markup(tree), float(size["width"]), float(size["height"]), told)
        return {"text/html": shown, "text/plain": repr(self)}


def text_chart(growth: Growth, of: str = "") -> str:
    """Return the sums as text, a bar for each model."""
    dollars = growth.unit == "dollars"
    whole = sum_text(growth.total, growth.lacking) if dollars else count_text(int(growth.total), "token")
    head = f"{'cost' if dollars else 'tokens'}{f' of {plain(of)}' if of else ''}: {whole} after {count_text(growth.end, 'step')}"
    most = max((drawable(band.total) for band in growth.bands), default=0.0) or 1.0
    lines = [
        f"  {cut(band.name, 40):40}  {'█' * round(drawable(band.total) / most * _BAR):{_BAR}}  "
        f"{cost_text(band.total) if dollars else f'{int(band.total):,}'}"
        for band in growth.bands
    ]
    if growth.lacking:
        lines.append(f"  {count_text(growth.lacking, 'call')} of unknown cost")
    if growth.budget is not None:
        lines.append(f"  budget {cost_text(growth.budget)}")
    return "\n".join([head, *lines])
