"""Helpers for testing graphs and stores: time, order, crashes, and drawn examples that a test chooses.

What a store of your own must do is ``nbgraph.testing.stores.StoreContract``, a test class to inherit from; it stands
apart because it needs pytest. Imported by nothing in nbgraph.
"""

from nbgraph.testing.clock import FakeClock
from nbgraph.testing.crashing import POINTS, CrashingStore
from nbgraph.testing.finishing import FinishingCrew, ImpossibleOrderError, finishing
from nbgraph.testing.gated import GatedCrew
from nbgraph.testing.replaying import replay_all
from nbgraph.testing.strategies import graphs, states, values

__all__ = [
    "POINTS",
    "CrashingStore",
    "FakeClock",
    "FinishingCrew",
    "GatedCrew",
    "ImpossibleOrderError",
    "finishing",
    "graphs",
    "replay_all",
    "states",
    "values",
]
