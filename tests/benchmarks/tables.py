"""Turn measured figures into tables: medians, and ratios to the limit line of the same repeat.

Owns which figures of a workload are shown and what they are held against. Pure: figures in, text out.
"""

from __future__ import annotations

from collections import defaultdict
from statistics import median
from typing import Any, NamedTuple

from workloads import CLASSES

Result = dict[str, Any]


class Column(NamedTuple):
    """A figure that is shown: its name in the results, its heading, by what to divide it, how many digits."""

    figure: str
    heading: str
    divisor: float = 1.0
    digits: int = 1


US = Column("us_per_step", "us/step")
CPU = Column("cpu_us_per_step", "cpu us/step")
FILE = Column("db_bytes", "file MB", 1e6, 2)
TOTAL = Column("total_ms", "total ms")
DRIFT = Column("last_over_first", "last/first", 1, 2)

COLUMNS = {
    "W1": (US, CPU),
    "W2": (US, CPU, Column("step_us_p99", "p99 us"), Column("db_bytes_per_step", "bytes/step", 1, 0)),
    "W3": (US, Column("first_ms", "first ms", 1, 3), Column("last_ms", "last ms", 1, 3), DRIFT, FILE),
    "W4": (TOTAL, Column("cpu_ms", "cpu ms"), Column("ordered", "in order", 1, 0)),
    "W4b": (TOTAL, Column("over_ideal", "x ideal", 1, 2), Column("cpu_ms", "cpu ms")),
    "W4d": (Column("distinct_orders", "merge orders", 1, 0), Column("input_order", "always the branches'", 1, 0)),
    "W5": (
        Column("resume_step_ms", "one more step ms", 1, 2),
        Column("latest_ms", "latest ms", 1, 2),
        Column("history_ms", "history ms", 1, 2),
        Column("steps_lost", "steps lost", 1, 0),
    ),
    "W6": (Column("over_bare_ms", "over bare Python ms"), Column("import_ms", "import ms")),
    "W7": (US, DRIFT, FILE, Column("rss_mb", "peak MB", 1, 0)),
}
COLUMNS["W5g"] = (*COLUMNS["W5"], FILE)
"""The first column of each is the one whose ratio is taken."""

WHOLE = {"none": "L0", "exit": "L1", "process": "L1", "power": "L1f"}
CHANGE = {"none": "L1d", "exit": "L1d", "process": "L1d", "power": "L1df"}
LINES = {
    "W1": dict.fromkeys(CLASSES, "L0"),
    "W2": WHOLE,
    "W3": CHANGE,
    "W4": WHOLE | {"none": "L0a"},
    "W4b": dict.fromkeys(CLASSES, "L0a"),
    "W5": WHOLE,
    "W5g": CHANGE,
    "W7": CHANGE,
}
"""Which limit line a durability class is held against."""


def progress(result: Result) -> str:
    """Return one line about one measurement."""
    name = f"[{result['repeat'] + 1}] {result['workload']:3} {result['peer']}/{result['variant']} {result['n'] or ''}"
    if "error" in result:
        return f"{name}: {result['error']}"
    column = COLUMNS[result["workload"]][0]
    return f"{name}: {number(result['metrics'].get(column.figure), column)} {column.heading}"


def number(value: float | bool | None, column: Column) -> str:
    """Return a figure as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return f"{value / column.divisor:,.{column.digits}f}"


def middle(results: list[Result], column: Column) -> str:
    """Return the median of a figure over the repeats; of a yes or no, whether it was always yes."""
    values = [result["metrics"][column.figure] for result in results if column.figure in result["metrics"]]
    if not values:
        return ""
    return number(all(values) if isinstance(values[0], bool) else median(values), column)


def ratio(results: list[Result], line: list[Result], figure: str) -> str:
    """Return the median over the repeats of a figure divided by the limit line's of the same repeat."""
    limits = {result["repeat"]: result["metrics"].get(figure) for result in line}
    ratios = [
        result["metrics"][figure] / limits[result["repeat"]]
        for result in results
        if figure in result["metrics"] and limits.get(result["repeat"])
    ]
    return f"{median(ratios):,.2f} x" if ratios else ""


def table(workload: str, results: list[Result]) -> list[str]:
    """Return the lines of one table: a row for each peer's variant, by durability class and then by figure."""
    columns = COLUMNS[workload]
    figure = columns[0].figure
    groups: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        groups[result["peer"], result["variant"]].append(result)

    def place(key: tuple[str, str]) -> tuple[int, float]:
        values = [result["metrics"].get(figure, 0) for result in groups[key]]
        return CLASSES.index(groups[key][0]["class"]), median(values)

    rows = [["peer", "class", *(column.heading for column in columns), "vs limit", "line"]]
    for key in sorted(groups, key=place):
        line = LINES.get(workload, {}).get(groups[key][0]["class"], "")
        against = ratio(groups[key], groups.get(("limit", line), []), figure)
        shown = [middle(groups[key], column) for column in columns]
        rows.append(["/".join(key), groups[key][0]["class"], *shown, against, line if against else ""])
    return aligned(rows)


def aligned(rows: list[list[str]]) -> list[str]:
    """Return the rows as lines of a Markdown table that also reads well as plain text."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| "
        + " | ".join(
            text.ljust(w) if place < 2 else text.rjust(w)
            for place, (text, w) in enumerate(zip(row, widths, strict=True))
        )
        + " |"
        for row in rows
    ]
    rule = (
        "|"
        + "|".join("-" * (width + 2) if place < 2 else "-" * (width + 1) + ":" for place, width in enumerate(widths))
        + "|"
    )
    return [lines[0], rule, *lines[1:]]


def rendered(results: list[Result], machine: dict[str, Any], repeats: int) -> str:
    """Return all tables, and what failed."""
    head = f"Python {machine['python']}, SQLite {machine['sqlite']}, {machine['cpus']} cores"
    lines = [f"{head}; medians of {repeats} interleaved repeats; ratios are to the limit line of the same repeat.", ""]
    done = [result for result in results if "error" not in result]
    for workload in sorted(COLUMNS):
        for count in sorted({result["n"] for result in done if result["workload"] == workload}):
            chosen = [result for result in done if (result["workload"], result["n"]) == (workload, count)]
            title = f"{workload}, {count} branches" if count else workload
            lines += [f"### {title}", "", *table(workload, chosen), ""]
    failed = sorted({f"{r['workload']} {r['peer']}/{r['variant']}: {r['error']}" for r in results if "error" in r})
    return "\n".join(lines + (["Failed:", *failed] if failed else []))
