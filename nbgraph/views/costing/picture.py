"""The chart of a run's cost as a picture: a band for each model over the steps, what is unknown, the budget.

Owns what it looks like. One tree for a file and for a page, as drawings of graphs are; text becomes markup in
``drawing.element`` alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from nbgraph.escape import cut
from nbgraph.views.costing.growth import Band, Growth, drawable
from nbgraph.views.costing.money import cost_text, count_text, short_count, short_dollars, sum_text
from nbgraph.views.costing.scales import marked, reach, scale, tick_text, ticks
from nbgraph.views.drawing.element import Element, element, number
from nbgraph.views.layout.measure import text_width
from nbgraph.views.palette import PAPER, SERIES, STATUSES

_FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
_TOP, _FOOT, _MARGIN, _HIGH, _GAP = 34.0, 26.0, 12.0, 150.0, 15.0
"""Pixels above and below the plot, at the sides, its height, and between two names at its right."""
_DASHES = (None, "7 3", "2 3", "9 3 2 3", "4 2")
_COMPACT = 1_000_000
"""Dollars from which a name at the right has them in little room; the sum at the top has all digits."""
_MANY_MARKS = 40
"""Steps with calls of unknown cost up to which each has a question mark."""


class Look(NamedTuple):
    """Colours: of a theme, or of a page that defines the palette's variables."""

    paper: str
    ink: str
    faint: str
    line: str
    series: Sequence[str]
    limit: str
    doubt: str


def look_of(theme: str) -> Look:
    """Return the colours of "light" or "dark", or the variables that a "page" has."""
    if theme == "page":
        series = [f"var(--ng-series-{place})" for place in range(len(SERIES["light"]))]
        paper, ink, faint, line = (f"var(--ng-{name})" for name in ("paper", "ink", "faint", "line"))
        return Look(paper, ink, faint, line, series, "var(--ng-failed-line)", "var(--ng-retried-line)")
    side = 0 if theme == "light" else 1
    failed, retried = ((look.light, look.dark)[side][1] for look in (STATUSES["failed"], STATUSES["retried"]))
    return Look(*PAPER[theme], SERIES[theme], failed, retried)


class Plot(NamedTuple):
    """Where numbers are on the picture: amounts up to ``top``, steps up to ``end``."""

    left: float
    right: float
    top: float
    end: int

    def x(self, step: float) -> float:
        """Return where a step ends."""
        return self.left + step / max(1, self.end) * (self.right - self.left)

    def y(self, amount: float) -> float:
        """Return how high an amount is."""
        return _TOP + (1 - amount / self.top) * _HIGH


def picture(growth: Growth, *, of: str = "", width: float = 760, theme: str = "light") -> Element:
    """Return the chart as a tree of elements. ``of``: what stands behind the sum, as the name of the run."""
    title = f"{'Cost' if growth.unit == 'dollars' else 'Tokens'} so far" + (f" of {of}" if of else "")
    look, names = look_of(theme), _names(growth, width)
    whole = sum(band.amounts[-1] for band in growth.bands)
    step, top = scale(reach(whole, growth.budget))
    labels = [(tick, tick_text(tick, step, growth.unit)) for tick in ticks(step, top)]
    left = _MARGIN + max(text_width(text, 11) for _, text in labels) + 8
    plot = Plot(left, width - _MARGIN - max((text_width(name, 11) for name in names), default=0) - 22, top, growth.end)
    height = _TOP + _HIGH + _FOOT
    head: dict[str, str | float | None] = {
        "xmlns": "http://www.w3.org/2000/svg", "class": "ng-cost-chart", "viewBox": f"0 0 {width:g} {height:g}", "width": width,
        "height": height, "font-family": _FONT, "role": "img", "aria-label": _told(growth, title),
    }  # fmt: skip
    return element(
        "svg", head, element("title", {}, _told(growth, title)),
        element("rect", {"width": width, "height": height, "fill": look.paper}),
        *_head(look, growth, title, width), *_grid(look, plot, labels), *_steps(look, plot),
        *_bands(look, plot, growth), *_budget(look, plot, growth), *_unknown(look, plot, growth),
        *_legend(look, plot, growth, names),
    )  # fmt: skip


def _told(growth: Growth, title: str) -> str:
    """Return the picture in words, for who cannot see it."""
    shares = ", ".join(f"{cut(band.name, 60)} {_amount(growth, band.total)}" for band in growth.bands)
    parts = [f"{cut(title, 120)}: {_whole(growth)} after {count_text(growth.end, 'step')}", shares, *_notes(growth)]
    return "; ".join(part for part in parts if part)


def _whole(growth: Growth) -> str:
    if growth.unit == "tokens":
        return f"{int(growth.total):,}"
    return sum_text(growth.total, growth.lacking)


def _amount(growth: Growth, amount: Decimal) -> str:
    return cost_text(amount) if growth.unit == "dollars" else count_text(int(amount), "token")


def _notes(growth: Growth) -> Iterator[str]:
    if growth.lacking:
        yield _lacking(growth)
    if growth.budget is not None:
        yield f"budget {cost_text(growth.budget)}"


def _lacking(growth: Growth) -> str:
    return f"{count_text(growth.lacking, 'call')} of unknown cost"


def _head(look: Look, growth: Growth, title: str, width: float) -> Iterator[Element]:
    lacking = f"? {_lacking(growth)}" if growth.lacking else ""
    room = width - 2 * _MARGIN - (text_width(lacking, 11) + 14 if lacking else 0)
    yield _text(look, _MARGIN, 19, fitting(f"{title}: {_whole(growth)}", 12.5, room), 12.5, ink=look.ink)
    if lacking:
        yield _text(look, width - _MARGIN, 19, lacking, 11, "end", look.doubt)


def fitting(text: str, size: float, room: float) -> str:
    """Return as much of a text as there is room for."""
    most = min(len(text), 400)
    while most > 1 and text_width(cut(text, most), size) > room:
        most -= 1
    return cut(text, most)


def _text(look: Look, x: float, y: float, text: str, size: float = 11, anchor: str = "start", ink: str = "") -> Element:
    return element("text", {"x": x, "y": y, "font-size": size, "text-anchor": anchor, "fill": ink or look.faint}, text)


def _grid(look: Look, plot: Plot, labels: Sequence[tuple[float, str]]) -> Iterator[Element]:
    for tick, text in labels:
        y = plot.y(tick)
        wide: dict[str, str | float] = {
            "d": f"M{number(plot.left)} {number(y)}H{number(plot.right)}",
            "stroke": look.line,
        }
        yield element("path", {**wide, "stroke-opacity": None if tick == 0 else "0.6"})
        yield _text(look, plot.left - 7, y + 3.8, text, 11, "end")


def _steps(look: Look, plot: Plot) -> Iterator[Element]:
    bottom = _TOP + _HIGH
    for step in marked(plot.end, int((plot.right - plot.left) // 90)):
        label = f"step {step:,}" if step == plot.end else f"{step:,}"
        x = plot.x(step)
        yield element("path", {"d": f"M{number(x)} {number(bottom)}v4", "stroke": look.line})
        yield _text(look, x, bottom + 17, label, 11, "end" if step == plot.end else "middle")


# -- what is drawn


def _bands(look: Look, plot: Plot, growth: Growth) -> Iterator[Element]:
    """Yield the bands from the ground up, each with a line on its top; the largest stands on the ground."""
    below = [0.0] * len(growth.steps)
    for place, band in enumerate(growth.bands):
        above = [under + own for under, own in zip(below, band.amounts, strict=True)]
        colour = look.series[place % len(look.series)]
        line = _path(plot, growth.steps, above)
        back = _path(plot, growth.steps[::-1], below[::-1], first="L")
        yield element("path", {"d": f"{line}{back}Z", "fill": colour, "fill-opacity": "0.22", "stroke": "none"})
        yield element("path", {"d": line, "fill": "none", **_stroke(colour, place)})
        below = above


def _stroke(colour: str, place: int) -> dict[str, str | float | None]:
    return {"stroke": colour, "stroke-width": 1.8, "stroke-linejoin": "round", "stroke-dasharray": _DASHES[place % len(_DASHES)]}  # fmt: skip


def _path(plot: Plot, steps: Sequence[int], amounts: Sequence[float], first: str = "M") -> str:
    points = (f"{number(plot.x(step))} {number(plot.y(amount))}" for step, amount in zip(steps, amounts, strict=True))
    return first + "L".join(points)


def _budget(look: Look, plot: Plot, growth: Growth) -> Iterator[Element]:
    if growth.budget is None:
        return
    amount, label = drawable(growth.budget), f"budget {cost_text(growth.budget)}"
    if amount > plot.top:
        yield _text(look, plot.left + 6, _TOP + 13, f"↑ {label}", 11, ink=look.limit)
        return
    y = plot.y(amount)
    yield element("path", {"d": f"M{number(plot.left)} {number(y)}H{number(plot.right)}", "stroke": look.limit, "stroke-width": 1.4, "stroke-dasharray": "6 4"})  # fmt: skip
    yield _text(look, plot.left + 6, y - 5 if y > _TOP + 10 else y + 13, label, 11, ink=look.limit)


def _unknown(look: Look, plot: Plot, growth: Growth) -> Iterator[Element]:
    """Yield a question mark on the ground at each step that has calls of unknown cost; bare strokes where they are many."""
    if growth.unit == "tokens":
        return
    bottom, few = _TOP + _HIGH, len(growth.unknown) <= _MANY_MARKS
    taken = -20.0
    for step, calls in growth.unknown:
        x = plot.x(step)
        if few and x - taken >= 11:
            taken = x
            told = element("title", {}, f"step {step}: {count_text(calls, 'call')} of unknown cost")
            ring = element(
                "circle",
                {"cx": x, "cy": bottom, "r": 5.5, "fill": look.paper, "stroke": look.doubt, "stroke-width": 1.2},
            )
            yield element("g", {}, told, ring, _text(look, x, bottom + 3.3, "?", 9, "middle", look.doubt))
    if not few:
        xs = sorted({round(plot.x(step)) for step, _ in growth.unknown})
        yield element(
            "path",
            {"d": "".join(f"M{x} {number(bottom - 2)}v4" for x in xs), "stroke": look.doubt, "stroke-opacity": "0.6"},
        )


# -- the names at the right


def _names(growth: Growth, width: float) -> list[str]:
    room = min(220.0, width * 0.36)
    return [_name(growth, band, room) for band in growth.bands]


def _name(growth: Growth, band: Band, room: float) -> str:
    amount = short_count(drawable(band.total)) if growth.unit == "tokens" else cost_text(band.total)
    if growth.unit == "dollars" and band.total >= _COMPACT:
        amount = short_dollars(drawable(band.total))
    return f"{fitting(band.name, 11, room - text_width(f' {amount}', 11) - 22)} {amount}"


def _legend(look: Look, plot: Plot, growth: Growth, names: Sequence[str]) -> Iterator[Element]:
    """Yield each band's name at the height of its middle, from the top down, as near as there is room."""
    middles, below = [], 0.0
    for band in growth.bands:
        middles.append(plot.y(below + band.amounts[-1] / 2) + 4)
        below += band.amounts[-1]
    for place, y in zip(range(len(names)), _spread(middles), strict=True):
        line = {
            "d": f"M{number(plot.right + 6)} {number(y - 3.8)}h13",
            **_stroke(look.series[place % len(look.series)], place),
        }
        yield element("path", line)
        yield _text(look, plot.right + 22, y, names[place], 11, ink=look.ink)


def _spread(middles: Sequence[float]) -> list[float]:
    """Return heights that are at least a line apart, from the lowest (the first) up, kept on the picture."""
    lowest = _TOP + _HIGH
    found: list[float] = []
    for wanted in middles:
        found.append(min(wanted, lowest, found[-1] - _GAP if found else lowest))
    over = max(0.0, _TOP + 4 - found[-1]) if found else 0.0
    return _lowered(found, over)


def _lowered(heights: Sequence[float], over: float) -> list[float]:
    """Return heights whose topmost came down by ``over``, pushing those below it no further than needed."""
    found = list(heights)
    if over:
        found[-1] += over
        for place in range(len(found) - 2, -1, -1):
            found[place] = max(found[place], found[place + 1] + _GAP)
    return found
