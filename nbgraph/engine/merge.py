"""How a state takes in updates: a task's own, and at a gather those of the other branches.

Owns DESIGN section 3, rule 4: the state at a gather is the first parent's, with the updates that only
the other parents' branches made folded in, in canonical order. Pure but for the user's reducers; no
thread, no clock, no store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType
from typing import Any, NamedTuple

from nbgraph.codec import Redaction, Types, is_frozen, keep
from nbgraph.engine.folding import Folded, Guarded, settled
from nbgraph.engine.task import Arrival, Lineage, Write
from nbgraph.graph.plan import Plan
from nbgraph.graph.schema import FieldSpec
from nbgraph.ids import StepNo, TaskId

ROW_COST = 64
"""What reading one more row costs, in characters of state, for the snapshot rule."""

Conflicts = str | Callable[[str, Any, Any], Any]


class Kept(NamedTuple):
    """A value as it is stored, and as the nodes see it."""

    text: str
    value: Any


class Gathered(NamedTuple):
    """The state at a gather, and what a reader without code needs to find it again."""

    lineage: Lineage
    fold: tuple[StepNo, ...] = ()
    merged: Mapping[str, Any] = MappingProxyType({})
    settled: tuple[str, ...] = ()
    """Fields without reducer that several branches wrote, as ``conflicts`` decided; none where that says "fail"."""


_SMALL = 10**15


class _Secret:
    """The field names that redaction covers; with a hook, all of them."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self._known: dict[str, bool] = {}

    def __contains__(self, name: str) -> bool:
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = self._redaction.hook is not None or self._redaction.covers(name)
        return found


class Merger:
    """Folds updates into lineages, for one run of one plan."""

    def __init__(
        self,
        plan: Plan,
        conflicts: Conflicts,
        redaction: Redaction,
        blob: Callable[[str], bytes],
    ) -> None:
        self.plan, self.conflicts = plan, conflicts
        self._secret = _Secret(redaction)
        self._specs: dict[str, FieldSpec] = dict(plan.schema.fields)
        self.types = Types.of(*plan.schema.types)
        self.redaction, self._blob = redaction, blob
        self._cyclic = any(node.cyclic for node in plan.nodes.values())
        self._decides = plan.reducer is None and conflicts != "fail"
        self._watched = plan.reducer is None and conflicts == "fail"
        self.blobs: dict[str, bytes] = {}
        """Large binary values met since the last commit, for the store."""

    def spec(self, name: str) -> FieldSpec:
        """Return what the schema says of a field."""
        spec = self._specs.get(name)
        if spec is None:
            spec = self._specs[name] = self.plan.schema.spec(name)
        return spec

    @property
    def policy(self) -> str:
        """What decides between concurrent writers, for the record: "fail", "last" or "function"."""
        return self.conflicts if isinstance(self.conflicts, str) else "function"

    def keep(self, name: str, value: Any) -> Kept:
        """Return a value's text and the private copy that nodes will see; raises ``CodecError``."""
        kind = type(value)
        if kind is int and name not in self._secret and -_SMALL < value < _SMALL:
            return Kept(int.__repr__(value), value)
        text, live = keep(value, types=self.types, redact=self.redaction, blobs=self.blobs, name=name)
        if kind is str or is_frozen(live):
            return Kept(text, live)
        secret = live if '"$redacted"' in text else None
        return Kept(text, Guarded(text, secret, self.types, self._blob_now))

    def _blob_now(self, digest: str) -> bytes:
        found = self.blobs.get(digest)
        return self._blob(digest) if found is None else found

    def initial(self, fields: Mapping[str, Any]) -> tuple[Lineage, dict[str, str]]:
        """Return the lineage of the input, and the texts of its fields."""
        lineage, texts = Lineage({}), {}
        for name, value in fields.items():
            kept = self.keep(name, value)
            texts[name] = kept.text
            self._set(lineage, name, kept)
        return lineage, texts

    def write(
        self, lineage: Lineage, update: Mapping[str, Kept], known: Mapping[str, Kept] | None = None
    ) -> Mapping[str, Kept]:
        """Fold a task's own update into its ``lineage``; return the results that only code could compute.

        ``known``: such results from the record; then no user code runs.
        """
        if not update:
            return {}
        if self.plan.reducer is None:
            results = self._fields(lineage, update, known)
        else:
            results = self._whole(lineage, update) if known is None else self._given(lineage, known)
        cost = ROW_COST
        for kept in update.values():
            cost += len(kept.text)
        lineage.cost += cost
        return results

    def put(self, lineage: Lineage, values: Mapping[str, Kept]) -> None:
        """Set fields as they are, past their reducers."""
        for name, kept in values.items():
            self._set(lineage, name, kept)
            lineage.cost += len(kept.text)

    def link(self, lineage: Lineage, task: TaskId, step: StepNo, update: Mapping[str, Kept]) -> None:
        """Note on the lineage who wrote what, for the gathers and the conflicts that may come."""
        if not update:
            return
        before, plain = lineage.chain, {name: kept.value for name, kept in update.items()}
        lineage.chain = Write(task, step, plain, before, before.depth + 1 if before else 1)
        if self._watched:
            lineage.writers = {**lineage.writers, **{name: task for name in update if self.exclusive(name)}}

    def exclusive(self, name: str) -> bool:
        """Say whether two concurrent tasks must not both write the field."""
        return self._watched and self.spec(name).reducer.name == "set"

    def _given(self, lineage: Lineage, known: Mapping[str, Kept]) -> Mapping[str, Kept]:
        for name, kept in known.items():
            self._set(lineage, name, kept)
        return known

    def _fields(
        self, lineage: Lineage, update: Mapping[str, Kept], known: Mapping[str, Kept] | None
    ) -> Mapping[str, Kept]:
        results = {}
        for name, kept in update.items():
            reducer = self.spec(name).reducer
            if reducer.name == "set":
                self._set(lineage, name, kept)
            elif reducer.lazy:
                self._grow(lineage, name, kept)
            else:
                found = known.get(name) if known else None
                result = found or self._reduced(lineage, name, [kept.value])
                self._set(lineage, name, result)
                if reducer.name == "custom" or _of_a_class(reducer.name, result.text):
                    results[name] = result
        return results

    def _whole(self, lineage: Lineage, update: Mapping[str, Kept]) -> dict[str, Kept]:
        """Apply the graph's own reducer to the whole state; every field that it changed is a result."""
        reducer = self.plan.reducer
        assert reducer is not None  # noqa: S101 - the caller asked
        state = self.state(lineage)
        after = dict(reducer(dict(state), {name: settled(kept.value) for name, kept in update.items()}))
        results = {}
        for name, value in after.items():
            if name not in state or state[name] is not value:
                self.spec(name).check_value(value)
                results[name] = self.keep(name, value)
                self._set(lineage, name, results[name])
        return results

    def _reduced(self, lineage: Lineage, name: str, operands: Sequence[Any]) -> Kept:
        spec = self.spec(name)
        value = settled(lineage.get(name)) if lineage.has(name) else None
        operands = [settled(operand) for operand in operands]
        if not lineage.has(name):
            value, operands = (
                (spec.reducer.identity(), operands) if spec.reducer.identity else (operands[0], operands[1:])
            )
        result = spec.reducer.fold_all(value, operands) if operands else value
        if spec.reducer.name == "custom":
            spec.check_value(result)
        return self.keep(name, result)

    def place(self, lineage: Lineage, name: str, value: Any) -> None:
        """Put a value that was read back into a lineage, lists still to be folded as they are."""
        if type(value) is Folded:
            lineage.values.pop(name, None)
            lineage.later[name] = value
        else:
            self._set(lineage, name, self.keep(name, value))

    def _set(self, lineage: Lineage, name: str, kept: Kept) -> None:
        held = lineage.later if type(kept.value) is Guarded else lineage.values
        other = lineage.values if held is lineage.later else lineage.later
        other.pop(name, None)
        held[name] = kept.value
        lineage.sizes[name] = len(kept.text)
        if self._cyclic:
            lineage.digests[name] = _digest(kept.text)

    def _grow(self, lineage: Lineage, name: str, kept: Kept) -> None:
        reducer = self.spec(name).reducer
        before = lineage.get(name) if lineage.has(name) else reducer.identity() if reducer.identity else []
        if type(before) is Guarded or type(kept.value) is Guarded:
            self._set(lineage, name, self._reduced(lineage, name, [kept.value]))
            return
        lineage.values.pop(name, None)
        lineage.later[name] = Folded(reducer, before, kept.value)
        lineage.sizes[name] = lineage.sizes.get(name, 2) + len(kept.text) + 1
        if self._cyclic and kept.text != "[]":
            lineage.digests[name] = _digest(lineage.digests.get(name, "") + "+" + kept.text)

    def state(self, lineage: Lineage) -> dict[str, Any]:
        """Return a lineage's state as a plain dict."""
        return {**lineage.values, **{name: settled(value) for name, value in lineage.later.items()}}

    def texts(self, lineage: Lineage) -> dict[str, str]:
        """Return the canonical text of every field of a lineage's state."""
        return {name: self.text(name, value) for name, value in (lineage.values | lineage.later).items()}

    def text(self, name: str, value: Any) -> str:
        """Return the canonical text of one field's value or stand-in."""
        return value.text if type(value) is Guarded else self.keep(name, settled(value)).text

    def branch(self, lineage: Lineage) -> Lineage:
        """Return a lineage that can be written to without touching its parent's."""
        return Lineage(
            dict(lineage.values),
            dict(lineage.later) if lineage.later else {},
            lineage.private,
            lineage.writers,
            lineage.chain,
            dict(lineage.digests) if self._cyclic else lineage.digests,
            lineage.visits,
            dict(lineage.sizes),
            lineage.cost,
            lineage.errors,
        )

    def gather(self, arrivals: Sequence[Arrival]) -> Gathered:
        """Return the state where ``arrivals``, in canonical order, meet."""
        first = arrivals[0].lineage
        if len(arrivals) == 1:
            return Gathered(first)
        lineage = self.branch(first)
        lineage.private = {}
        others = [arrival.lineage for arrival in arrivals[1:] if arrival.lineage is not first]
        lineage.errors = tuple(dict.fromkeys(e for arrival in arrivals for e in arrival.lineage.errors))
        lineage.visits = _joined(arrival.lineage for arrival in arrivals)
        news, sides = _news(first, others)
        merged = self._fold(lineage, news, sides) if news else {}
        lineage.cost += ROW_COST * (1 + len(news))
        settled = self._settled(sides) if self._decides else ()
        return Gathered(lineage, tuple(entry.step for entry in news), merged, settled)

    def _settled(self, sides: Mapping[str, Lineage | None]) -> tuple[str, ...]:
        return tuple(name for name, side in sides.items() if side is None and self.spec(name).reducer.name == "set")

    def _fold(self, lineage: Lineage, news: Sequence[Write], sides: Mapping[str, Lineage | None]) -> dict[str, Any]:
        """Fold the others' updates into the first parent's state; return what needs code to compute."""
        merged: dict[str, Any] = {}
        if self.plan.reducer:
            for entry in news:
                merged |= self._whole(lineage, {n: self._rekept(n, v) for n, v in entry.update.items()})
        for name, side in sides.items() if not self.plan.reducer else ():
            self._fold_field(lineage, name, [e.update[name] for e in news if name in e.update], side)
            if self._needs_code(name, lineage):
                merged[name] = lineage.get(name)
        self._append(lineage, news)
        return {name: v.value if isinstance(v, Kept) else v for name, v in merged.items()}

    def _needs_code(self, name: str, lineage: Lineage) -> bool:
        name_of = self.spec(name).reducer.name
        if name_of == "custom" or (name_of == "set" and callable(self.conflicts)):
            return True
        return name_of in _BY_CLASS and _of_a_class(name_of, self.text(name, lineage.get(name)))

    def _fold_field(self, lineage: Lineage, name: str, operands: Sequence[Any], side: Lineage | None) -> None:
        reducer = self.spec(name).reducer
        if side is not None:
            self._take(lineage, name, side)
        elif reducer.name == "set":
            self._settle(lineage, name, operands)
        elif reducer.lazy:
            for operand in operands:
                self._grow(lineage, name, self._rekept(name, operand))
        else:
            self._set(lineage, name, self._reduced(lineage, name, operands))

    def _take(self, lineage: Lineage, name: str, side: Lineage) -> None:
        """Take a field as it is from the only side that touched it."""
        lineage.values.pop(name, None)
        lineage.later.pop(name, None)
        (lineage.values if name in side.values else lineage.later)[name] = side.get(name)
        lineage.sizes[name] = side.sizes.get(name, 0)
        if name in side.digests:
            lineage.digests[name] = side.digests[name]

    def _settle(self, lineage: Lineage, name: str, operands: Sequence[Any]) -> None:
        """Decide between concurrent writers of a field without reducer, as ``conflicts`` says."""
        value = settled(lineage.get(name)) if lineage.has(name) else settled(operands[0])
        for operand in operands:
            value = self.conflicts(name, value, settled(operand)) if callable(self.conflicts) else settled(operand)
        self._set(lineage, name, self.keep(name, value))

    def _rekept(self, name: str, value: Any) -> Kept:
        return Kept(self.text(name, value), value)

    def _append(self, lineage: Lineage, news: Sequence[Write]) -> None:
        writers, chain = dict(lineage.writers), lineage.chain
        for entry in news:
            chain = Write(entry.task, entry.step, entry.update, chain, chain.depth + 1 if chain else 1)
            writers.update({name: entry.task for name in entry.update if self.exclusive(name)})
        lineage.chain, lineage.writers = chain, writers


_BY_CLASS = ("add", "maximum", "minimum")
_CLASSES = ('"$dataclass"', '"$model"', '"$enum"', '"$namedtuple"')


def _of_a_class(reducer: str, text: str) -> bool:
    """Say whether folding took a method of a user's class: then a reader without code needs the result."""
    return reducer in _BY_CLASS and any(tag in text for tag in _CLASSES)


def _digest(text: str) -> str:
    """Return ``text`` itself where it is short, else its SHA-256: equal for equal contents."""
    return text if len(text) <= 64 else sha256(text.encode()).hexdigest()


def _joined(lineages: Iterable[Lineage]) -> dict[str, Any]:
    """Return the visits of all lineages; where two know a node, the one who came by more often, then the first."""
    visits: dict[str, Any] = {}
    for lineage in lineages:
        for node, seen in lineage.visits.items():
            if node not in visits or visits[node].count < seen.count:
                visits[node] = seen
    return visits


def _news(first: Lineage, others: Sequence[Lineage]) -> tuple[list[Write], dict[str, Lineage | None]]:
    """Return the others' writes that the first has not, in order, and who alone touched each field.

    A field maps to the one lineage that touched it since the common past, or to None if several did.
    """
    floor = min((_common(first.chain, other.chain) for other in others), default=0)
    mine = list(_since(first.chain, floor))
    known = {entry.task for entry in mine}
    touched = {name for entry in mine for name in entry.update}
    news: list[Write] = []
    sides: dict[str, Lineage | None] = {}
    for other in others:
        fresh = [entry for entry in reversed(list(_since(other.chain, floor))) if entry.task not in known]
        known.update(entry.task for entry in fresh)
        news += fresh
        for name in dict.fromkeys(name for entry in fresh for name in entry.update):
            sides[name] = None if name in touched or name in sides else other
    return news, sides


def _since(chain: Write | None, depth: int) -> Iterable[Write]:
    while chain is not None and chain.depth > depth:
        yield chain
        chain = chain.before


def _common(a: Write | None, b: Write | None) -> int:
    """Return the depth down to which two chains are one and the same."""
    while a is not b:
        if b is None or (a is not None and a.depth > b.depth):
            a = a.before if a else None
        else:
            b = b.before
    return a.depth if a is not None else 0
