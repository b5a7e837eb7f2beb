"""The verbs that execute: each one line over a method of ``Engine`` or ``Run``.

Owns which run is meant afterwards: the one that the verb worked on, also where it failed.
"""

from __future__ import annotations

from argparse import Namespace
from contextlib import suppress
from dataclasses import fields as dataclass_fields
from typing import Any

from IPython.core.error import UsageError
from IPython.display import display

from nbgraph.engine.options import Options
from nbgraph.engine.run import Run
from nbgraph.errors import RunNotFound
from nbgraph.notebook.arguments import text
from nbgraph.notebook.bench import Bench
from nbgraph.notebook.verb import BREAKS, ID, INPUT, RUN, Verb, arg, breaks, fields, input_of, new_id, the_run
from nbgraph.store.protocol import Store

_FRESH = arg("--fresh", "first delete the run that has this id, and its forks", action="store_true")


def _prepared(bench: Bench, asked: Namespace) -> tuple[Any, dict[str, Any]]:
    run_id = new_id(bench, asked)
    if asked.fresh and run_id is not None:
        _delete(bench.engine(asked.graph).store, run_id)
    return input_of(bench, asked.given), {"run_id": run_id, **breaks(asked), **_options(bench, asked)}


def _options(bench: Bench, asked: Namespace) -> dict[str, Any]:
    """Return the options of the engine; raises ``UsageError`` for a field of the state, which stands in the input."""
    given, known = fields(bench, asked.options, "%ng"), {field.name for field in dataclass_fields(Options)}
    state = bench.graph(asked.graph).schema.fields
    for name in given:
        if name in state and name not in known:
            raise UsageError(
                f"%ng: {name!r} is a field of the state, not an option; the input is one expression, "
                f"for example {{{name!r}: {given[name]!r}}}"
            )
    return given


def _delete(store: Store, run_id: str) -> None:
    """Delete a run and what was forked from it, if it is there: a notebook that runs again makes all of them anew."""
    for row in store.runs():
        origin = store.origin(row.record.run_id)
        if origin is not None and origin.run_id == run_id:
            _delete(store, row.record.run_id)
    with suppress(RunNotFound):
        store.delete(run_id)


def _run(bench: Bench, asked: Namespace) -> Run:
    __tracebackhide__ = True
    given, how = _prepared(bench, asked)
    bench.run = None  # if it fails or is stopped, the latest run of the file is meant: this one
    bench.run = bench.engine(asked.graph).run(given, **how)
    return bench.run


def _start(bench: Bench, asked: Namespace) -> Run:
    __tracebackhide__ = True
    given, how = _prepared(bench, asked)
    bench.run = bench.engine(asked.graph).start(given, **how)
    display(bench.run.view())  # type: ignore[no-untyped-call]  # IPython leaves it so
    return bench.run


def _resume(bench: Bench, asked: Namespace) -> Run:
    __tracebackhide__ = True
    bench.run = the_run(bench, asked)
    how = {**breaks(asked), **fields(bench, asked.options, "%ng")}
    bench.run = bench.engine(asked.graph).resume(bench.run.id, **how)
    return bench.run


def _step(bench: Bench, asked: Namespace) -> Run:
    __tracebackhide__ = True
    bench.run = run = the_run(bench, asked)
    return run.step() if asked.until is None else run.until(asked.until)


def _steered(verb: str) -> Any:
    def act(bench: Bench, asked: Namespace) -> Run:
        __tracebackhide__ = True
        bench.run = the_run(bench, asked)
        done: Run = getattr(bench.run, verb)()
        return done

    return act


def _replay(bench: Bench, asked: Namespace) -> Any:
    __tracebackhide__ = True
    return the_run(bench, asked).replay(strict=not asked.loose)


def _fork(bench: Bench, asked: Namespace) -> Run:
    __tracebackhide__ = True
    parent = the_run(bench, asked)
    how = {
        "update": fields(bench, asked.set, "--set"),
        "state": fields(bench, asked.state, "--state"),
        "new_id": new_id(bench, asked),
        "reuse_calls": asked.reuse_calls,
        **breaks(asked),
    }
    bench.run = None
    bench.run = bench.engine(asked.graph).fork(parent.id, asked.step, **how)
    return bench.run


_UNTIL = arg("--until", "run until this node is about to run", type=text, metavar="NODE")
_STEP = arg("--step", "the last step that both share; the latest if left out", type=int, metavar="N")
_SET = arg("--set", "taken in as a node's update would be", nargs="+", action="extend", metavar="field=EXPR")
_STATE = arg("--state", "replaces a field as it is", nargs="+", action="extend", metavar="field=EXPR")
_REUSE = arg("--reuse-calls", "serve calls from the parent's record until the runs part", action="store_true")
_LOOSE = arg("--loose", "collect all differences instead of raising the first", action="store_true")

RUNNING = (
    Verb(
        "run", "engine.run(INPUT, run_id=R, ...)", "Run the graph and wait for it; the stop button pauses it.",
        _run, (INPUT, ID, *BREAKS, _FRESH), options=True,
    ),
    Verb(
        "start", "engine.start(INPUT, run_id=R, ...)", "Run the graph in the background, and show it live.",
        _start, (INPUT, ID, *BREAKS, _FRESH), options=True, shows=True,
    ),
    Verb("wait", "run.wait()", "Wait for a run in the background, and raise what it failed with.",
         _steered("wait"), (RUN,)),
    Verb("pause", "run.pause()", "Stop a run after the nodes that run now.", _steered("pause"), (RUN,)),
    Verb("cancel", "run.cancel()", "Stop a run within a second.", _steered("cancel"), (RUN,)),
    Verb("step", "run.step(), run.until(NODE)", "Run exactly one task, or until a node is about to run.",
         _step, (RUN, _UNTIL)),
    Verb("resume", "engine.resume(RUN, ...)", "Go on from where a run stands, with the nodes as they are now.",
         _resume, (RUN, *BREAKS), options=True),
    Verb("replay", "engine.replay(RUN)", "Run the nodes again against the record: nothing outside is called.",
         _replay, (RUN, _LOOSE)),
    Verb("fork", "engine.fork(RUN, step=N, update={...})", "Run anew from a step of a run, with fields changed.",
         _fork, (RUN, _STEP, _SET, _STATE, ID, *BREAKS, _REUSE)),
)  # fmt: skip
"""The verbs that execute, in the order in which ``%ng?`` lists them."""
