"""What a graph, a run or a comparison shows where there is no kernel: a saved notebook, a converted page, a code host.

Owns the pictures as ``text/html`` with an ``<img>`` (a data URI: the only form that an untrusted notebook shows), the
lines of words beside them, and SVG files. Settings that a display cannot be told are in ``settings``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbgraph.errors import OptionsError
from nbgraph.escape import NO_FORMULA, cut, picture_uri, safe
from nbgraph.views import drawing
from nbgraph.views.drawing.words import as_text
from nbgraph.views.durations import seconds_text
from nbgraph.views.layout import Layout, layout
from nbgraph.views.runs import RUN_LOOKS
from nbgraph.views.settings import DIRECTIONS, ENGINES, default_engine, default_times
from nbgraph.views.stale import stale_of
from nbgraph.views.subject import Subject
from nbgraph.views.tally import Tally
from nbgraph.views.topology import Topology, topology_of

if TYPE_CHECKING:
    from nbgraph.analysis.diff import Diff
    from nbgraph.graph.definition import Graph

_MANY = 60
"""Nodes up to which our own layout is as good as Graphviz's."""
_WIDE, _LEAST_SCALE = 1400.0, 0.55
"""Pixels from which a picture is scrolled through rather than made smaller and smaller, and how small it gets."""
_THEMES = ("light", "dark")
_WORDS = f'class="{NO_FORMULA}" style="font:13px/1.5 system-ui,sans-serif"'


def graph_svg(
    graph: Graph,
    *,
    engine: str | None = None,
    direction: str = "down",
    theme: str = "light",
    path: str | os.PathLike[str] | None = None,
) -> str:
    """Return a graph as an SVG document; written to ``path`` too, if one is given.

    ``engine``: who lays it out, "auto", "dot", "pygraphviz" or "builtin"; by default as NBGRAPH_LAYOUT says.
    ``direction``: where links lead, "down" or "right". ``theme``: "light" or "dark". Works on unfinished graphs.
    Raises ``OptionsError`` for another engine, direction or theme.
    """
    _known("theme", theme, _THEMES)
    topology = topology_of(graph)
    return _written(drawing.svg(topology, _laid(topology, engine, direction), theme=theme), path)


def run_svg(
    run: Subject,
    *,
    step: int | None = None,
    engine: str | None = None,
    direction: str = "down",
    theme: str = "light",
    times: bool | None = None,
    path: str | os.PathLike[str] | None = None,
) -> str:
    """Return a run's graph coloured by how far it is, as an SVG document; written to ``path`` too, if one is given.

    ``step``: as it was right after that step (0: nothing done yet); None: as it is. ``times``: whether seconds are
    shown; by default as NBGRAPH_TIMES says. Nodes whose code has changed since are marked. Runs no node. Raises ``OptionsError`` like ``graph.svg``.
    """
    _known("theme", theme, _THEMES)
    tally = _tally(run, step)
    drawn = _coloured(
        tally, _laid(tally.topology, engine, direction), theme, times=default_times() if times is None else times
    )
    return _written(drawn, path)


def graph_bundle(graph: Graph, *, engine: str | None = None, direction: str = "down") -> dict[str, Any]:
    """Return what a notebook shows of a graph: its drawing, and its drawing in characters."""
    topology = topology_of(graph)
    if not topology.nodes:
        return {"text/html": f"<div {_WORDS}><b>{safe(cut(graph.name, 80))}</b>: no nodes yet</div>"}
    places = _laid(topology, engine, direction)
    told = f"graph {graph.name}: {_counted(len(topology.nodes), 'node')}, {_counted(len(topology.links), 'link')}"
    return {"text/html": _page([], drawing.svg(topology, places), told, places, len(topology.nodes))}


def run_bundle(run: Subject, *, engine: str | None = None, direction: str = "down") -> dict[str, Any]:
    """Return what a notebook shows of a run: where it stands in a line or two, and the coloured drawing."""
    tally, times = _tally(run, None), default_times()
    places = _laid(tally.topology, engine, direction)
    svg = _coloured(tally, places, "light", times=times)
    lines = list(_summary(run, tally, times=times))
    return {"text/html": _page(lines, svg, f"run {run.id}, {tally.status}", places, len(tally.topology.nodes))}


def diff_bundle(diff: Diff) -> dict[str, Any]:
    """Return what a notebook shows of a comparison: its words and its first differences as a table."""
    timed = default_times()
    return {"text/plain": diff.told(timed=timed), "text/html": diff.page(timed=timed)}


def image(svg: str, width: float, height: float, told: str) -> str:
    """Return an SVG document as an ``<img>`` with its source inside; ``told`` is read to who cannot see it."""
    wide = width > _WIDE
    style = f"max-width:none;width:max(100%,{width * _LEAST_SCALE:.0f}px)" if wide else "max-width:100%"
    tag = (
        f'<img src="{picture_uri(svg)}" width="{width:.0f}" height="{height:.0f}" alt="{safe(told)}" '
        f'style="{style};height:auto">'
    )
    return f'<div style="overflow:auto">{tag}</div>' if wide else tag


def _laid(topology: Topology, engine: str | None, direction: str) -> Layout:
    _known("direction", direction, DIRECTIONS)
    if engine is not None:
        _known("engine", engine, ENGINES)
    return layout(topology, default_engine() if engine is None else engine, direction)


def _known(option: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise OptionsError(f"{option} is {value!r}; it should be {' or '.join(map(repr, allowed))}", option=option)


def _tally(run: Subject, step: int | None) -> Tally:
    tally = Tally.until(run, run.store.run(str(run.id)).steps if step is None else step)
    tally.stale = stale_of(run)
    return tally


def _coloured(tally: Tally, places: Layout, theme: str, *, times: bool) -> str:
    return drawing.svg(tally.topology, places, tally.nodes(), tally.edges(), theme, times=times)


def _written(svg: str, path: str | os.PathLike[str] | None) -> str:
    if path is not None:
        Path(path).write_text(svg, encoding="utf-8")
    return svg


def _page(lines: list[str], svg: str, told: str, places: Layout, nodes: int) -> str:
    """Return words and picture as HTML; ``lines`` are markup already."""
    parts = [f"<div>{line}</div>" for line in lines]
    parts.append(image(svg, places.width, places.height, told))
    if places.engine == "builtin" and nodes > _MANY:
        parts.append(
            "<div><small>drawn by nbgraph itself; with Graphviz installed (the program dot, or "
            "pip install pygraphviz) a graph of this size looks better</small></div>"
        )
    return f"<div {_WORDS}>{''.join(parts)}</div>"


def _summary(run: Subject, tally: Tally, *, times: bool) -> Iterator[str]:
    row = run.store.run(str(run.id))
    facts = tally.nodes().values()
    told = [tally.status, _counted(row.steps, "step")]
    told += [seconds_text(sum(one.seconds for one in facts)) + " in nodes"] if times and row.steps else []
    told += [_counted(sum(one.retried for one in facts), "retry", "retries")] if any(o.retried for o in facts) else []
    told += [tally.spending.total()] if tally.spending.texts else []
    mark = as_text(RUN_LOOKS[tally.status][1]) if tally.status in RUN_LOOKS else ""
    yield f"{mark} <b>{safe(cut(run.id, 80))}</b> of {safe(cut(row.record.graph, 80))}: {safe(', '.join(told))}".strip()
    error = loads(row.status.error) if row.status.error else {}
    if error:
        yield f"{safe(error.get('type', 'Error'))}: {safe(cut(error.get('message', ''), 400))}"
        if error.get("todo"):
            yield f"<small>Next: {safe(cut(error['todo'], 400))}</small>"


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or f'{one}s'}"
