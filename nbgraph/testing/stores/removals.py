"""What every store promises when something is to go: a run, or the beginning of one.

Owns the rules for ``delete`` and ``rebase``, also beside forks. What goes with a run's calls is in ``calls``.
"""

from __future__ import annotations

from hashlib import sha256

import pytest

from nbgraph.errors import RunBusyError, StoreError
from nbgraph.store import Store
from nbgraph.testing.records import event_record, run_record, step_record
from nbgraph.testing.stores.filling import all_of, filled, forked, keys


class RemovalsContract:
    """One rule a test; each holds for every store."""

    def test_delete(self, store: Store) -> None:
        """A deleted run is gone whole, with its keys and the blobs that only it refers to; others stay."""
        names = [sha256(data).hexdigest() for data in (b"mine", b"both")]
        text = f'{{"a":{{"$blob":"{names[1]}"}}}}'
        other = store.create(run_record("other", input=text))
        lease = store.create(run_record())
        both = f'{{"a":{{"$blob":"{names[0]}"}},"b":{text}}}'
        store.commit(lease, [step_record(1, update=both)], blobs={names[0]: b"mine", names[1]: b"both"})
        with pytest.raises(RunBusyError):
            store.delete("r")
        store.release(lease)
        store.delete("r")
        assert ([row.record.run_id for row in store.runs()], store.blob(names[1])) == (["other"], b"both")
        with pytest.raises(StoreError):
            store.blob(names[0])
        store.commit(other, [step_record(1)])
        assert list(store.verify()) == []

    def test_rebase(self, store: Store) -> None:
        """After a rebase the run begins at the step, with the snapshot, and goes on as before."""
        lease = filled(store, 6)
        with pytest.raises(RunBusyError):
            store.rebase("r", 4, "{}")
        store.release(lease)
        store.rebase("r", 4, '{"count":4}')
        expected = [step_record(4, snapshot='{"count":4}'), step_record(5), step_record(6)]
        assert expected == list(store.steps("r")) == list(store.lineage("r", 6))
        assert store.run("r").steps == 6
        assert len(store.events("r")) == 6
        lease = store.acquire("r")
        store.commit(lease, [step_record(7)], [event_record(7, 7)])
        assert [record.step for record in store.steps("r")] == [4, 5, 6, 7]
        with pytest.raises(StoreError):
            store.lineage("r", 3)
        assert list(store.verify()) == []

    def test_rebase_drops_events_of_dropped_tasks(self, store: Store) -> None:
        """Events of tasks whose steps went go too; those of others stay, and numbers go on."""
        lease = filled(store, 3)
        events = [event_record(4, 3, task=step_record(1).task), event_record(5, 3, task="live"), event_record(6, 3)]
        store.commit(lease, [], events)
        store.release(lease)
        store.rebase("r", 3, "{}")
        assert [event.seq for event in store.events("r")] == [1, 2, 3, 5, 6]
        store.commit(store.acquire("r"), [], [event_record(7, 3)])
        after = [[event.seq for event in store.events("r", after=number)] for number in (0, 2, 4, 6, 7, 8)]
        assert [[1, 2, 3, 5, 6, 7], [3, 5, 6, 7], [5, 6, 7], [7], [], []] == after
        assert list(store.verify()) == []

    def test_rebase_refuses_what_later_steps_need(self, store: Store) -> None:
        """Nothing is removed when there is no such step, it has no mark, or a later one builds on an earlier one."""
        lease = store.create(run_record())
        later = [step_record(4, base=1), step_record(5, base=3, merged='{"fold":[2],"set":{}}')]
        store.commit(lease, [step_record(1, mark=""), step_record(2), step_record(3), *later])
        store.commit(lease, [step_record(6, snapshot="{}")])
        store.release(lease)
        before = list(store.steps("r"))
        for step in (1, 2, 3, 7):
            with pytest.raises(StoreError):
                store.rebase("r", step, "{}")
        assert before == list(store.steps("r"))
        store.rebase("r", 6, "{}")

    def test_origin_is_not_deleted(self, store: Store) -> None:
        """A run with forks stays, whole, and the error names them; a fork goes, and then its origin may."""
        store.release(filled(store, 3))
        store.release(forked(store, 2, more=1))
        store.release(forked(store, 3, "g", "f"))
        before = all_of(store, "r"), all_of(store, "g")
        for run_id, fork in (("r", "'f'"), ("f", "'g'")):
            with pytest.raises(StoreError, match=fork):
                store.delete(run_id)
        assert before == (all_of(store, "r"), all_of(store, "g"))
        for run_id in ("g", "f", "r"):
            store.delete(run_id)
        assert (list(store.runs()), list(store.verify())) == ([], [])
        filled(store, 3)
        assert (store.origin("r"), keys(store, "r")) == (None, "r1 r2 r3")

    def test_rebase_of_origin(self, store: Store) -> None:
        """A run may begin later if no fork needs what goes; its forks read as before from there on."""
        store.release(filled(store, 6))
        store.release(forked(store, 5, more=2))
        store.release(forked(store, 4, "g", "f", more=1))
        before = [list(store.steps(run_id, 5)) for run_id in ("f", "g")]
        store.rebase("r", 4, "{}")
        assert ("r4 r5 f6 f7", "r4 g5") == (keys(store, "f"), keys(store, "g"))
        assert before == [list(store.steps(run_id, 5)) for run_id in ("f", "g")]
        assert [4, 5, 6, 7] == [record.step for record in store.lineage("f", 7)]
        assert list(store.verify()) == []
        store.commit(store.acquire("f"), [step_record(8, "f")])
        store.commit(store.acquire("g"), [step_record(6, "g")])
        assert list(store.verify()) == []

    @pytest.mark.parametrize("step", [3, 5, 6])
    def test_rebase_refuses_what_forks_need(self, store: Store, step: int) -> None:
        """A run with a fork before its new beginning, or one that builds on what would go, stays; the fork is named."""
        store.release(filled(store, 6))
        fork = forked(store, 5)
        store.commit(fork, [step_record(6, "f", base=2)])
        store.release(fork)
        before = all_of(store, "r"), all_of(store, "f")
        with pytest.raises(StoreError, match="'f'"):
            store.rebase("r", step, "{}")
        assert before == (all_of(store, "r"), all_of(store, "f"))
        store.rebase("r", 2, "{}")

    def test_rebase_refuses_forks_of_forks(self, store: Store) -> None:
        """Forks of forks count; a fork has no other beginning than its origin's."""
        store.release(filled(store, 6))
        store.release(forked(store, 5, more=1))
        store.release(forked(store, 2, "g", "f"))
        with pytest.raises(StoreError, match="'g'"):
            store.rebase("r", 3, "{}")
        for run_id in ("f", "g"):
            with pytest.raises(StoreError, match=f"'{run_id}' .* fork"):
                store.rebase(run_id, 2, "{}")
        assert keys(store, "g") == "r1 r2"

    def test_rebase_under_a_driven_fork(self, store: Store) -> None:
        """While a fork is driven its origin keeps its beginning: what comes next may build on any of it."""
        store.release(filled(store, 4))
        lease = forked(store, 4)
        with pytest.raises(RunBusyError) as caught:
            store.rebase("r", 2, "{}")
        assert (caught.value.run_id, caught.value.holder) == ("f", lease.holder)
        store.release(lease)
        store.rebase("r", 2, "{}")
