"""Hypothesis strategies for property tests: graphs, values, states.

Owns the public names and their documentation. Hypothesis is no dependency of nbgraph: it is imported when a
strategy is asked for; what is drawn is in ``drawing``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nbgraph.errors import NbgraphError, OptionsError

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    import nbgraph as ng


def graphs(
    min_nodes: int = 3,
    max_nodes: int = 10,
    *,
    failing: bool = False,
    conflicts: bool = False,
    subgraphs: bool = True,
) -> SearchStrategy[ng.Graph]:
    """Draw valid graphs whose every run, from any input of ``states(graph)``, ends.

    Of ``min_nodes`` to ``max_nodes`` nodes "n0", "n1", ...: fan-outs and joins of both kinds, predicates,
    ``Goto``, ``Send`` (also of nothing), loops that end, fields of several reducers beside ``log``. Nodes are
    pure: update and route are functions of the node's name and of all that it sees. A run takes a few hundred
    steps at most, mostly under thirty.

    ``failing``: some nodes raise ``ValueError`` for some states, some of them with an ``on_error`` edge.
    ``conflicts``: some write fields without reducer, so that a run may end with ``ConflictError``.
    ``subgraphs``: one node may be a subgraph of up to three nodes more. Examples shrink to fewer nodes,
    plain edges and fewer fields.

    Raises ``OptionsError`` if not 1 <= ``min_nodes`` <= ``max_nodes`` <= 10, and says so if Hypothesis is missing.

    >>> from hypothesis import given
    >>> import nbgraph as ng
    >>> @given(graph=graphs(max_nodes=4))
    ... def test_log_is_never_empty(graph):
    ...     assert ng.Engine(graph).run().state["log"]
    >>> test_log_is_never_empty()
    """
    if not 1 <= min_nodes <= max_nodes <= 10:
        expected = "1 <= min_nodes <= max_nodes <= 10"
        actual = (min_nodes, max_nodes)
        raise OptionsError(f"graphs of {min_nodes} to {max_nodes} nodes; {expected}", expected=expected, actual=actual)
    drawn: SearchStrategy[ng.Graph] = _drawing().graphs(
        min_nodes, max_nodes, failing=failing, conflicts=conflicts, subgraphs=subgraphs
    )
    return drawn


def values() -> SearchStrategy[Any]:
    """Draw values that a state can hold: numbers, texts, bytes, times, ids and containers of them.

    Without NaN, which equals nothing. Says so if Hypothesis is missing.

    >>> from hypothesis import given
    >>> from nbgraph.codec import decode, encode
    >>> @given(value=values())
    ... def test_values_survive(value):
    ...     assert decode(encode(value)) == value
    >>> test_values_survive()
    """
    drawn: SearchStrategy[Any] = _drawing().values()
    return drawn


def states(schema: Any = None) -> SearchStrategy[dict[str, Any]]:
    """Draw inputs for ``schema``: a ``Graph``, or whatever ``ng.Graph`` takes as a schema.

    Every required field without a default has a value of its type, each other one may have. A field of any
    type holds ``values()``; a schema of any fields, up to five of them. Raises ``GraphError`` for what is no
    schema, and says so if Hypothesis is missing.

    >>> from hypothesis import given
    >>> @given(state=states({"count": int, "names": list[str]}))
    ... def test_fields(state):
    ...     assert type(state["count"]) is int and all(type(name) is str for name in state["names"])
    >>> test_fields()
    """
    drawn: SearchStrategy[dict[str, Any]] = _drawing().states(schema)
    return drawn


def _drawing() -> Any:
    try:
        return import_module("nbgraph.testing.drawing")
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise NbgraphError(
            "the strategies of nbgraph.testing need Hypothesis, which is not installed", todo="pip install hypothesis"
        ) from error
