"""``%ng``: each verb is one line over a documented call, and says what it cannot do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from nbgraph.notebook.verbs import VERBS


@pytest.fixture
def graph(cells):
    """A notebook with a graph of two nodes that fails for n above 5."""
    cells.run("%graph g --state Words --store :memory:")
    cells.quiet("%%node one\n{'words': 'a', 'n': state.get('n', 0) + 1}")
    cells.quiet("%%node two --after one\nif state['n'] > 5:\n    raise ValueError('too big')\n{'words': 'b'}")
    return cells.ns["g"]


def value(cells, line):
    """Return what a line of ``%ng`` returns."""
    cells.quiet(f"result = %ng {line}")
    return cells.ns["result"]


def test_run_takes_an_expression_and_returns_the_run(cells, graph):
    """The input is a Python expression over the notebook's names, blanks and all; the run is the cell's value."""
    cells.quiet("start = 1")
    run = value(cells, 'run {"n": start + 1, "words": ["x y"]} --id r1')
    assert ("r1", "completed", 3) == (run.id, run.status, run.state["n"])
    assert ["x y", "a", "b"] == run.state["words"]
    assert 1 == value(cells, "run --id {'r' + str(start + 1)}").state["n"]


def test_options_of_the_engine_stand_anywhere(cells, graph):
    """Words ``name=value`` reach the engine, before and after the input."""
    cells.quiet("%ng run max_steps=1+1 {'n': 1} --id r1 seed=9;")
    assert 9 == value(cells, "runs").iloc[0]["seed"]
    assert "OptionsError" in cells.run("%ng run max_step=1")


def test_a_run_id_can_be_used_again(cells, graph):
    """``--fresh`` deletes the run of that id first, so that a notebook runs again from the top."""
    for n in (1, 2):
        run = value(cells, f"run {{'n': {n}}} --id r1 --fresh")
        assert n + 1 == run.state["n"]
    assert "StoreError" in cells.run("%ng run --id r1")


def test_a_failed_run_is_meant_next(cells, graph):
    """After a run that failed, the verbs mean that one: mend the node, and resume."""
    cells.quiet("%ng run --id r1;")
    assert "ValueError: too big" in cells.run("%ng run {'n': 9} --id r2")
    assert "failed" == value(cells, "open").status
    cells.run("%%node two --after one\n{'words': 'mended'}")
    assert ["a", "mended"] == value(cells, "resume").state["words"]


def test_a_traceback_shows_the_nodes_frames_only(cells, graph):
    """Of a run that failed, the node's lines and the error's words are shown; how it came to be called is not."""
    cells.quiet("def deep(): raise ValueError('too deep')")
    told = cells.run("%ng run {'n': 9}")
    assert "line 3, in two(state)" in told
    assert "Next: fix the node" in told
    assert "nbgraph/" not in told
    cells.run("%%node two --after one\ndeep()")
    assert "in deep()" in cells.run("%ng run")


def test_an_error_of_the_line_is_shown_by_its_words(cells, graph):
    """An error that no code of the person's raised has no frames to show: its words are all, and its class is kept."""
    cells.quiet("%ng run --id r1;")
    told = cells.run("%ng run --id r1")
    assert told.startswith("StoreError: ")
    assert "Traceback" not in told
    cells.quiet("try:\n    get_ipython().run_line_magic('ng', 'run --id r1')\nexcept ng.StoreError:\n    pass")


def test_start_runs_in_the_background(cells, graph):
    """``start`` returns at once; ``wait`` waits for it and raises what it failed with."""
    cells.quiet("import threading; go = threading.Event()", "%%node one\ngo.wait(30)\n{'words': 'a', 'n': 9}")
    cells.run("run = %ng start --id r1")
    assert cells.ns["run"].live
    cells.quiet("go.set()")
    assert "ValueError: too big" in cells.run("%ng wait")


def test_pause_and_cancel(cells, graph):
    """``pause`` and ``cancel`` act on the live run."""
    cells.quiet("import threading; go = threading.Event()")
    cells.quiet("%%node one\nwhile not ctx.cancelled and not go.wait(0.01): pass\n{'words': 'a', 'n': 1}")
    cells.run("%ng start --id r1")
    cells.run("%ng cancel")
    assert "cancelled" == value(cells, "open r1").status
    cells.run("%ng start --id r2")
    cells.quiet("go.set()", "%ng pause;")
    assert value(cells, "open r2").status in ("paused", "completed")


def test_steps_and_breakpoints(cells, graph):
    """``run --before`` stands still before a node; ``step`` runs one task, ``step --until`` up to a node."""
    run = value(cells, "run --id r1 --before one")
    assert ("paused", 0) == (run.status, len(run.tasks))
    assert 1 == len(value(cells, "step --until two").tasks)
    assert ["a", "b"] == value(cells, "step").state["words"]
    assert ["a"] == value(cells, "run --after one").state["words"]


def test_replay_fork_and_diff(cells, graph):
    """``replay`` compares today's code, ``fork`` edits the past, ``diff`` tells two runs apart."""
    cells.quiet("%ng run --id r1;", "x = 3")
    assert 2 == len(value(cells, "replay r1").rows)
    fork = value(cells, 'fork r1 --step 1 --set words="new word" n=x --id r2')
    assert (["a", "new word", "b"], 3) == (fork.state["words"], fork.state["n"])
    assert ["only", "b"] == value(cells, "fork r1 --step 1 --state words=['only']").state["words"]
    assert "r1" in repr(value(cells, "diff r1 r2"))
    assert repr(value(cells, "diff r1 r2")) == repr(value(cells, "open r1").diff("r2"))


def test_a_changed_node_is_a_mismatch_in_a_replay(cells, graph):
    """``replay`` raises the first difference; ``--loose`` collects all."""
    cells.quiet("%ng run --id r1;")
    cells.run("%%node one\n{'words': 'z', 'n': 1}")
    assert "ReplayMismatchError" in cells.run("%ng replay r1")
    assert len(value(cells, "replay r1 --loose").mismatches) >= 1


def test_tables(cells, graph):
    """Tables are those of the run: tasks, calls, events, costs, plan, changes, and the runs of the file."""
    cells.quiet("%%node one\n{'words': ctx.call(str.upper, 'a'), 'n': 1}", "%ng run --id r1;")
    assert ["one", "two"] == list(value(cells, "tasks").node)
    assert ["A"] == list(value(cells, "calls r1").response)
    assert 1 == len(value(cells, "costs r1"))
    assert "run.completed" in list(value(cells, "events").kind)
    assert ["reuse", "reuse"] == list(value(cells, "plan").action)
    assert 0 == len(value(cells, "changes"))
    assert ["r1"] == list(value(cells, "runs").run_id)
    assert {"words": ["A"], "n": 1} == value(cells, "state --step 1")
    assert ["A", "b"] == value(cells, "state")["words"]


PRICED = """
%%node one
ctx.usage(model='gpt-4o', input_tokens=1000, output_tokens=100)
ctx.usage(model='claude-sonnet-4-5', input_tokens=1000)
{'words': 'a', 'n': 1}
""".strip()


def test_costs_are_told_by_whatever_is_asked(cells, graph):
    """``costs`` sums by node and model, or as ``--by`` says; calls, chart and all runs are its other faces."""
    cells.quiet(PRICED, "%ng run --id r1;", "%ng run --id r2;")
    assert [("one", "gpt-4o"), ("one", "claude-sonnet-4-5")] == list(
        value(cells, "costs r1")[["node", "model"]].itertuples(index=False, name=None)
    )
    assert ["gpt-4o", "claude-sonnet-4-5"] == list(value(cells, "costs --by model").model)
    assert ["provider", "node"] == list(value(cells, "costs --by provider,node").columns[:2])
    assert [1000, 1000] == list(value(cells, "costs --calls").input)
    assert "$0.0065" in repr(value(cells, "costs r1 --chart"))
    assert ["r1", "r2"] == list(value(cells, "costs --runs").run_id)
    assert "nearest is 'model'" in cells.run("%ng costs --by mode")


def test_metrics_are_those_of_the_engine(cells, graph):
    """``metrics`` lists what an engine counts, and says how where it counts nothing."""
    assert "metrics=True" in cells.run("%ng metrics")
    cells.ns["registry"] = CollectorRegistry()
    cells.run("%graph g --store :memory: metrics=registry")
    cells.quiet("%ng run --id r1;")
    assert "nbgraph_steps_total" in set(value(cells, "metrics").metric)
    assert "nbgraph_steps_total" in cells.run("%metrics")


def test_a_name_that_holds_a_run_will_do(cells, graph):
    """Where a run is asked for, an id, a name that holds a run, or ``{expression}`` names it."""
    cells.quiet("first = %ng run --id r1", "%ng run --id r2;", "which = 'r1'")
    assert ["r1", "r1", "r1", "r2"] == [
        value(cells, f"open {word}").id for word in ("r1", "first", "{which}", "r2")
    ]  # fmt: skip
    assert "r2" == value(cells, "open").id


def test_questions_are_listed_and_answered(cells, graph):
    """``inbox --table`` lists open questions, ``answer`` answers one by its id."""
    cells.quiet("%%node one\n{'words': ctx.ask('which word?', schema=str), 'n': 1}")
    assert "waiting" == value(cells, "run --id r1").status
    cells.ns["question"] = value(cells, "inbox --table").iloc[0]["question"]
    cells.quiet("%ng answer {question} 'my ' + 'word' --by me")
    assert ["my word", "b"] == value(cells, "resume").state["words"]


def test_the_notebooks_own_engine_is_used(cells, graph):
    """An engine that a cell made for the graph is what verbs use, unless ``%graph`` named a file."""
    cells.quiet("h = ng.Graph(None, name='h')", "@h.node\ndef one(state): return {'x': 1}", "mine = ng.Engine(h)")
    assert cells.ns["mine"] is value(cells, "engine --graph h")
    cells.quiet("%graph h --store other.sqlite")
    assert "other.sqlite" in value(cells, "engine").store.name


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("%ng fly", "%ng has no verb 'fly'"),
        ("%ng rnu", "did you mean run?"),
        ("%ng run {'n': 1", "{ is opened and not closed"),
        ("%ng run {'n': nothing}", "the input: \"{'n': nothing}\" raised NameError"),
        ("%ng run --ids r1", "unrecognized arguments: --ids"),
        ("%ng step nowhere", "no run 'nowhere' in :memory:; it has none yet"),
        ("%ng tasks", "graph 'g' has no run in :memory: yet"),
        ("%ng fork r --step one", "invalid int value: 'one'"),
        ("%ng fork r --set words", "no run 'r'"),
        ("%ng answer", "required: QUESTION, EXPR"),
        ("%ng help fly", "has no verb 'fly'"),
        ("%ng run --graph nowhere", "no graph 'nowhere'"),
        ("%ng run n=2+3", "not an option; the input is one expression, for example {'n': 5}"),
    ],
)
def test_a_wrong_line_is_refused_in_words(cells, graph, line, why):
    """What is wrong is said in one line, without a traceback."""
    told = cells.run(line)
    assert told.startswith("UsageError:")
    assert why in told
    assert "Traceback" not in told


def test_every_verb_has_help_and_an_existing_call(cells):
    """``%ng?`` and ``%ng help`` list every verb; each names a method or attribute that the library has."""
    import nbgraph as ng

    overview = cells.run("%ng help")
    for verb in VERBS.values():
        assert f"= {verb.call}" in overview
        assert f"It stands for: {verb.call}" in cells.run(f"%ng help {verb.name}")
        assert f"It stands for: {verb.call}" in cells.run(f"%ng {verb.name} --help")
        for owner, name in re.findall(r"\b(engine|run|graph)\.(\w+)", verb.call):
            assert hasattr({"engine": ng.Engine, "run": ng.Run, "graph": ng.Graph}[owner], name), verb.call


def test_what_stands_before_the_cursor_is_completed(cells, graph):
    """Verbs, options, runs, nodes and graphs are offered where they fit."""
    cells.quiet("first = %ng run --id r1", "%ng run --id r2;")
    assert ["run", "runs"] == cells.completions("%ng ru")
    assert ["start", "step", "state"] == cells.completions("x = %ng st")
    assert ["first"] == cells.completions("%ng resume f")
    assert ["r2", "r1"] == cells.completions("%ng tasks r")
    assert ["--before"] == cells.completions("%ng run --b")
    assert ["model"] == cells.completions("%ng costs --by node,mo")
    assert ["one"] == cells.completions("%ng run --before o")
    assert ["two"] == cells.completions("%%node three --after one,t")
    assert ["two"] == cells.completions("%edge one t")
    assert ["g"] == cells.completions("%%node three --graph g")
    assert ["each"] == cells.completions("%%node three --join e")


def test_completion_never_breaks_typing(cells, graph):
    """A line that makes no sense offers nothing and raises nothing."""
    for line in ("%ng ", "%ng nothing ", "%ng run '", "%%node", "%edge ", "%ng resume {", "x = '%ng ru"):
        cells.completions(line)


def test_report_writes_a_file(cells, graph):
    """``report`` writes one page named after the run, or where ``--file`` says."""
    cells.quiet("%ng run --id r1;", "%ng report;", "%ng report r1 --file 'my page.html';")
    assert Path("r1.html").exists()
    assert Path("my page.html").exists()
