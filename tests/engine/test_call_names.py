"""Which recorded call is which: names that say too little must not serve another function's answer."""

from __future__ import annotations

import types

import pytest

import nbgraph as ng


def broken_then(tmp_path, first, second):
    """Run a node that makes the calls of ``first`` and fails, mend it to those of ``second``; return what it got."""
    graph = ng.Graph({"log": list}, name="g")

    @graph.node
    def work(state, ctx):
        first(ctx)
        raise ValueError("broken")

    engine = ng.Engine(graph, store=tmp_path / "runs.sqlite")
    with pytest.raises(ng.NodeError):
        engine.run(run_id="r")
    graph.node(lambda state, ctx: {"log": second(ctx)}, name="work")
    return engine.resume("r").state["log"]


def of_module(name, answer):
    """Return a function ``ask`` of a module of that name."""
    module = types.ModuleType(name)
    exec(f"def ask(x):\n    asked.append(x)\n    return [{answer!r}, x]", vars(module))
    module.asked = []
    return module


def test_a_lambda_is_known_by_its_code(tmp_path):
    """An inserted lambda gets its own answer, and the one behind it keeps the recorded one."""
    got = broken_then(
        tmp_path,
        lambda ctx: ctx.call(lambda: "A"),
        lambda ctx: [ctx.call(lambda: "H"), ctx.call(lambda: "A")],
    )
    assert ["H", "A"] == got


def test_a_lambda_is_known_by_what_it_closes_over(tmp_path):
    """Lambdas of one line that ask about different things are different requests, in whatever order they come."""

    def asking(cities):
        return lambda ctx: [ctx.call(lambda city=city: city.upper()) for city in cities]

    assert ["ROME", "OSLO"] == broken_then(tmp_path, asking(["oslo", "rome"]), asking(["rome", "oslo"]))


def test_equal_names_of_two_modules_are_two_functions(tmp_path):
    """A function of another module is not served the answer of its namesake."""
    one, other = of_module("one", "one"), of_module("other", "other")
    got = broken_then(
        tmp_path, lambda ctx: ctx.call(one.ask, 1), lambda ctx: [ctx.call(other.ask, 1), ctx.call(one.ask, 1)]
    )
    assert [["other", 1], ["one", 1]] == got
    assert ([1], [1]) == (one.asked, other.asked)


def test_a_function_that_moves_out_of_the_notebook_is_still_itself(tmp_path):
    """What was called as a notebook's own function is served when it has become a module's."""
    main, module = of_module("__main__", "paid"), of_module("shop.service", "again")
    got = broken_then(tmp_path, lambda ctx: ctx.call(main.ask, 1), lambda ctx: [ctx.call(module.ask, 1)])
    assert [["paid", 1]] == got
    assert [] == module.asked


def test_a_replay_tells_namesakes_apart(tmp_path):
    """In a replay another module's function of the same name is a difference, not an answer."""
    one, other = of_module("one", "one"), of_module("other", "other")
    graph = ng.Graph({"log": list}, name="g")
    graph.node(lambda state, ctx: {"log": ctx.call(one.ask, 1)}, name="work")
    engine = ng.Engine(graph, store=tmp_path / "runs.sqlite")
    engine.run(run_id="r")
    graph.node(lambda state, ctx: {"log": ctx.call(other.ask, 1)}, name="work")
    with pytest.raises(ng.ReplayMismatchError, match="call 1"):
        engine.replay("r")
    assert [] == other.asked
