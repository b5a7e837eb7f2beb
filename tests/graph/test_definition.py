"""Defining a graph cell by cell: any cell may run again, and keeps its place."""

import functools

import pytest

import nbgraph as ng
from nbgraph.errors import GraphError
from nbgraph.graph.definition import Graph


def step(state):
    return None


def chain(*names):
    graph = Graph(name="g")
    for before, name in zip((None, *names), names, strict=False):
        graph.node(step, name=name, after=before)
    return graph


def ways(graph, src):
    return [edge.dst for edge in graph.edges if edge.src == src]


def test_a_decorated_function_stays_what_it_is():
    """Bare or with arguments, the decorator returns the function unchanged."""
    graph = Graph(name="g")

    def one(state): ...

    async def two(state, ctx): ...

    assert one is graph.node(one)
    assert two is graph.node(after="one")(two)
    plan = graph.compile()
    assert (False, False) == (plan.nodes["one"].is_async, plan.nodes["one"].wants_ctx)
    assert (True, True) == (plan.nodes["two"].is_async, plan.nodes["two"].wants_ctx)


class Callable:
    async def __call__(self, state, ctx): ...

    def method(self, state): ...


def test_methods_partials_and_callable_objects_can_be_nodes():
    """Anything that takes (state) or (state, ctx)."""
    graph = Graph(name="g")
    graph.node(Callable(), name="object")
    graph.node(Callable().method, after="object")
    graph.node(functools.partial(lambda k, state: k, 1), name="partial", after="method")
    assert [True, False, False] == [node.is_async for node in graph.nodes]
    assert [True, False, False] == [node.wants_ctx for node in graph.nodes]


def no_parameters(): ...
def three(state, ctx, more): ...
def star(*args): ...
def keyword(state, *, ctx): ...
def captured(state, i=1): ...
def generator(state):
    yield


async def agenerator(state):
    yield


@pytest.mark.parametrize(
    "fn", [no_parameters, three, star, keyword, captured, generator, agenerator, int, 3, lambda s: s]
)
def test_what_cannot_be_a_node_is_refused_at_once(fn):
    """With the node's name, and what a node takes; a lambda needs a name."""
    with pytest.raises(GraphError):
        Graph(name="g").node(fn)


@pytest.mark.parametrize(
    "wrong",
    [
        {"retry": 0}, {"retry": "3"}, {"retry": True}, {"timeout": 0}, {"timeout": -1}, {"timeout": True},
        {"timeout": float("nan")}, {"limit": 0}, {"limit": 1.5}, {"join": "some"}, {"name": "a/b"}, {"name": ""},
        {"name": 3}, {"after": [3]}, {"after": step}, {"routes": [step]}, {"sends": [None]}, {"fields": {"a": "b"}},
        {"tiemout": 3},
    ],
)  # fmt: skip
def test_options_are_checked_where_they_are_written(wrong):
    """A value that makes no sense never becomes part of a graph."""
    graph = Graph(name="g")
    with pytest.raises(GraphError):
        graph.node(step, **wrong)
    assert () == graph.nodes


@pytest.mark.parametrize(
    "wrong",
    [
        {"when": "x"}, {"when": Callable().__call__}, {"when": len, "otherwise": True},
        {"otherwise": True, "on_error": True}, {"when": len, "on_error": OSError},
    ],
)  # fmt: skip
def test_an_edge_says_one_thing(wrong):
    """When, otherwise and on_error exclude each other; a predicate is a plain function."""
    with pytest.raises(GraphError):
        Graph(name="g").edge("a", "b", **wrong)


@pytest.mark.parametrize("name", ["", None, 3])
def test_a_graph_has_a_name(name):
    """A run's identity begins with it."""
    with pytest.raises(GraphError):
        Graph(name=name)


def test_a_node_defined_again_is_replaced_in_its_place():
    """Its place in declaration order stays, its code is the new one."""
    graph = chain("a", "b", "c")

    @graph.node(after="a")
    def b(state):
        return {"new": 1}

    assert ["a", "b", "c"] == [node.name for node in graph.nodes]
    assert b is graph.compile().nodes["b"].fn


def test_after_edges_belong_to_their_node():
    """Defined again, edges no longer listed vanish, those kept stay in their place, new ones go last."""
    graph = chain("a")
    graph.node(step, name="x", after="a")
    graph.node(step, name="y", after="a")
    graph.node(step, name="x", after="a")
    assert ["x", "y"] == ways(graph, "a")
    graph.node(step, name="x", after="y")
    assert (["y"], ["x"]) == (ways(graph, "a"), ways(graph, "y"))
    graph.node(step, name="x", after=["a", "y"])
    assert ["y", "x"] == ways(graph, "a")


def test_an_edge_defined_again_is_replaced_in_its_place():
    """Same ends, same name, both or neither on errors: the same edge."""
    graph = chain("a", "b")
    graph.edge("a", "c", when=bool)
    graph.edge("a", "d", otherwise=True)
    graph.edge("a", "c", when=len)
    graph.edge("a", "c", on_error=OSError)
    graph.edge("a", "c", when=all, name="second")
    assert ["b", "c", "d", "c", "c"] == ways(graph, "a")
    assert [None, len, None, None, all] == [edge.when for edge in graph.edges]


@pytest.mark.parametrize("node_first", [True, False])
def test_an_explicit_edge_says_more_than_after(node_first):
    """Whichever cell ran first."""
    graph = chain("a")
    cells = [lambda: graph.node(step, name="b", after="a"), lambda: graph.edge("a", "b", when=bool)]
    for cell in cells if node_first else reversed(cells):
        cell()
    assert [bool] == [edge.when for edge in graph.edges]


def test_removing_takes_what_touches_it():
    """A removed node's edges go with it; edges can go alone."""
    graph = chain("a", "b", "c")
    graph.remove("b")
    assert ((), ["a", "c"]) == (graph.edges, [node.name for node in graph.nodes])
    graph.edge("a", "c")
    graph.edge("a", "c", on_error=True)
    graph.remove_edge("a", "c", on_error=True)
    assert [()] == [edge.on_error for edge in graph.edges]
    graph.remove_edge("a", "c")
    assert () == graph.edges
    for wrong in (lambda: graph.remove("b"), lambda: graph.remove_edge("a", "c")):
        with pytest.raises(GraphError):
            wrong()


def test_a_plan_is_made_once_until_something_changes():
    """Also when the change is inside a subgraph."""
    inner, outer = chain("x"), chain("a")
    outer.node(inner, name="sub", after="a")
    plan = outer.compile()
    assert plan is outer.compile()
    inner.node(step, name="y", after="x")
    assert plan is not outer.compile()
    assert "sub/y" in outer.compile().nodes


def test_cells_may_run_in_any_order():
    """An edge or ``after`` may name a node that a later cell defines."""
    graph = Graph(name="g")
    graph.edge("a", "b")
    graph.node(step, name="c", after="b")
    graph.node(step, name="b")
    graph.node(step, name="a")
    assert "a" == graph.compile().start


def test_the_public_face_is_this_class():
    """``ng.Graph`` is what users hold; its repr is one short line."""
    assert Graph is ng.Graph
    assert "<Graph 'g': 2 nodes, 1 edges>" == repr(chain("a", "b"))
