"""The verbs that look, ask, or show: each one line over an attribute or method of ``Run`` or ``Engine``.

Owns what is shown where a widget cannot be.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import Any

from IPython.core.error import UsageError

from nbgraph.analysis.costs import NAMES
from nbgraph.engine.run import Run
from nbgraph.notebook.arguments import expression, filled, listed, text, value
from nbgraph.notebook.bench import Bench
from nbgraph.notebook.debugging import debug
from nbgraph.notebook.verb import RUN, Verb, arg, the_run
from nbgraph.views.widgets.doors import dashboard


def _table(name: str, call: str, about: str) -> Verb:
    """Return the verb of a table that a run has: an attribute, or a method without arguments."""

    def act(bench: Bench, asked: Namespace) -> Any:
        found = getattr(the_run(bench, asked), name)
        return found() if callable(found) else found

    return Verb(name, call, about, act, (RUN,))


def _costs(bench: Bench, asked: Namespace) -> Any:
    if asked.runs:
        return bench.engine(asked.graph).costs()
    run = the_run(bench, asked)
    if asked.chart:
        return run.cost_chart()
    return run.costs if asked.calls else run.costs_by(*(listed(asked.by) or ("node", "model")))


def _metrics(bench: Bench, asked: Namespace) -> Any:
    from nbgraph.observe import metrics  # noqa: PLC0415 - prometheus_client is an extra

    given = bench.engine(asked.graph).options.metrics
    if given is False:
        raise UsageError(
            "this engine counts nothing: `%graph NAME metrics=True`, or ng.Engine(graph, metrics=True), counts what runs "
            "from then on"
        )
    return metrics.table(metrics.counting(given).registry)


def _runs(bench: Bench, asked: Namespace) -> Any:
    engine = bench.engine(asked.graph)
    return engine.browser() if asked.browse else engine.runs()


def _state(bench: Bench, asked: Namespace) -> Any:
    run = the_run(bench, asked)
    return run.state if asked.step is None else run.at(asked.step).state


def _diff(bench: Bench, asked: Namespace) -> Any:
    other = None if asked.other is None else bench.past(asked.other, asked.graph)
    run = bench.past(asked.run, asked.graph)
    return run.diff(other) if other is not None else bench.past(None, asked.graph).diff(run)


def _open(bench: Bench, asked: Namespace) -> Run:
    bench.run = bench.past(asked.run, asked.graph)
    return bench.run


def _show(bench: Bench, asked: Namespace) -> Any:
    graph = bench.graphs.get(asked.run or "")
    return graph.view() if graph is not None else the_run(bench, asked).view()


def _dashboard(bench: Bench, asked: Namespace) -> Any:
    return dashboard(the_run(bench, asked))


def _inbox(bench: Bench, asked: Namespace) -> Any:
    engine = bench.engine(asked.graph)
    return engine.inbox() if asked.table else engine.inbox_form()


def _answer(bench: Bench, asked: Namespace) -> None:
    answer = value(expression(asked.answer), bench.names, "the answer")
    bench.engine(asked.graph).answer(filled(asked.question, bench.names, "question"), answer, by=asked.by)


def _report(bench: Bench, asked: Namespace) -> Any:
    run = the_run(bench, asked)
    return run.report(asked.file or f"{run.id}.html")


def _engine(bench: Bench, asked: Namespace) -> Any:
    return bench.engine(asked.graph)


_BROWSE = arg("--browse", "as a browser in which runs are opened, forked and deleted", action="store_true")
_AT = arg("--step", "right after this step; 0 is the input", type=int, metavar="N")
_ONE = arg("run", "a run; alone, it is compared with the latest", metavar="RUN")
_OTHER = arg("other", "another run", nargs="?", metavar="RUN")
_WHAT = arg("run", "a run, or the name of a graph", nargs="?", metavar="RUN")
_ANSWER = arg("answer", "the answer, a Python expression", nargs="+", metavar="EXPR")
_FILE = arg("--file", "where to write it; RUN.html if left out", type=text, metavar="F")
_TASK = arg("--task", "a node, a task's id, or a step; the first that failed if left out", type=text, metavar="NODE")
_WALK = arg("--step", "stop at the node's first line, not where it raises", action="store_true")

_BY = arg("--by", f"sum by these: {', '.join(NAMES)}", nargs="+", metavar="BY,BY")
_CALLS = arg("--calls", "a row for each call, and how the cost grew", action="store_true")
_CHART = arg("--chart", "only the picture of how the cost grew", action="store_true")
_RUNS = arg("--runs", "a row for each run of the file", action="store_true")

_Act = Callable[[Bench, Namespace], Any]

LOOKING = (
    Verb("runs", "engine.runs()", "List all runs of the file.", _runs, (_BROWSE,)),
    Verb("open", "engine.open(RUN)", "Choose the run that the other verbs mean.", _open, (RUN,)),
    Verb("show", "run.view(), graph.view()", "Show a run, or a graph, as a live picture.", _show, (_WHAT,)),
    Verb("dashboard", "ng.dashboard(run)", "Show picture, controls, timeline and state of a run.",
         _dashboard, (RUN,)),
    Verb("state", "run.state, run.at(N).state", "Return the state, at the end or right after a step.",
         _state, (RUN, _AT)),
    _table("tasks", "run.tasks", "List what ran: node, attempts, seconds."),
    _table("calls", "run.calls", "List the recorded calls: what was asked, what came back."),
    _table("events", "run.events", "List everything that happened, in order."),
    Verb("costs", "run.costs_by(BY), run.costs, run.cost_chart(), engine.costs()",
         "Show what a run used and cost, by node and model.", _costs, (RUN, _BY, _CALLS, _CHART, _RUNS)),
    Verb("metrics", "ng.metrics.table()", "List what the engine counts for Prometheus.", _metrics),
    Verb("diff", "run.diff(other)", "Compare two runs: where they part, and every difference.",
         _diff, (_ONE, _OTHER)),
    _table("plan", "run.plan()", "Say what a resume would do, before it does it."),
    _table("changes", "run.changes()", "Say what changed in the graph since a run."),
    Verb("inbox", "engine.inbox_form(), engine.inbox()", "Show the open questions, to be answered in place.",
         _inbox, (arg("--table", "as a table", action="store_true"),)),
    Verb("answer", "engine.answer(QUESTION, EXPR)", "Answer an open question by its id.",
         _answer, (arg("question", "its id, as the inbox lists it", metavar="QUESTION"), _ANSWER,
                   arg("--by", "who answers", type=text, default="", metavar="WHO"))),
    Verb("debug", "run.rehearse()", "Enter the debugger where a node failed, with its recorded input.",
         debug, (RUN, _TASK, _WALK), shows=True),
    Verb("report", "run.report(F)", "Write a run as one page to send to somebody.", _report, (RUN, _FILE)),
    Verb("engine", "ng.Engine(graph, store=F)", "Return the engine that these verbs use.", _engine),
)  # fmt: skip
"""The verbs that look, in the order in which ``%ng?`` lists them."""
