"""What every store promises of drivers: one at a time, and none that was taken over.

Owns the rules for leases. How long a lease lasts without a sign of life is each store's own.
"""

from __future__ import annotations

import pytest

from nbgraph.errors import RunBusyError, StoreError
from nbgraph.store import Store
from nbgraph.testing.records import run_record, step_record
from nbgraph.testing.stores.filling import filled


class DriversContract:
    """One rule a test; each holds for every store."""

    def test_ids_are_unique(self, store: Store) -> None:
        """An id that a live driver holds is busy; one that nobody holds exists; both are refused."""
        lease = store.create(run_record())
        with pytest.raises(RunBusyError):
            store.create(run_record())
        store.release(lease)
        with pytest.raises(StoreError):
            store.create(run_record())

    def test_one_driver(self, store: Store) -> None:
        """A second driver is refused by name while the first lives, and let in after it let go."""
        lease = filled(store, 1)
        with pytest.raises(RunBusyError) as caught:
            store.acquire("r")
        assert (lease.holder, "r") == (caught.value.holder, caught.value.run_id)
        store.release(lease)
        assert store.run("r").holder == ""
        assert lease.fence < store.acquire("r").fence

    def test_old_lease_is_refused(self, store: Store) -> None:
        """Whoever let go cannot commit or redescribe any more; letting go again takes nothing from the next."""
        old = filled(store, 1)
        store.release(old)
        new = store.acquire("r")
        with pytest.raises(RunBusyError):
            store.commit(old, [step_record(2)])
        with pytest.raises(RunBusyError):
            store.redescribe(old, "f", "{}")
        store.release(old)
        store.keep_alive(new)
        store.commit(new, [step_record(2)])

    def test_lease_after_deletion(self, store: Store) -> None:
        """A driver of a run that was deleted and made again is a stranger to the new one."""
        old = filled(store, 1)
        store.release(old)
        store.delete("r")
        store.create(run_record())
        with pytest.raises(RunBusyError):
            store.commit(old, [step_record(1)])
