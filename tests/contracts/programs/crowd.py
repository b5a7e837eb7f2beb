"""Processes that all go for the same runs at once, again and again, until there is nothing left to drive.

A program: says of each attempt who made it and what came of it, as a JSON list. In each round all try the same
run; in all but a run's last round whoever drives it stops at a node of its own choice, so that others go on.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from random import Random
from typing import Any

import nbgraph as ng
from nbgraph.engine.loop import LoopRunner  # noqa: F401 - before the forks
from tests.contracts.programs import errands, laps, saboteurs

SIZE = (1, 2)
NODES = ("plan", "stroll", "permit", "work", "join", "finish")


def attempt(engine: ng.Engine, run_id: str, before: str | None) -> str:
    """Try to drive a run; say what came of it."""
    try:
        run = engine.resume(run_id, before=before)
    except ng.RunBusyError:
        return "busy"
    except ng.RunError:
        return "complete"
    while run.status == "waiting":  # what it asks is answered by whoever drives it
        try:
            errands.answer(engine, run_id)
            run = engine.resume(run_id, before=before)
        except (ng.RunBusyError, ng.RunError, ng.QuestionError, ng.StoreError):
            return "drove"  # another one was faster
    return "drove"


def attend(place: int, order: dict[str, Any], barrier: Any) -> None:
    """Take part in every round."""
    getattr(saboteurs, order["saboteur"])()
    chance, witness = Random(f"crowd {place}"), laps.Witness(order["witness"])
    store = ng.SqliteStore(order["store"], durability="normal", busy_timeout=60.0)
    engine = ng.Engine(errands.build(witness, order["url"]), store=store, max_concurrent=2)
    for number in range(order["rounds"] * order["runs"]):
        again, which = divmod(number, order["runs"])
        last = again == order["rounds"] - 1
        barrier.wait()
        said = attempt(engine, f"r{which}", None if last else chance.choice(NODES))
        os.write(1, (json.dumps([place, f"r{which}", said]) + "\n").encode())
    engine.close()


def main(text: str) -> None:
    """Begin the runs, then let the processes loose."""
    order = json.loads(text)
    engine = ng.Engine(errands.build(laps.Blind(), order["url"]), store=order["store"], durability="normal")
    for which in range(order["runs"]):
        engine.run(errands.given(*SIZE), run_id=f"r{which}", before="lap")
    engine.close()
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(order["processes"])
    crowd = [context.Process(target=attend, args=(place, order, barrier)) for place in range(order["processes"])]
    for process in crowd:
        process.start()
    for process in crowd:
        process.join()
    sys.exit(max(abs(process.exitcode) for process in crowd))


if __name__ == "__main__":
    main(sys.argv[1])
