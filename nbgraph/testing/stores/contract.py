"""The contract as one class.

Owns ``StoreContract`` and its documentation. The rules are in the parts that it inherits.
"""

from __future__ import annotations

import pytest

from nbgraph.store import Store
from nbgraph.testing.stores.calls import CallsContract
from nbgraph.testing.stores.drivers import DriversContract
from nbgraph.testing.stores.forks import ForksContract
from nbgraph.testing.stores.removals import RemovalsContract
from nbgraph.testing.stores.runs import RunsContract


class StoreContract(RunsContract, DriversContract, RemovalsContract, CallsContract, ForksContract):
    """What every store promises, one rule a test; a store is done when all of them pass.

    Inherit from it in a test module, in a class whose name pytest collects, and supply the fixture ``store``: a new,
    empty store for each test. Here the store is the one in memory; put your own in its place:

    >>> import pytest
    >>> from nbgraph.store import MemoryStore
    >>> from nbgraph.testing.stores import StoreContract
    >>> class TestMyStore(StoreContract):
    ...     @pytest.fixture
    ...     def store(self, tmp_path):
    ...         with MemoryStore() as store:
    ...             yield store

    The protocol, with what each method returns and raises, is ``nbgraph.store.Store``. Beside it, the contract reads a
    word in some errors, so that a person can tell them apart: "closed" in those of a closed store, "already" and "no
    question" in those about answers, in quotes the id of a fork that is in the way, and "fork" behind the id of a fork
    that is to be rebased. The slowest test makes some 400 commits. What it cannot know of a store is left to that
    store's own tests: crashes, several processes, how long a lease lasts, damaged files.
    """

    @pytest.fixture
    def store(self) -> Store:
        """Return the store under test, new and empty; each subclass has its own."""
        raise NotImplementedError("a subclass of StoreContract supplies the fixture `store`: a new, empty store")
