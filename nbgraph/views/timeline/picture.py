"""A chart as SVG: one picture that is readable in light, in dark and in grey print.

Owns what the picture looks like. Text becomes markup in ``drawing.element`` alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from nbgraph.escape import cut
from nbgraph.views.drawing.element import Element, as_markup, element
from nbgraph.views.drawing.words import mark_of
from nbgraph.views.layout.measure import text_width
from nbgraph.views.palette import PAPER, STATUSES
from nbgraph.views.timeline.bars import MOST_LANES, Bar, Frame, bars, frame, looks
from nbgraph.views.timeline.chart import Chart
from nbgraph.views.timeline.density import columns, flattened
from nbgraph.views.timeline.folds import unfolded
from nbgraph.views.timeline.ticks import spacing, tick_words, ticks, words

_FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
_HEAD, _FOOT, _MARGIN, _MOST_LABEL = 40.0, 30.0, 12.0, 190.0
_HATCHED = {
    "failed": "M-2 2l4 -4M0 8l8 -8M6 10l4 -4",
    "retried": "M-2 6l4 4M0 0l8 8M6 -2l4 4",
    "waiting": "M2 4h.01M6 8h.01",
}


class Look(NamedTuple):
    """Colours of a theme: paper, ink, faint ink, hairline."""

    theme: str
    paper: str
    ink: str
    faint: str
    line: str

    def status(self, status: str) -> tuple[str, str, str]:
        """Return fill, line and text of a status."""
        look = STATUSES[status]
        return look.light if self.theme == "light" else look.dark


def picture(chart: Chart, title: str, *, width: float = 960, theme: str = "light", named: bool = False) -> str:
    """Return a chart as SVG text. ``named``: write in each bar which node it is, where there is room."""
    look = Look(theme, *PAPER[theme])
    labels = _labels(chart)
    room = min(_MOST_LABEL, max((text_width(label, 12) for label in labels), default=0) + 14)
    left = _MARGIN + room
    space = max(60.0, width - left - _MARGIN - 6)
    place = frame(chart, left, _HEAD, space)
    found = bars(chart, place)
    if found is None:
        chart = flattened(chart)
        place = frame(chart, left, _HEAD, space)
        found = columns(chart, place)
    height = place.bottom + _FOOT
    return as_markup(
        element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {width:g} {height:g}", "width": width,
                "height": height, "font-family": _FONT, "role": "img", "aria-label": cut(title, 200),
            },
            element("defs", {}, *(_pattern(look, status) for status in _HATCHED)),
            element("rect", {"width": width, "height": height, "fill": look.paper}),
            *_head(look, title, looks(bar.status for bar in found if bar.kind != "wait"), width),
            *_lanes(look, chart, labels, place, width),
            *_axis(look, chart, place),
            *(part for bar in found if bar.kind != "column" for part in _bar(look, bar, chart, named=named)),
            *_columns(look, [bar for bar in found if bar.kind == "column"], place),
        )
    )  # fmt: skip


def _labels(chart: Chart) -> list[str]:
    shown = [cut(label, 26) for label in chart.labels[:MOST_LANES]]
    more = len(chart.labels) - MOST_LANES
    return [*shown, f"… and {more} more"] if more > 0 else shown


def _text(look: Look, x: float, y: float, text: str, size: float = 11, anchor: str = "start", ink: str = "") -> Element:
    return element("text", {"x": x, "y": y, "font-size": size, "text-anchor": anchor, "fill": ink or look.faint}, text)


def _pattern(look: Look, status: str) -> Element:
    _, line, _ = look.status(status)
    stroke = {
        "d": _HATCHED[status],
        "stroke": line,
        "stroke-width": "1.1",
        "stroke-opacity": "0.55",
        "stroke-linecap": "round",
    }
    if status == "waiting":
        stroke |= {"stroke-width": "1.8", "stroke-opacity": "0.75"}
    size: dict[str, str | float] = {"width": 8.0, "height": 8.0, "patternUnits": "userSpaceOnUse"}
    return element("pattern", {"id": f"ng-t-{status}", **size}, element("path", stroke))


def _head(look: Look, title: str, statuses: list[str], width: float) -> Iterator[Element]:
    x = width - _MARGIN
    for status in reversed(statuses):
        word = STATUSES[status].word
        x -= text_width(word, 11)
        yield _text(look, x, 20, word)
        x -= 20
        yield from _swatch(look, status, x)
        x -= 16
    yield _text(look, _MARGIN, 20, _fitting(title, 12.5, x - _MARGIN), 12.5, ink=look.ink)


def _fitting(text: str, size: float, room: float) -> str:
    most = len(text)
    while most > 1 and text_width(cut(text, most), size) > room:
        most -= 1
    return cut(text, most)


def _swatch(look: Look, status: str, x: float) -> Iterator[Element]:
    yield from _box(look, status, x, 10.5, 14, 12)
    _, _, ink = look.status(status)
    if status not in ("done", "reused"):
        yield _text(look, x + 7, 20, mark_of(status), 9.5, "middle", ink)


def _box(look: Look, status: str, x: float, y: float, width: float, height: float) -> Iterator[Element]:
    fill, line, _ = look.status(status)
    dashes = "3 2" if status == "reused" else None
    shape: dict[str, float] = {"x": x, "y": y, "width": width, "height": height, "rx": min(2.5, height / 3)}
    edge: dict[str, str | None] = {"stroke": line, "stroke-dasharray": dashes} if width > 4 else {"stroke": None}
    yield element("rect", {**shape, "fill": fill if width > 4 else line, **edge})
    if status in _HATCHED and width > 4:
        yield element("rect", {**shape, "fill": f"url(#ng-t-{status})"})


def _lanes(look: Look, chart: Chart, labels: list[str], place: Frame, width: float) -> Iterator[Element]:
    for turn, (label, top, row) in enumerate(zip(labels, place.tops, place.rows, strict=True)):
        following = place.tops[turn + 1] if turn + 1 < len(place.tops) else place.bottom + 4
        if turn % 2 == 0:
            band: dict[str, str | float] = {
                "x": 0.0,
                "y": top - 4,
                "width": width,
                "height": following - top,
                "fill": look.ink,
            }
            yield element("rect", {**band, "fill-opacity": "0.035"})
        middle = top + min(chart.heights[turn], place.most_rows, 1) * row / 2 + 4
        shown = _fitting(label, 12, place.left - _MARGIN - 8)
        yield element("g", {}, element("title", {}, label), _text(look, _MARGIN, middle, shown, 12, ink=look.ink))


def _axis(look: Look, chart: Chart, place: Frame) -> Iterator[Element]:
    bottom = place.bottom
    yield element("path", {"d": f"M{place.left:.1f} {bottom:.1f}h{place.width:.1f}", "stroke": look.line})
    if chart.axis == "order":
        yield _text(look, place.left, bottom + 18, "in the order of causes, from left to right; not to scale")
        return
    for fold in chart.folds:
        yield from _gap(look, place, fold.at, fold.width, fold.seconds)
    active = chart.end - sum(fold.width for fold in chart.folds)
    if active <= 0:
        return
    most = max(2, int(place.width / 90))
    step, right = spacing(active, most), place.left + place.width
    for tick in ticks(0.0, active, most):
        x = place.left + unfolded(chart.folds, tick) * place.scale
        yield element(
            "path", {"d": f"M{x:.1f} {_HEAD:.1f}V{bottom + 4:.1f}", "stroke": look.line, "stroke-opacity": "0.7"}
        )
        label = tick_words(tick, step)
        half = text_width(label, 11) / 2
        yield _text(look, min(max(x, place.left + half - 4), right - half + 6), bottom + 18, label, 11, "middle")


def _gap(look: Look, place: Frame, at: float, width: float, seconds: float) -> Iterator[Element]:
    x, wide = place.left + at * place.scale, width * place.scale
    size = {"x": x, "y": _HEAD, "width": wide, "height": place.bottom - _HEAD}
    yield element("rect", {**size, "fill": look.paper})
    yield element("rect", {**size, "fill": look.faint, "fill-opacity": "0.12"})
    for edge in (x, x + wide):
        yield element(
            "path",
            {"d": f"M{edge:.1f} {_HEAD:.1f}V{place.bottom:.1f}", "stroke": look.faint, "stroke-dasharray": "2 3"},
        )
    label = " ".join(words(seconds).split()[:2])
    if text_width(label, 10) < wide + 24:
        yield _text(look, x + wide / 2, _HEAD - 4, label, 10, "middle")


def _bar(look: Look, bar: Bar, chart: Chart, *, named: bool) -> Iterator[Element]:
    _, line, ink = look.status(bar.status)
    middle = bar.y + bar.height / 2
    if bar.kind in ("wait", "pause"):
        dashes = "2 3" if bar.kind == "pause" else None
        line = line if bar.kind == "pause" else look.faint
        path = f"M{bar.x:.1f} {middle:.1f}h{bar.width:.1f}"
        yield element("path", {"d": path, "stroke": line, "stroke-dasharray": dashes, "stroke-opacity": "0.8"})
    elif bar.kind == "call":
        shape = {"x": bar.x, "y": bar.y, "width": bar.width, "height": bar.height}
        yield element("rect", {**shape, "fill": line, "fill-opacity": "0.85"})
    else:
        yield from _box(look, bar.status, bar.x + 0.5, bar.y + 0.5, max(0.5, bar.width - 1), bar.height - 1)
        yield from _inside(look, bar, ink, chart.names[bar.name] if named and bar.kind == "attempt" else "")


def _columns(look: Look, found: list[Bar], place: Frame) -> Iterator[Element]:
    """Yield the columns of each lane and status as one shape."""
    shapes: dict[tuple[int, str], str] = {}
    for bar in found:
        key = bisect_right(place.tops, bar.y + 0.01), bar.status
        shape = f"M{bar.x:.1f} {bar.y:.1f}h{bar.width:.1f}v{bar.height:.1f}h{-bar.width:.1f}z"
        shapes[key] = shapes.get(key, "") + shape
    for (_, status), path in shapes.items():
        ordinary = status in ("done", "reused")
        yield element(
            "path", {"d": path, "fill": look.status(status)[1], "fill-opacity": "0.6" if ordinary else "0.95"}
        )


def _inside(look: Look, bar: Bar, ink: str, name: str) -> Iterator[Element]:
    """Yield what stands in a bar: a mark where something is out of the ordinary, else the node's name."""
    mark = mark_of(bar.status) if bar.status not in ("done", "reused") else ""
    shown = f"{bar.spans}× {mark}" if bar.spans > 1 and mark else mark or (f"{bar.spans}×" if bar.spans > 1 else "")
    text = " ".join(filter(None, (shown, name if bar.spans == 1 else "")))
    for label in (text, shown):
        if label and bar.height >= 12 and text_width(label, 9.5) < bar.width - 4:
            yield _text(look, bar.x + bar.width / 2, bar.y + bar.height / 2 + 2.9, label, 9.5, "middle", ink)
            return
