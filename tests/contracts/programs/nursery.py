"""Raises processes that drive one run each and die where they are told to.

A program: reads one JSON order a line, forks a process that carries it out, says how that ended. Forked
from one that has only imported, a new process costs a hundredth of a second instead of a third.
"""

from __future__ import annotations

import concurrent.futures.thread  # noqa: F401 - before the forks: importing takes longer than a life
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import jsonschema  # noqa: F401 - as above
import pydantic

import nbgraph as ng
from nbgraph.engine.loop import LoopRunner  # noqa: F401 - as above
from nbgraph.store import opening, sqlite, writer
from nbgraph.testing import CrashingStore
from tests.contracts.programs import errands, laps, saboteurs


def say(*words: object) -> None:
    """Write a line for whoever gave the order, in one piece."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


class Aim:
    """Where this process dies: ``at`` names a kind of moment, ``count`` says which of them."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.at, self.count, self.hard = order.get("at"), order.get("count", 1), order.get("hard", True)
        self.stop = order.get("stop", False)
        self.step, self.seen = order.get("step", 0), 0
        self.last = 0
        """The last step of the commit under way, 0 outside of commits."""
        self.kinds: tuple[str, ...] = ()
        """What is under way: "create", "acquire", "release" or "commit", and "commit+mark" or the like."""

    def moment(self, name: str) -> None:
        """Die if this is the one."""
        if name == self.at and self.last >= self.step:
            self.seen += 1
            if self.seen == self.count:
                self.die()

    def die(self) -> None:
        """End this process between two instructions: nothing is flushed, closed or released. Or just stop it."""
        if self.stop:
            os.kill(os.getpid(), signal.SIGSTOP)
            return
        if self.hard:
            os.kill(os.getpid(), signal.SIGKILL)
        os._exit(7)


def arm(aim: Aim) -> None:
    """Put the moments around every statement of SQL and every write of the store."""

    class Connection(opening.Connection):
        def execute(self, sql: str, *args: Any) -> Any:
            return _around(aim, sql, lambda: super(Connection, self).execute(sql, *args))

        def executemany(self, sql: str, *args: Any) -> Any:
            return _around(aim, sql, lambda: super(Connection, self).executemany(sql, *args))

    opening.Connection = Connection
    for name in ("create", "acquire", "release", "commit", "record", "_grow_log"):
        setattr(writer.Writer, name, _during(aim, name, getattr(writer.Writer, name)))


def _around(aim: Aim, sql: str, act: Callable[[], Any]) -> Any:
    verb = " ".join(sql.split()[:3]) if sql.startswith("INSERT") else sql.split(None, 1)[0]
    for name in ("any statement", *[f"{kind}: before {verb}" for kind in aim.kinds]):
        aim.moment(name)
    result = act()
    for kind in aim.kinds:
        aim.moment(f"{kind}: after {verb}")
    return result


def _during(aim: Aim, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    def observed(self: Any, *args: Any) -> Any:
        outer, aim.kinds = aim.kinds, (name, *(_extras(args) if name == "commit" else ()))
        if name == "commit" and args[1]:
            aim.last = args[1][-1].step
        aim.moment(f"{name} called")
        result = method(self, *args)
        aim.moment(f"{name} returned")
        aim.kinds = outer
        return result

    return observed


def _extras(args: tuple[Any, ...]) -> list[str]:
    steps, status = args[1], args[3]
    found = [word for word in ("snapshot", "mark") if any(getattr(step, word) for step in steps)]
    return [f"commit+{word}" for word in found + ([status.status] if status is not None else [])]


def acknowledge(aim: Aim) -> None:
    """Say which steps and lines are kept, once the store has said so to the engine."""
    commit, record = sqlite.SqliteStore.commit, sqlite.SqliteStore.record

    def acknowledged(self: Any, lease: Any, steps: Any, *args: Any) -> None:
        commit(self, lease, steps, *args)
        for step in steps:
            say("kept", step.step, step.task, step.key)
        aim.moment("acknowledged")

    def noted(self: Any, lease: Any, calls: Any, *args: Any) -> int:
        first = record(self, lease, calls, *args)
        for number, line in enumerate(calls, first):
            say("line", number, line.phase, line.task, line.name)
        aim.moment("noted")
        return first

    sqlite.SqliteStore.commit = acknowledged  # type: ignore[method-assign]
    sqlite.SqliteStore.record = noted  # type: ignore[method-assign]


def live(order: dict[str, Any]) -> None:
    """Carry an order out: go on with the run, or begin it."""
    aim = Aim(order)
    arm(aim)
    getattr(saboteurs, order.get("saboteur", "nobody"))()
    acknowledge(aim)
    witness = laps.Witness(order["witness"], lambda count: aim.moment("witnessed"))
    say("begins")
    engine = ng.Engine(PLAYS[order["play"]](witness, order), store=opened(order), max_concurrent=order.get("width", 4))
    drive = errands.drive if order["play"] == "errands" else laps.drive
    run = drive(engine, order["size"], order["run"], *order.get("fork", ()))
    engine.close()
    say("done", run.id)


def opened(order: dict[str, Any]) -> Any:
    """Return the run's store; with a ``point``, one that ends this process there."""
    store = ng.SqliteStore(order["store"], durability=order["durability"])
    return CrashingStore(store, order["point"], order["count"]) if "point" in order else store


def tend(child: int) -> int:
    """Say when a child is stopped; return how it ended."""
    while os.WIFSTOPPED(status := os.waitpid(child, os.WUNTRACED)[1]):
        say("stopped")
    return os.waitstatus_to_exitcode(status)


PLAYS: dict[str, Callable[..., ng.Graph]] = {
    "laps": lambda witness, order: laps.build(witness),
    "errands": lambda witness, order: errands.build(
        witness, order["url"], order.get("unknown", "retry"), changed=order.get("changed", False)
    ),
}


def main() -> None:
    """Carry out orders until there are no more."""
    pydantic.TypeAdapter(bool)  # what is loaded for the first of its kind is there before the forks, too
    for play in (laps, errands):
        play.build(laps.Blind()).compile()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            status = 1
            try:
                live(json.loads(line))
                status = 0
            except BaseException as error:
                import traceback

                traceback.print_exc()
                say("broke", type(error).__name__, str(error).replace("\n", " "))
            finally:
                os._exit(status)
        say("pid", child)
        say("ended", tend(child))


if __name__ == "__main__":
    main()
