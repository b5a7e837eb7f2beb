"""Comparing trials: which task moved first, with what, and why in one line.

Owns the doctor's verdict and how it is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from subprocess import SubprocessError
from typing import TYPE_CHECKING, Any, NamedTuple

from nbgraph.engine.doctor.child import ChildFailedError, Surroundings, chooser, packed, trial_in
from nbgraph.engine.doctor.operands import sensitive, shown
from nbgraph.engine.doctor.trial import Conditions, Trace, trial
from nbgraph.engine.merge import Merger
from nbgraph.errors import MissingCallError
from nbgraph.escape import safe

if TYPE_CHECKING:
    from pandas import DataFrame

    from nbgraph.clock import Clock
    from nbgraph.graph.definition import Graph

TIMEOUT = 300.0
"""Seconds that one trial in a child may take."""
WHYS = {
    "hash seed": "the order of a set, or hash(), decides: sort what you iterate over",
    "clock": "the node reads the clock itself: use ctx.now(), which is recorded",
    "random seed": "the node draws from a global random generator: use ctx.rng",
    "time zone": "the machine's time zone has a say: pass one to what makes or shows times",
    "locale": "the machine's locale has a say: format and compare without it",
    "again": "the node reads something that is not in its state: a file, a global, os.urandom, uuid4, the machine",
    "order": "which task finishes first has a say: nodes share something outside of the state (a global, a file)",
}


class Finding(NamedTuple):
    """One thing that moves: where, with what, why, and two of its values."""

    node: str
    field: str
    moves_with: str
    why: str
    before: str
    after: str
    task: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the doctor found. ``ok`` is True where nothing moved."""

    findings: Sequence[Finding]
    trials: int
    """Runs of the graph that were compared."""
    notes: Sequence[str]
    """What could not be tried, and why."""

    @property
    def ok(self) -> bool:
        """True where no node moves. A reducer that depends on the order of edges is not counted: that order is fixed."""
        return not [finding for finding in self.findings if finding.moves_with != OPERANDS]

    @property
    def table(self) -> DataFrame:
        """One row a finding: node, field, moves_with, why, before, after, task."""
        import pandas as pd  # noqa: PLC0415 - loaded when a table is first asked for

        return pd.DataFrame(list(self.findings), columns=list(Finding._fields))

    def __repr__(self) -> str:
        lines = [f"node {f.node!r}, {f.field!r} moves with {f.moves_with}: {f.why}" for f in self.findings]
        head = f"{self.trials} trials, " + ("nothing moves" if not lines else f"{len(lines)} findings")
        return "\n".join([head, *lines, *(f"not tried: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        return f"<pre>{safe(repr(self))}</pre>"


OPERANDS = "operand order"
_ELSEWHERE = "hash seed, clock, random seed, time zone, locale"


class Doctor:
    """Examines one graph under one input."""

    def __init__(self, graph: Graph, conditions: Conditions, merger: Merger, clock: Clock) -> None:
        self._graph, self._conditions, self._merger, self._clock = graph, conditions, merger, clock
        self._plan = graph.compile()
        self._findings: dict[tuple[str, str], Finding] = {}
        self._notes: list[str] = []
        self._trials = 0

    def examine(self, n: int) -> Diagnosis:
        """Run ``n`` completion orders here, and children under other conditions; return what moves."""
        first = self._here(None)
        if not self._in_children(n) and not self._compared(first, lambda: self._here(None), "again"):
            for seed in range(n):
                self._compared(first, lambda seed=seed: self._here(seed), "order")  # type: ignore[misc]  # bound at once
        for found in sensitive(first, self._merger, n):
            nodes = ", ".join(found.nodes)
            finding = Finding(nodes, found.field, OPERANDS, found.why, shown(found.before), shown(found.after), "")
            self._findings.setdefault((nodes, f"{found.field}/{OPERANDS}"), finding)
        return Diagnosis(tuple(self._findings.values()), self._trials, tuple(self._notes))

    def _here(self, order: int | None) -> Trace:
        trace, missing = trial(self._plan, self._conditions, self._clock, chooser(order))
        self._trials += 1
        if missing:
            raise MissingCallError(
                f"the graph makes calls that no run of this input has recorded: {missing[0]}",
                still="nothing was called",
                todo="run the graph once with this input (engine.run), then ask the doctor again",
            )
        return trace

    def _in_children(self, n: int) -> bool:
        """Try one changed condition at a time, in processes of their own; say whether that could be done."""
        try:
            payload, plain = packed(self._graph, self._conditions), Surroundings()
            first = self._there(plain, payload)
        except ImportError:
            self._notes.append(f"{_ELSEWHERE} (pip install cloudpickle)")
            return False
        except Exception as error:  # noqa: BLE001 - whatever cannot be pickled says so in its own way
            self._notes.append(f"{_ELSEWHERE} (the graph does not run in a process of its own: {error})")
            return False
        for moves_with, around in _variations(plain, n):
            try:
                self._compared(first, lambda around=around: self._there(around, payload), moves_with)  # type: ignore[misc]  # bound at once
            except (ChildFailedError, OSError, SubprocessError) as error:
                self._notes.append(f"{moves_with} (the process broke: {error})")
        return True

    def _there(self, around: Surroundings, payload: bytes) -> Trace:
        trace, missing = trial_in(around, payload, TIMEOUT)
        self._trials += 1
        if missing:
            raise ChildFailedError(missing[0])
        return trace

    def _compared(self, first: Trace, run: Callable[[], Trace], moves_with: str) -> bool:
        found = list(moved(first, run(), moves_with))
        for finding in found:
            self._findings.setdefault((finding.node, finding.field), finding)
        return bool(found)


def _variations(plain: Surroundings, n: int) -> Iterator[tuple[str, Surroundings]]:
    """Yield one changed condition at a time; the unchanged one first, since what moves by itself proves nothing."""
    from dataclasses import replace  # noqa: PLC0415 - here only

    yield "again", plain
    for seed in range(1, max(2, n // 2) + 1):
        yield "hash seed", replace(plain, hash_seed=seed)
    yield "clock", replace(plain, clock=plain.clock + 200 * 86_400 + 12_345.678)
    yield "random seed", replace(plain, random_seed=1)
    yield "time zone", replace(plain, zone="Asia/Kathmandu")
    yield "locale", replace(plain, locale="de_DE.UTF-8")
    for seed in range(n):
        yield "order", replace(plain, order=seed)


def moved(first: Trace, other: Trace, moves_with: str) -> Iterator[Finding]:
    """Yield the tasks that differ although everything before them is the same."""
    tainted: set[str] = set()
    for task, did in first.items():
        if tainted.intersection(did.parents):
            tainted.add(task)
            continue
        then = other.get(task)
        names = [] if then is None else _parted(did.fields, then.fields)
        if then is None or names:
            tainted.add(task)
        for name in names:
            before, after = did.fields.get(name, ""), then.fields.get(name, "") if then is not None else ""
            why = WHYS[moves_with]
            yield Finding(did.node, name, moves_with, why, shown(before), shown(after), task)


def _parted(left: Any, right: Any) -> list[str]:
    return [name for name in dict.fromkeys([*left, *right]) if left.get(name) != right.get(name)]
