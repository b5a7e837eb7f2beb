"""Helpers for testing graphs and stores: time, order, crashes, drawn examples, and a local server instead of models.

What a store of your own must do is ``nbgraph.testing.stores.StoreContract``, a test class to inherit from; it stands
apart because it needs pytest. Imported by nothing in nbgraph.
"""

from nbgraph.testing.clock import FakeClock
from nbgraph.testing.crashing import POINTS, CrashingStore
from nbgraph.testing.finishing import FinishingCrew, ImpossibleOrderError, finishing
from nbgraph.testing.gated import GatedCrew
from nbgraph.testing.models import Asked, ModelServer, Reply, ToolCall
from nbgraph.testing.replaying import replay_all
from nbgraph.testing.strategies import graphs, states, values

__all__ = [
    "POINTS",
    "Asked",
    "CrashingStore",
    "FakeClock",
    "FinishingCrew",
    "GatedCrew",
    "ImpossibleOrderError",
    "ModelServer",
    "Reply",
    "ToolCall",
    "finishing",
    "graphs",
    "replay_all",
    "states",
    "values",
]
