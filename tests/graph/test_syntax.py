"""Syntax trees, also where another thread makes one at the same moment."""

from __future__ import annotations

import ast
import gc
import sys

import pytest

import nbgraph as ng
from nbgraph.graph.syntax import parsed

TEXT = "def f(x):\n    return [x + 1, x * 2, (x, x)]\n" * 20


@pytest.fixture
def others():
    """``others(n)``: somebody else makes a syntax tree, at another depth, while the next ``n`` are being made."""
    left = [0]

    def comes_between(phase, info):
        if phase == "start" and left[0] and sys._getframe(1).f_code is ast.parse.__code__:
            left[0] -= 1
            ast.parse("1")

    before = gc.get_threshold()
    gc.callbacks.append(comes_between)
    gc.set_threshold(1)  # so that some are within the making of any tree
    yield lambda count: left.__setitem__(0, count)
    left[0] = 0
    gc.set_threshold(*before)
    gc.callbacks.remove(comes_between)


def test_a_tree_is_made_again_where_somebody_came_between(others):
    """What CPython 3.11 says then, of a depth that does not match, is nobody's to see."""
    others(3)
    assert 20 == len(parsed(TEXT).body)


def test_a_node_is_defined_while_somebody_makes_trees(others):
    """A graph can be built while another thread formats a traceback, say."""
    graph = ng.Graph(dict, name="g")
    others(3)
    graph.node(name="one")(lambda state: {"x": [1, (2, 3)]})

    @graph.node(after="one")
    def two(state):
        return {"x": state["x"] + [state["x"], (4, 5)]}

    assert [1, (2, 3), [1, (2, 3)], (4, 5)] == ng.Engine(graph).run().state["x"]


def test_what_is_wrong_with_a_text_is_said():
    """Only that one error is passed over."""
    with pytest.raises(SyntaxError):
        parsed("def")
