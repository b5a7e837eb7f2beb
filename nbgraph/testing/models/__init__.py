"""A small local server that speaks to the SDKs of model providers: for tutorials without keys, and for tests.

It is a stand-in and no model: answers come from a function (``stand_in`` unless another is given), and every
answer says so. ``server`` is the server; ``asked`` and ``answer`` what is asked and answered, whoever's words they
are in; ``chat``, ``responses``, ``messages`` and ``generate`` one provider's words each; ``faults`` what goes wrong
on demand; ``handling`` one request's way; ``stand_in`` and ``review`` the default answers; ``tokens`` how
tokens are counted.
"""

from nbgraph.testing.models.answer import Reply, ToolCall
from nbgraph.testing.models.asked import Asked
from nbgraph.testing.models.faults import Hold
from nbgraph.testing.models.server import ModelServer
from nbgraph.testing.models.stand_in import stand_in
from nbgraph.testing.models.tokens import count_tokens

__all__ = ["Asked", "Hold", "ModelServer", "Reply", "ToolCall", "count_tokens", "stand_in"]
