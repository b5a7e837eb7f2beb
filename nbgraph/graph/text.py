"""A definition drawn in box characters, for a terminal, a log or a diff.

Owns the picture's marks: a double frame is the start, "↺ name" in a box goes back there, "▼" is an
arrival, "⇊" one task per Send; what a line cannot say (predicates, errors) stands in the list below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbgraph.graph.canvas import Canvas
from nbgraph.graph.layout import Layout, Passing, layered
from nbgraph.graph.picture import Link, drawn_start, inside, links_of, missing_of, names_of

if TYPE_CHECKING:
    from nbgraph.graph.definition import Graph

_GAP = 3
_ARROWS = {"edge": "──▶", "when": "──▶", "otherwise": "──▶", "error": "╌╌▶", "goto": "╌╌▶", "send": "══▶"}


def drawn(graph: Graph, above: tuple[Graph, ...] = ()) -> str:
    """Return the drawing, a list of what it cannot show, and the drawings of subgraphs, indented."""
    title = f"{_shown(graph.name)}"
    if not graph.nodes:
        return f"{title}\n(no nodes yet)"
    links = links_of(graph)
    parts = [title, "", _picture(graph, links)]
    notes = [note for link in links if (note := _note(link))]
    parts += ["", *notes] if notes else []
    for node in graph.nodes:
        if node.graph is not None and not inside(node.graph, (*above, graph)):
            inner = drawn(node.graph, (*above, graph)).splitlines()
            parts += ["", f"▣ {_shown(node.name)}:", *(f"    {line}".rstrip() for line in inner)]
    return "\n".join(parts)


def _note(link: Link) -> str:
    """Return what is to say of a link beyond that it exists, "" if nothing."""
    said = {"when": f"when {link.label}", "error": link.label, "otherwise": "otherwise", "goto": "if the code says so"}
    text = "one task per Send" if link.kind == "send" else said.get(link.kind, link.label)
    return f"{_shown(link.src)} {_ARROWS[link.kind]} {_shown(link.dst)}  {_shown(text, 60)}" if text else ""


def _shown(text: str, most: int = 30) -> str:
    """Return text on one line, without characters that would move the cursor or other text."""
    clean = "".join(char if char.isprintable() else "·" for char in text)
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def _picture(graph: Graph, links: list[Link]) -> str:
    successors: dict[str, list[str]] = {name: [] for name in names_of(graph)}
    for link in links:
        if link.dst not in successors[link.src]:
            successors[link.src].append(link.dst)
    start = drawn_start(graph)
    layout = layered(successors, [start] if start is not None else [])
    boxes = {name: _lines(graph, name, layout) for name in successors}
    columns = _columns(layout, boxes)
    sheet, row = Canvas(), 0
    leading = {src for src, _ in layout.hops}
    sends = {(link.src, link.dst) for link in links if link.kind == "send"}
    for place, keys in enumerate(layout.rows):
        height = max((len(boxes[key]) + 2 for key in keys if isinstance(key, str)), default=1)
        for key in keys:
            if isinstance(key, str):
                _draw_box(sheet, row, columns[key], boxes[key], height, heavy=key == start, leads_on=key in leading)
            else:
                sheet.line((row - 1, columns[key]), (row + height - 1, columns[key]))
        row += height
        row = _draw_hops(sheet, row, place, layout, columns, sends)
    return sheet.text()


def _lines(graph: Graph, name: str, layout: Layout) -> list[str]:
    """Return the lines inside a node's box: its name and its marks."""
    node = next((node for node in graph.nodes if node.name == name), None)
    mark = "▣ " if node is not None and node.graph is not None else ""
    lines = [mark + _shown(name) + (" ?" if name in missing_of(graph) else "")]
    if node is not None and node.join == "each":
        lines.append("∥ each arrival")
    return lines + [f"↺ {_shown(dst)}" for src, dst in sorted(layout.back) if src == name]


def _draw_box(
    sheet: Canvas, row: int, column: int, lines: list[str], height: int, *, heavy: bool, leads_on: bool
) -> None:
    width = max(map(len, lines)) + 4
    sheet.box(row, column - width // 2, lines, heavy=heavy)
    if leads_on:
        bottom = row + len(lines) + 1
        sheet.write(bottom, column, "╤" if heavy else "┬")
        sheet.line((bottom, column), (row + height - 1, column))  # a neighbour may be higher


def _columns(layout: Layout, boxes: dict[str, list[str]]) -> dict[object, int]:
    """Return the middle column of every key: rows are packed, then pulled towards what leads to them."""
    widths = {key: max(map(len, boxes[key])) + 4 if isinstance(key, str) else 1 for row in layout.rows for key in row}
    total = max((sum(widths[key] + _GAP for key in row) - _GAP for row in layout.rows), default=0)
    columns: dict[object, int] = {}
    above: dict[object, list[object]] = {}
    for src, dst in layout.hops:
        above.setdefault(dst, []).append(src)
    for row in layout.rows:
        least, room = 0, total - sum(widths[key] + _GAP for key in row) + _GAP
        for number, key in enumerate(row):
            wanted = [columns[one] for one in above.get(key, ()) if one in columns]
            rest = sum(widths[one] + _GAP for one in row[number + 1 :])
            middle = round(sum(wanted) / len(wanted)) if wanted else least + room // 2 + widths[key] // 2
            most = max(least, total - rest - widths[key])
            left = min(max(least, middle - widths[key] // 2 - _spread(row, number, above, widths)), most)
            columns[key] = left + widths[key] // 2
            least = left + widths[key] + _GAP
    return columns


def _spread(row: list[object], number: int, above: dict[object, list[object]], widths: dict[object, int]) -> int:
    """Return how far left a key moves to leave its following siblings room under the same source."""
    own = above.get(row[number])
    after = [key for key in row[number + 1 :] if above.get(key) == own]
    before = [key for key in row[:number] if above.get(key) == own]
    if not own or before or not after:
        return 0
    return sum(widths[key] + _GAP for key in after) // 2


def _draw_hops(
    sheet: Canvas,
    row: int,
    place: int,
    layout: Layout,
    columns: dict[object, int],
    sends: set[tuple[str, str]],
) -> int:
    """Draw the lines between one row and the next, one track per fork or join; return the next free row."""
    keys = layout.rows[place]
    hops = {src: [dst for one, dst in layout.hops if one == src] for src in keys}
    if not any(hops.values()):
        return row
    tracks = _tracks(hops, columns)
    bottom = row + len(tracks)
    for src, targets in hops.items():
        key = _track(src, targets)
        track = row + tracks.index(key) if key in tracks else row
        for dst in targets:
            sheet.line((row - 1, columns[src]), (track, columns[src]))
            sheet.line((track, columns[src]), (track, columns[dst]))
            sheet.line((track, columns[dst]), (bottom, columns[dst]))
    for dst in dict.fromkeys(dst for targets in hops.values() for dst in targets):
        if not isinstance(dst, Passing):
            sheet.write(bottom, columns[dst], "⇊" if any(one == dst for _, one in sends) else "▼")
    return bottom + 1


def _tracks(hops: dict[object, list[object]], columns: dict[object, int]) -> list[object]:
    """Return the tracks, topmost first: one whose column another's line comes down in goes above it.

    A source that forks has a track of its own; those that only lead to one and the same node share theirs.
    """
    turns: dict[object, set[int]] = {}
    begins: dict[object, set[int]] = {}
    for src, targets in hops.items():
        away = {columns[dst] for dst in targets} - {columns[src]}
        if away:
            turns.setdefault(_track(src, targets), set()).update(away)
            begins.setdefault(_track(src, targets), set()).add(columns[src])
    order: list[object] = []
    while turns:
        free = [one for one in turns if not any(begins[other] & turns[one] for other in turns if other != one)]
        order.append(free[0] if free else next(iter(turns)))
        del turns[order[-1]]
    return order


def _track(src: object, targets: list[object]) -> object:
    return ("to", targets[0]) if len(targets) == 1 else ("from", src)
