"""Calls of the three real SDKs through recording clients, as spans."""

from __future__ import annotations

from json import loads
from typing import Any

import pytest

import nbgraph as ng
from nbgraph.observe.tracing import names
from nbgraph.testing import ModelServer
from tests.clients.sdks import PROMPT, SDKS, closing
from tests.observe.traced import tree

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:The model 'claude:DeprecationWarning"),  # the SDK's, of its day
]
OPERATIONS = {"openai": "chat", "anthropic": "chat", "google": "generate_content"}
SAME = (names.RESPONSE_MODEL, names.INPUT_TOKENS, names.OUTPUT_TOKENS, names.FINISH, names.EXACT, names.PROVIDER)


@pytest.mark.parametrize("sdk", SDKS.values(), ids=list(SDKS))
def test_a_call_tells_the_same_whole_and_in_parts(sdk: Any):
    """A streamed answer's span says what that of a whole one does: model, provider, tokens, why it ended, what was said."""

    def both(state: Any) -> None:
        with closing(sdk(server.url).client()) as client:
            sdk(server.url).ask(client)
            assert list(sdk(server.url).stream(client))

    graph = ng.Graph({"n": int}, name="sdk")
    graph.node(both, name="both")
    with ModelServer() as server, ng.Engine(graph, store=":memory:", quiet=True) as engine:
        whole, parts = tree(engine.run(), "call", content=True)
    assert [f"{OPERATIONS[sdk.name]} {sdk.model}"] * 2 == [whole.name, parts.name]
    assert [whole.facts[fact] for fact in SAME] == [parts.facts[fact] for fact in SAME]
    assert sdk.answered == whole.facts[names.RESPONSE_MODEL]
    (first,), (second,) = (loads(span.facts[names.OUTPUT_MESSAGES]) for span in (whole, parts))
    assert first == second
    assert first["parts"][0]["content"]
    (asked,) = loads(whole.facts[names.INPUT_MESSAGES])
    assert ("user", PROMPT) == (asked["role"], asked["parts"][0]["content"])
