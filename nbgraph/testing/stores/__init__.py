"""The store contract: what a store must do, as a test class for authors of stores.

    from nbgraph.testing.stores import StoreContract

Owns the way in; ``StoreContract`` says how it is used. Needs pytest and Hypothesis, which ``import nbgraph.testing``
does not load. ``runs``, ``drivers``, ``removals``, ``calls`` and ``forks`` are its parts, ``filling`` and ``drawn``
what they share; the records that they put into a store are in ``nbgraph.testing.records``.
"""

import pytest

# Before they are imported, so that a failed rule shows its values, also where pytest loads no plugins.
_PARTS = ("runs", "drivers", "removals", "calls", "forks")
pytest.register_assert_rewrite(*(f"{__name__}.{part}" for part in _PARTS))

from nbgraph.testing.stores.contract import StoreContract  # noqa: E402 - see above

__all__ = ["StoreContract"]
