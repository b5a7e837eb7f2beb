"""One step, or one task in trouble, as an inspector shows it: a head, and what each tab holds.

Owns which facts stand where. Reads through a run's own words and its store; what is sent first stays small.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from json import loads
from typing import Any

from nbgraph.escape import cut, plain
from nbgraph.store.protocol import StepRecord
from nbgraph.views.inspector.calls import entries, owner
from nbgraph.views.inspector.changes import changes
from nbgraph.views.inspector.index import Index, Trouble, told
from nbgraph.views.inspector.parts import words
from nbgraph.views.inspector.values import Budget, Tree, shown
from nbgraph.views.inspector.writers import written
from nbgraph.views.subject import Subject
from nbgraph.views.tracebacks import failing_line, own_frames, source_of
from nbgraph.views.values import fields_of

TABS = ("state", "changes", "calls", "output", "events", "source")
_PRINTED = 60_000


class Page:
    """What there is to see at ``step``, or of ``trouble``, a task that has no step. ``roots`` can be opened further."""

    def __init__(self, subject: Subject, index: Index, step: int, trouble: Trouble | None = None) -> None:
        self._subject, self._index, self.step, self.trouble = subject, index, step, trouble
        rows = subject.store.steps(str(subject.id), step, step) if step and trouble is None else ()
        self._row: StepRecord | None = next(iter(rows), None)
        self._calls: dict[str, Any] = {}

    # -- values

    @cached_property
    def after(self) -> dict[str, Any]:
        """The state after the step, field by field."""
        return fields_of(self._subject.at(self.step).state)

    @cached_property
    def before(self) -> dict[str, Any]:
        """The state that the step's task was given."""
        return fields_of(self._subject.given(self.step)) if self._row is not None else {}

    def root(self, name: str) -> Any:
        """Return the value that a path of the page begins in: "state", "before" or a call's side; None for no such."""
        if name == "state":
            return self.after
        return self.before if name == "before" else self._calls.get(name)

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """The row's facts."""
        facts: Mapping[str, Any] = loads(self._row.facts or "{}") if self._row is not None else {}
        return facts

    @property
    def task(self) -> str:
        """The task that is shown, "" at the input."""
        return self.trouble.task if self.trouble is not None else self._row.task if self._row is not None else ""

    @property
    def node(self) -> str:
        """Its node."""
        return self.trouble.node if self.trouble is not None else self._row.node if self._row is not None else ""

    # -- the head

    def head(self) -> Tree:
        """Return what stands above the tabs."""
        row, facts = self._row, self.facts
        parents = loads(row.parents or "[]") if row is not None else []
        ways = loads(row.arrivals or "[]") if row is not None else []
        return {
            "step": self.step,
            "latest": self._index.latest,
            "node": plain(self.node),
            "task": self.task[:10],
            "status": self.status,
            "run": self._index.status,
            "attempts": row.attempts if row is not None else self._tries(),
            "started": facts.get("started") or (self.trouble.event.time if self.trouble is not None else None),
            "seconds": facts.get("seconds", self._lost().get("seconds")),
            "parents": [self._index.named(step) for step, _ in parents[:12]],
            "others": max(0, len(parents) - 12),
            "ways": [plain(way[1]) for way in ways[:6]],
            "error": self._error(),
            "troubles": [[one.task, plain(one.node), one.status] for one in self._index.troubles()[:8]],
            "counts": {"calls": self._index.calls[self.task], "changes": len(written(row)) if row is not None else 0},
            "printed": bool(self._printed()),
        }

    @property
    def status(self) -> str:
        """A status of the palette, or "input"."""
        if self.trouble is not None:
            return self.trouble.status
        if self._row is None:
            return "input"
        return {"caught": "failed", "done": "done"}.get(self._row.status, "done")

    def _lost(self) -> Mapping[str, Any]:
        lost: Mapping[str, Any] = loads(self.trouble.event.data or "{}") if self.trouble is not None else {}
        return lost

    def _tries(self) -> int:
        return max(1, len(self._index.attempts(self.task)))

    def _error(self) -> str:
        caught = self.facts.get("caught")
        if caught:
            return plain(f"{caught[1]}: {caught[2]}")[:4000] + " (an on_error edge took over)"
        lost = self._lost()
        return plain(lost.get("raised") or lost.get("error") or "")[:4000]

    # -- the tabs

    def tab(self, name: str) -> Tree:
        """Return what one of ``TABS`` holds."""
        made: Tree = getattr(self, f"tab_{name}")()
        return {"tab": name, **made}

    def tab_state(self) -> Tree:
        """Return the fields after the step, who wrote each last, and what a ``Send`` gave along."""
        wrote = set(written(self._row)) if self._row is not None else set()
        names, budget = list(self.after), Budget()
        last = self._index.writers.last(self.step, names)
        fields = []
        for name in names[:500]:
            how = "" if name not in wrote else "changed" if name in self.before else "added"
            by = self._index.named(last[name]) if name in last else None
            fields.append({"name": plain(name)[:200], "value": shown(self.after[name], budget), "by": by, "how": how})
        private = {name: value for name, value in self.before.items() if name not in self.after}
        places = {name: place for place, name in enumerate(self.before)}
        given = [
            [plain(name)[:200], shown(value, budget, 1), places[name]] for name, value in list(private.items())[:50]
        ]
        return {"fields": fields, "more": max(0, len(names) - 500), "sent": given}

    def tab_changes(self) -> Tree:
        """Return what the task wrote, against what it was given."""
        if self._row is None:
            return {"fields": []}
        before, after = ({name: place for place, name in enumerate(side)} for side in (self.before, self.after))
        names = written(self._row)[:200]
        found = zip(names, changes(self.before, self.after, names), strict=True)
        return {"fields": [{**one, "at": [before.get(name), after.get(name)]} for name, one in found]}

    def tab_calls(self) -> Tree:
        """Return the calls and questions of the task."""
        store = self._subject.store
        run = owner(store, str(self._subject.id), self.step if self._row is not None else 0)
        found, self._calls = entries(store.calls(run), self.task, store.blob) if self.task else ([], {})
        return {"calls": found}

    def _printed(self) -> list[tuple[int, str]]:
        tries = [(turn, loads(event.data or "{}")) for turn, event in enumerate(self._index.attempts(self.task), 1)]
        earlier = [(data.get("attempt") or turn, data["printed"]) for turn, data in tries if data.get("printed")]
        own = self.facts.get("printed")
        return [*earlier, *([(self._row.attempts, own)] if own and self._row is not None else [])]

    def tab_output(self) -> Tree:
        """Return what the node printed, attempt by attempt, and what it streamed."""
        printed = [[attempt, plain(text[:_PRINTED]), max(0, len(text) - _PRINTED)] for attempt, text in self._printed()]
        chunks = [kept if isinstance(kept, str) else words(kept, 2000) for _, kept in self.facts.get("stream", ())]
        return {"printed": printed, "stream": plain("".join(chunks)[:_PRINTED])}

    def tab_events(self) -> Tree:
        """Return the events around the step."""
        near = self._index.around(self.step, self.task)
        return {
            "events": [
                [plain(e.kind), plain(e.node), e.step, e.time, cut(told(e), 500), bool(e.task) and e.task == self.task]
                for e in near
            ]
        }

    def tab_source(self) -> Tree:
        """Return the node's source as it was, and the line that raised."""
        source = source_of(self._subject.store.descriptions(str(self._subject.id)), self.node, self.step)
        trace = self._traceback()
        line = failing_line(source, trace) if self.status == "failed" else 0
        return {"source": plain(source)[:_PRINTED], "line": line, "traceback": plain(trace)[-_PRINTED:]}

    def _traceback(self) -> str:
        """Return the traceback that is recorded of this task: of the run's own error, where it is this one's."""
        error = loads(self._subject.store.run(str(self._subject.id)).status.error or "{}")
        own = self.trouble is not None and (error.get("facts") or {}).get("task") == self.task
        return own_frames(str(error.get("traceback") or "")) if own else ""
