"""What can be said of runs from their rows alone: today, where two of them part.

``compare`` takes two ``Side``s and returns a ``Diff``. Knows the store's records and the codec; no engine,
no graph, no code of nodes: what is compared is what was written.
"""

from nbgraph.analysis.diff import Diff, compare
from nbgraph.analysis.differences import Difference
from nbgraph.analysis.sides import Side
from nbgraph.analysis.values import ABSENT

__all__ = ["ABSENT", "Diff", "Difference", "Side", "compare"]
