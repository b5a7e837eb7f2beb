"""Values and differences in few words.

Owns how a large value is shortened so that one sees where two of them part. Nothing here raises,
whatever a value's ``__repr__`` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import isnan
from typing import Any

from nbgraph.analysis.differences import STATES, Difference, Way
from nbgraph.analysis.sides import Side
from nbgraph.analysis.values import ABSENT
from nbgraph.codec import encode

WIDTH = 60
"""Characters of a value that are shown."""
_HEAD, _BEFORE = 14, 10
_PLACES = {"input": "the input, ", "final": "the final state, "}
_MADE = {"result": ", as its reducer made it", "gather": ", as it was gathered"}


def shown(left: Any, right: Any) -> tuple[str, str]:
    """Return two different values as text, shortened to ``WIDTH``: the head, and from where they part.

    >>> shown("a" * 100 + "left", "a" * 100 + "right")
    ("'aaaaaaaaaaaaa … aaaaaaaaaaleft'", "'aaaaaaaaaaaaa … aaaaaaaaaaright'")
    """
    one, other = text_of(left), text_of(right)
    if one == other:
        one, other = _exactly(left, one), _exactly(right, other)
    if len(one) <= WIDTH and len(other) <= WIDTH:
        return one, other
    at = _parting(one, other)
    return _cut(one, at), _cut(other, at)


def text_of(value: Any) -> str:
    """Return a value's repr on one line, however long; the ways that a task took as they are read.

    >>> text_of((Way("e0", "plan"), Way("e1", "title")))
    'plan by e0, title by e1'
    """
    if type(value) is tuple and value and all(type(one) is Way for one in value):
        return ", ".join(map(repr, value))
    try:
        return " ".join(repr(value).split("\n"))
    except Exception as error:  # noqa: BLE001 - a foreign __repr__ may raise anything, a display must not
        return f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"


def _exactly(value: Any, text: str) -> str:
    """Return what tells values apart that show alike, such as the inside of a large array."""
    try:
        return encode(value)
    except Exception:  # noqa: BLE001 - as in text_of
        return text


def _parting(one: str, other: str) -> int:
    """Return the length of what two texts share at their beginning, by halving: texts may be megabytes."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low


def _cut(text: str, at: int) -> str:
    if len(text) <= WIDTH:
        return text
    start = at - _BEFORE
    if start <= _HEAD + 3:
        return text[: WIDTH - 1] + "…"
    rest = text[start : start + WIDTH - _HEAD - 4]
    return f"{text[:_HEAD]} … {rest}{'…' if start + len(rest) < len(text) else ''}"


def sentence(difference: Difference, left: Side, right: Side) -> str:
    """Return a difference in words, without a full stop."""
    where = f"task {difference.node} {_steps(difference, left, right)}" if difference.task else ""
    return f"{where}{_PLACES.get(difference.what, ' ')}{_said(difference, left, right)}"


def _steps(difference: Difference, left: Side, right: Side) -> str:
    numbers = (difference.step_left, left.name), (difference.step_right, right.name)
    known = [(number, name) for number, name in numbers if number is not None]
    if len(known) == 2:
        return f"[step {known[0][0]} / step {known[1][0]}]"
    return f"[step {known[0][0]} of {known[0][1]}]" if known else "[no step]"


def _said(difference: Difference, left: Side, right: Side) -> str:
    what, one, other = difference.what, difference.left, difference.right
    name = (right if one is ABSENT else left).name
    if what == "task":
        return f"{other if one is ABSENT else one}, only in {name}"
    if what == "edit" and ABSENT in (one, other):
        return f"{_field(difference)} edited in {name}: {shown(one, other)[one is ABSENT]}"
    if what == "status":
        return f"status: {one} became {other}"
    field = f"{_field(difference)}{_MADE.get(what, '')}"
    if one is ABSENT or other is ABSENT:
        return f"{field}: {shown(one, other)[one is ABSENT]}, only in {name}"
    return "{}: {} became {}".format(field, *shown(one, other))


def _field(difference: Difference) -> str:
    """Return the name of what differs: a field of the state, or the route or status of the task."""
    return difference.field if difference.what in ("route", "status") else f"field {difference.field}"


def amount(left: float | Decimal, right: float | Decimal, names: Sequence[str], unit: str = "") -> str:
    """Return "right instead of left", or on which side it is not known.

    >>> amount(12.31, 0.8, ("r1", "r2"), " s"), amount(2.0, float("nan"), ("r1", "r2"))
    ('0.8 s instead of 12.3 s', 'unknown in r2 instead of 2')
    """
    if isnan(left) and isnan(right):
        return "unknown"
    one, other = _number(left, names[0], unit), _number(right, names[1], unit)
    return one if one == other else f"{other} instead of {one}"


def _number(value: float | Decimal, name: str, unit: str) -> str:
    if isnan(value):
        return f"unknown in {name}"
    # Decimal writes what is tiny without an exponent.
    return f"{value:,.0f}{unit}" if abs(float(value)) >= 1000 else f"{Decimal(f'{value:.3g}'):f}{unit}"


def places(differences: Sequence[Difference], most: int = 3) -> str:
    """Return nodes and what of them differs, such as "review: field findings; report: route"."""
    nodes: dict[str, dict[str, None]] = {}
    for difference in differences:
        nodes.setdefault(difference.node, {})[_field(difference)] = None
    said = [f"{node}: {_few(list(fields), most, ', ')}" for node, fields in list(nodes.items())[:most]]
    return _few([*said, *list(nodes)[most:]], most, "; ")


def _few(names: Sequence[str], most: int, between: str) -> str:
    return between.join([*names[:most], *([f"{len(names) - most} more"] if len(names) > most else [])])


def states(differences: Sequence[Difference]) -> list[str]:
    """Return which whole states differ, and in which fields."""
    said = []
    for kind, label in STATES.items():
        found = [f"field {difference.field}" for difference in differences if difference.what == kind]
        said += [f"the {label.strip('()')} differs ({_few(found, 3, ', ')})"] if found else []
    return said
