"""The source of a function is found wherever it was written, and says whether the code changed."""

import functools
import json
import subprocess
import sys
from typing import Annotated, Any, Literal

import pytest

import nbgraph as ng
from nbgraph.graph import routes
from nbgraph.graph.parts import predicate_text
from nbgraph.graph.source import source_of
from nbgraph.graph.targets import targets_of


def decorated(fn):
    return fn


def test_decorators_and_indentation_are_left_out():
    """What configures a node is not its code."""

    def plain(state):
        return {"x": 1}

    text = source_of(plain).text

    @decorated
    def plain(state):
        return {"x": 1}

    assert 'def plain(state):\n    return {"x": 1}' == text
    assert text == source_of(plain).text


def test_a_lambda_is_told_from_others_on_its_line():
    """Each has its own source, also inside a call and inside another lambda."""
    first, second = lambda s: s["a"] > 1, lambda s: s["b"]
    outer = lambda s: sorted(s, key=lambda t: t + 1)  # noqa: E731
    true, false = lambda s: True, lambda s: False
    assert ['lambda s: s["a"] > 1', 'lambda s: s["b"]'] == [source_of(first).text, source_of(second).text]
    assert "lambda s: sorted(s, key=lambda t: t + 1)" == source_of(outer).text
    assert ["lambda s: True", "lambda s: False"] == [source_of(true).text, source_of(false).text]
    assert 's["a"] > 1' == predicate_text(first)
    assert len(predicate_text(lambda s: s["a long name"] + s["another long name"] + s["yet another"])) == 40


def test_code_without_source_has_a_digest():
    """Compiled code stands in: the same for the same code, another for other code."""

    def made(text):
        names = {}
        exec(text, names)
        return source_of(names["f"])

    assert "" == made("def f(s): return 1").text
    assert made("def f(s): return 1").digest == made("\n\ndef f(s): return 1").digest
    assert made("def f(s): return 1").digest != made("def f(s): return 2").digest
    assert made("def f(s): return s.a").digest != made("def f(s): return s.b").digest


def test_partials_and_callable_objects_have_a_digest():
    """Bound arguments count as code."""

    class Callable:
        def __call__(self, state): ...

    def fn(k, state): ...

    assert source_of(functools.partial(fn, 1)).digest != source_of(functools.partial(fn, 2)).digest
    assert source_of(functools.partial(fn, 1)) == source_of(functools.partial(fn, 1))
    assert "def __call__" in source_of(Callable()).text
    assert source_of(len).digest != source_of(max).digest


def by_constant(state):
    return ng.Goto("a") if state else [routes.Send("b", x=1), ng.Send("c")]


def by_condition(state):
    return ng.Goto("a" if state else "b")


def by_annotation(state) -> ng.Goto[Literal["a", "b"]] | list[ng.Send[Literal["c"]]] | None:
    return ng.Goto(state["next"])


def by_text(state) -> "Literal['a', 'b']":
    return ng.Goto(state["next"])


def by_name(state):
    return Other("z")


def unreadable(state):
    return [ng.Goto(state["next"]), ng.Send(*state["x"])]


def data(state) -> Annotated[dict[str, Literal["no"]], "note"]: ...


Other = ng.Goto


@pytest.mark.parametrize(
    ("fn", "goto", "send", "dark"),
    [
        (by_constant, ("a",), ("b", "c"), set()),
        (by_condition, ("a", "b"), (), set()),
        (by_annotation, ("a", "b"), ("c",), set()),
        (by_text, ("a", "b"), (), set()),
        (by_name, ("z",), (), set()),
        (unreadable, (), (), {"Goto", "Send"}),
        (data, (), (), set()),
        (len, (), (), set()),
    ],
)
def test_targets_are_read_from_constants_and_return_types(fn, goto, send, dark):
    """Names in the code or in the annotation; what is neither is reported."""
    found: Any = targets_of(fn)
    assert (goto, send, dark) == (found.routes, found.sends, set(found.unreadable))


CELLS = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in json.load(sys.stdin):
    shell.run_cell(cell).raise_error()
"""


def test_functions_defined_in_cells_have_their_source():
    """Real IPython cells: sources, targets and predicates are read, and a re-run cell has its new source."""
    cells = [
        "import nbgraph as ng\ngraph = ng.Graph(name='g')",
        "@graph.node\ndef a(state):\n    return ng.Goto('b')\n\n@graph.node\ndef b(state):\n    return {'x': 1}",
        "graph.edge('a', 'b', when=lambda s: s['x'] > 1)\nfirst = graph.compile()",
        "@graph.node\ndef b(state):\n    return {'x': 2}\nsecond = graph.compile()",
        "a, b, c = first.nodes['a'], first.nodes['b'], second.nodes['b']",
        "facts = [a.source, b.source, c.source, dict(a.routes), a.edges[0].label, first.fingerprint == second.fingerprint]",
        "import json; print(json.dumps(facts))",
    ]
    done = subprocess.run(
        [sys.executable, "-c", CELLS], input=json.dumps(cells), capture_output=True, text=True, check=True, timeout=60
    )
    assert [
        "def a(state):\n    return ng.Goto('b')",
        "def b(state):\n    return {'x': 1}",
        "def b(state):\n    return {'x': 2}",
        {"b": "b"},
        "s['x'] > 1",
        False,
    ] == json.loads(done.stdout.splitlines()[-1])
