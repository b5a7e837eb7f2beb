"""Where a node that ran again does something else than was recorded.

Owns the comparison of one task with its row. Pure: two rows in, differences out.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from json import dumps, loads
from typing import Any

from nbgraph.engine.replay.report import diff_text
from nbgraph.errors import ReplayMismatchError
from nbgraph.store.protocol import StepRecord

NOTHING = "nothing"
_EMPTY = '{"fold":[],"set":{}}'


def differences(row: StepRecord, now: StepRecord, names: Mapping[str, str]) -> Iterator[ReplayMismatchError]:
    """Yield how ``now``, the row that a task would get today, differs from the recorded ``row``.

    ``names``: recorded name -> today's of nodes that were renamed.
    """
    if row.merged != now.merged:
        yield from _gathered(row, loads(row.merged or _EMPTY), loads(now.merged or _EMPTY))
    told: set[str] = set()
    for what, recorded, today in (("", row.update, now.update), (" (reduced)", row.results, now.results)):
        if recorded != today:
            for found in _fields(row, what, loads(recorded or "{}"), loads(today or "{}"), told):
                told.add(found.field)
                yield found
    recorded, today = _route(row.arrivals, names), _route(now.arrivals, {})
    if recorded != today:
        yield mismatch(row, "route", recorded, today, "goes on elsewhere than was recorded")


def _gathered(row: StepRecord, recorded: Any, today: Any) -> Iterator[ReplayMismatchError]:
    yield from _fields(row, " (gathered)", recorded["set"], today["set"])
    before, after = f"steps {recorded['fold']}", f"steps {today['fold']}"
    if before != after:
        yield mismatch(row, "(gathered)", before, after, "gathers what other steps returned than was recorded")


def _fields(
    row: StepRecord, what: str, recorded: Mapping[str, Any], today: Mapping[str, Any], told: Container[str] = ()
) -> Iterator[ReplayMismatchError]:
    before, after = _texts(recorded), _texts(today)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name) and name not in told:
            said = f"has another {name!r}{what} than was recorded" if what else f"returns another {name!r} than then"
            yield mismatch(row, name, before.get(name, NOTHING), after.get(name, NOTHING), said)


def _texts(fields: Mapping[str, Any]) -> dict[str, str]:
    return {name: dumps(value, sort_keys=True, ensure_ascii=False) for name, value in fields.items()}


def _route(text: str, names: Mapping[str, str]) -> str:
    """Return where a task went, in words: the ways, and what each Send gave along."""
    ways = [[names.get(way[1], way[1]), *way[2:], way[0]] for way in loads(text or "[]")]
    return ", ".join(_way(way) for way in ways) or "nowhere"


def _way(way: list[Any]) -> str:
    given = dumps(way[1], sort_keys=True, ensure_ascii=False) if len(way) > 2 else ""
    return f"{way[0]}{given} by {way[-1]}"


def mismatch(row: StepRecord, field: str, expected: str, actual: str, said: str) -> ReplayMismatchError:
    """Return the error for one difference."""
    return ReplayMismatchError(
        f"node {row.node!r} (step {row.step}, task {row.task[:12]}) {said}:\n{diff_text(expected, actual)}",
        still="nothing was called and nothing was written",
        todo="engine.replay(..., strict=False) lists every difference; engine.fork(...) goes on with today's code",
        step=row.step,
        node=row.node,
        task=row.task,
        field=field,
        expected=expected,
        actual=actual,
    )
