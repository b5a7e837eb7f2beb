"""Ways of breaking the engine on purpose: each takes one promise away, and a contract must notice.

Each is called before the engine is made, with what sets an attribute: in a process of its own that may be
``setattr``, in a test it undoes it. ``test_saboteurs`` says which test must fail.
"""

from __future__ import annotations

import itertools
import socket
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from nbgraph import escape
from nbgraph.analysis import costs
from nbgraph.clients import asking, secrets
from nbgraph.engine import frontier
from nbgraph.engine.calls.book import Book, Reading
from nbgraph.engine.calls.lines import Lines
from nbgraph.engine.calls.meter import Meter, Ticket
from nbgraph.engine.calls.naming import Names
from nbgraph.engine.context import Context
from nbgraph.engine.engine import Engine
from nbgraph.engine.following import Follower
from nbgraph.engine.launching import Launcher
from nbgraph.engine.ledger import Ledger
from nbgraph.engine.merge import Merger
from nbgraph.engine.posting import Post
from nbgraph.engine.replay import compare
from nbgraph.engine.replay.recorded import RecordedDesk
from nbgraph.engine.restoring import Restorer
from nbgraph.faces import face
from nbgraph.observe.metrics.counting import Counter
from nbgraph.observe.tracing.identity import run_span
from nbgraph.observe.tracing.tree import Tree
from nbgraph.prices import pricing
from nbgraph.store import calls, holders, sqlite, writer
from nbgraph.store.protocol import CallRecord, Lease
from nbgraph.views import static
from nbgraph.views.widgets.base import View

Patch = Callable[[Any, str, Any], None]


def nobody(patch: Patch = setattr) -> None:
    """Break nothing."""


# -- steps


def late(patch: Patch = setattr) -> None:
    """Acknowledge a commit before it is made: each is made when the next one comes."""
    commit, waiting = sqlite.SqliteStore.commit, list[Any]()

    def later(self: Any, *args: Any) -> None:
        while waiting:
            commit(self, *waiting.pop())
        if len(args) > 3 and args[3] is not None:
            commit(self, *args)
        else:
            waiting.append(args)

    patch(sqlite.SqliteStore, "commit", later)


def twice(patch: Patch = setattr) -> None:
    """Apply what is read back at a resume twice."""
    restore, write = Restorer._row, Merger.write

    def doubled(self: Any, lineage: Any, update: Any, known: Any = None) -> Any:
        write(self, lineage, {name: kept for name, kept in update.items() if name == "total"}, known)
        return write(self, lineage, update, known)

    def restored(self: Any, row: Any, look: Any) -> Any:
        Merger.write = doubled  # type: ignore[method-assign]
        try:
            return restore(self, row, look)
        finally:
            Merger.write = write  # type: ignore[method-assign]

    patch(Restorer, "_row", restored)


def merged_by_arrival(patch: Patch = setattr) -> None:
    """Merge branches in the order in which they finish."""
    arrived = itertools.count()
    patch(frontier, "arrival_path", lambda parent, branch, fan_out: (next(arrived),))
    patch(frontier, "gather_path", lambda paths, place: (next(arrived),))


# -- drivers


def leaseless(patch: Patch = setattr) -> None:
    """Take every driver for dead."""
    patch(holders, "lives", lambda holder, expires, now: False)


def unfenced(patch: Patch = setattr) -> None:
    """Let a driver write under whatever fence holds now."""
    fenced = writer.Writer._fenced
    query = "SELECT fence, holder FROM leases WHERE run = (SELECT ref FROM runs WHERE run_id = ?)"

    def anyhow(self: Any, lease: Lease, keep: Any) -> Any:
        with self._lock:
            row = self._connection.execute(query, (lease.run_id,)).fetchone()
        return fenced(self, Lease(lease.run_id, *row), keep)

    patch(writer.Writer, "_fenced", anyhow)


# -- calls


def recorded_late(patch: Patch = setattr) -> None:
    """Let the node go on before the end of its call is kept: that is kept with whatever is written next."""
    record, commit, waiting, last = sqlite.SqliteStore.record, sqlite.SqliteStore.commit, list[Any](), [0]

    def flush(self: Any) -> None:
        while waiting:
            record(self, *waiting.pop(0))

    def later(self: Any, lease: Any, lines: Any, *args: Any) -> int:
        first = last[0] + 1
        if last[0] and all(line.phase == "returned" for line in lines):
            waiting.append((lease, lines, *args))
        else:
            flush(self)
            first = record(self, lease, lines, *args)
        last[0] = first + len(lines) - 1
        return first

    def flushed(self: Any, *args: Any) -> None:
        flush(self)
        commit(self, *args)

    patch(sqlite.SqliteStore, "record", later)
    patch(sqlite.SqliteStore, "commit", flushed)


def never_served(patch: Patch = setattr) -> None:
    """Make every call, whatever the record says."""
    find = Reading.find

    def found(self: Any, *asked: Any) -> Any:
        past = find(self, *asked)
        return past if past is not None and past.phase in ("asked", "answered") else None

    patch(Reading, "find", found)


def served_another(patch: Patch = setattr) -> None:
    """Answer a call with the record of another one."""
    find = Reading.find

    def found(self: Any, *asked: Any) -> Any:
        past = find(self, *asked)
        others = [other for other in self._calls.values() if other.phase == "returned" and other is not past]
        return others[0] if past is not None and past.phase == "returned" and others else past

    patch(Reading, "find", found)


def served_failures(patch: Patch = setattr) -> None:
    """Raise again to the next attempt what made the last one fail."""
    patch(Book, "void", lambda self, upto: None)


def unmarked(patch: Patch = setattr) -> None:
    """Make calls without saying so beforehand."""
    write, awrite = Lines.write, Lines.awrite

    def unwritten(self: Any, line: Any) -> CallRecord:
        return line.record if line.record.phase == "started" else write(self, line)

    async def aunwritten(self: Any, line: Any) -> CallRecord:
        return line.record if line.record.phase == "started" else await awrite(self, line)

    patch(Lines, "write", unwritten)
    patch(Lines, "awrite", aunwritten)


def named_by_arrival(patch: Patch = setattr) -> None:
    """Number the calls of a node as they come, whichever branch issues them."""

    def numbered(self: Any) -> str:
        self.arrived = getattr(self, "arrived", 0) + 1
        return str(self.arrived)

    patch(Names, "_numbered", numbered)


def another_key(patch: Patch = setattr) -> None:
    """Give each attempt another idempotency key."""
    key = Context.idempotency_key
    patch(Context, "idempotency_key", lambda self, n=0: key(self, n + 1000 * self.attempt))


def answered_twice(patch: Patch = setattr) -> None:
    """Keep the answer that came last."""
    patch(calls, "_ANSWERED", "SELECT 1 WHERE coalesce(?1, ?2, ?3, ?4, ?5) IS NULL")


# -- replay, forks, the file


def routeless(patch: Patch = setattr) -> None:
    """Replay without looking where tasks go on."""
    patch(compare, "_route", lambda text, names: "")


def leftovers_ignored(patch: Patch = setattr) -> None:
    """Replay without looking for calls that are not made any more."""
    patch(RecordedDesk, "left", lambda self: self.problem)


def forked_into(patch: Patch = setattr) -> None:
    """Write the parent when it is forked."""
    fork = sqlite.SqliteStore.fork

    def both(self: Any, record: Any, origin: Any) -> Lease:
        lease = fork(self, record, origin)
        parent = self.acquire(origin.run_id)
        self.record(parent, [CallRecord(0, 0.0, "task", "node", 1, "1", "started", "", "{}")])
        self.release(parent)
        return lease

    patch(sqlite.SqliteStore, "fork", both)


def unchained(patch: Patch = setattr) -> None:
    """Read the log of calls without looking at its digests."""
    patch(calls, "_checked", lambda file, run_id, before, row: CallRecord._make(row[1:]))


# -- views


def unescaped(patch: Patch = setattr) -> None:
    """Put text on a page as it is."""
    patch(escape, "escape", str)


def told_twice(patch: Patch = setattr) -> None:
    """Hand what a live run commits to its followers twice."""
    heard = Follower._heard
    patch(Follower, "_heard", lambda self, ear: (found := heard(self, ear))._replace(steps=[*found.steps] * 2))


def drawn_into(patch: Patch = setattr) -> None:
    """Have a view that is opened leave a trace in the run's file."""
    opened = View.__init__

    def marked(self: Any, *args: Any, **how: Any) -> None:
        opened(self, *args, **how)
        connection = sqlite3.connect(self.subject.store.name)
        connection.execute("PRAGMA user_version = 99")
        connection.commit()
        connection.close()

    patch(View, "__init__", marked)


def fetched(patch: Patch = setattr) -> None:
    """Ask the network for something while a picture is made."""
    drawn = static.run_bundle

    def asking(run: Any) -> Any:
        socket.socket().close()
        return drawn(run)

    patch(static, "run_bundle", asking)


# -- what watches, and what it costs


def told_early(patch: Patch = setattr) -> None:
    """Hand steps to listeners before they are committed."""
    commit = Ledger.commit

    def early(self: Any, entries: Any, status: Any = None) -> None:
        after, self.after_commit = self.after_commit, None
        if after is not None:
            after([entry.row for entry in entries if entry.row is not None], self._events, status)
        commit(self, entries, status)
        self.after_commit = after

    patch(Ledger, "commit", early)


def told_in_the_run(patch: Patch = setattr) -> None:
    """Call listeners on the thread that drives the run."""

    def attach(self: Any, run: Any) -> None:
        self._new.append(run)
        run.watch(lambda: self.catch_up(1.0))

    patch(Post, "attach", attach)


def attempts_counted(patch: Patch = setattr) -> None:
    """Count each attempt of a task as a step."""
    step = Counter.step

    def each(self: Any, graph: str, row: Any) -> None:
        for _ in range(row.attempts):
            step(self, graph, row)

    patch(Counter, "step", each)


def summed_in_float(patch: Patch = setattr) -> None:
    """Add up costs in floats."""
    patch(costs, "total", lambda amounts: Decimal(sum(map(float, amounts))))


def unknown_is_free(patch: Patch = setattr) -> None:
    """Take a model whose price nobody knows for one that costs nothing."""
    patch(pricing, "UNKNOWN", pricing.UNKNOWN._replace(cost=Decimal(0)))


def checked_after(patch: Patch = setattr) -> None:
    """Look at a budget when a call is over, not before it is made."""
    patch(Meter, "begin", lambda self, request: Ticket(request.label, None))


def replayed_aloud(patch: Patch = setattr) -> None:
    """Tell listeners of a replay what happened then."""
    replay = Engine.replay

    def told(self: Any, run: str, **how: Any) -> Any:
        for event in self.store.events(run):
            for listener in filter(callable, self.options.listeners):
                listener(event)
        return replay(self, run, **how)

    patch(Engine, "replay", told)


def spans_in_the_run(patch: Patch = setattr) -> None:
    """Hang every span under the run's."""
    ended = Tree._ended

    def flat(self: Any, drive: Any, done: Any) -> Any:
        return [span._replace(parent=run_span(self.head.run, drive.number)) for span in ended(self, drive, done)]

    patch(Tree, "_ended", flat)


def secrets_kept(patch: Patch = setattr) -> None:
    """Keep a recorded request's headers and parameters as they were sent."""
    patch(secrets, "tells", lambda name: False)
    patch(asking, "HEADERS", asking.HEADERS | {"authorization", "x-api-key", "x-goog-api-key"})


def listened_anyway(patch: Patch = setattr) -> None:
    """Have somebody follow runs that nobody asked to follow."""
    patch(Launcher, "_watching", lambda self, options: (face("engine.logs")(),))
