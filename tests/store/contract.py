"""What every store promises. A test class of a store inherits ``StoreContract`` and supplies ``store``.

What it promises of calls and of forks is in ``contract_calls`` and ``contract_forks``.
"""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbgraph.errors import IdempotencyError, RunBusyError, RunNotFound, StoreError
from nbgraph.store import Origin, RunStatus, Store
from nbgraph.store.protocol import Lease
from tests.store.conftest import answer_record, event_record, run_record, step_record

# One store for all examples of a class, and one such test in each class: meant so.
_SHARED = [HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]
_texts = st.text(st.characters(codec="utf-8"), max_size=30)
_counts = st.integers(0, 2**31)


def filled(store: Store, steps: int = 5, run_id: str = "r") -> Lease:
    """Create a run with so many steps, one commit each."""
    lease = store.create(run_record(run_id))
    for number in range(1, steps + 1):
        store.commit(lease, [step_record(number, run_id)], [event_record(number, number)])
    return lease


class StoreContract:
    """One rule a test; each holds for every store."""

    def test_new_run_reads_back(self, store):
        """A created run is what was given, running, without steps, and held by its creator."""
        lease = store.create(run_record())
        row = store.run("r")
        assert (run_record(), RunStatus("running"), 0, lease.holder) == (row.record, row.status, row.steps, row.holder)

    def test_unknown_run(self, store):
        """Whatever is asked about a run that is not there, the answer is RunNotFound with its id."""
        lease = Lease("no", 1, "me")
        for ask in (
            lambda: store.run("no"), lambda: store.steps("no"), lambda: store.events("no"), lambda: store.delete("no"),
            lambda: store.descriptions("no"), lambda: store.last_mark("no"), lambda: store.lineage("no", 1),
            lambda: store.acquire("no"), lambda: store.rebase("no", 1, "{}"), lambda: store.commit(lease, []),
            lambda: store.redescribe(lease, "f", "{}"), lambda: store.record(lease, []), lambda: store.calls("no"),
            lambda: store.calls("no", unsettled=True), lambda: store.answers("no"), lambda: store.origin("no"),
            lambda: store.answer("no", answer_record(1)), lambda: store.fork(run_record("new"), Origin("no", 0)),
        ):  # fmt: skip
            with pytest.raises(RunNotFound) as caught:
                ask()
            assert caught.value.run_id == "no"

    def test_ids_are_unique(self, store):
        """An id that a live driver holds is busy; one that nobody holds exists; both are refused."""
        lease = store.create(run_record())
        with pytest.raises(RunBusyError):
            store.create(run_record())
        store.release(lease)
        with pytest.raises(StoreError):
            store.create(run_record())

    def test_steps_read_back_in_order(self, store):
        """Steps and events come back as they were committed, whole or by range."""
        filled(store, 5)
        expected = [step_record(number) for number in range(1, 6)]
        assert expected == list(store.steps("r"))
        assert expected[1:3] == list(store.steps("r", 2, 3))
        assert expected[3:] == list(store.steps("r", first=4))
        assert [] == list(store.steps("r", 6)) == list(store.steps("r", 3, 2)) == list(store.steps("r", 1, 0))
        assert [event_record(number, number) for number in range(1, 6)] == list(store.events("r"))

    def test_group_commit(self, store):
        """Several steps in one commit are kept in order; the run counts them."""
        lease = store.create(run_record())
        store.commit(lease, [step_record(n) for n in range(1, 400)], status=RunStatus("paused"))
        assert 399 == store.run("r").steps == len(list(store.steps("r")))
        assert store.run("r").status.status == "paused"

    def test_status_changes_with_its_steps(self, store):
        """A status is kept with all its parts, by a commit of its own too."""
        lease = filled(store, 2)
        status = RunStatus("completed", '{"a":1}', '{"base":2,"fold":[],"set":{}}')
        store.commit(lease, [], status=status)
        assert status == store.run("r").status

    @pytest.mark.parametrize("number", [0, 2, 4])
    def test_gap_is_refused_whole(self, store, number):
        """Steps that do not continue the numbering are refused, with everything that came along."""
        lease = filled(store, 2)
        before = (store.run("r"), list(store.steps("r")), list(store.events("r")))
        with pytest.raises(StoreError):
            store.commit(lease, [step_record(number)], [event_record(3)], RunStatus("failed"))
        with pytest.raises(StoreError):
            store.commit(lease, [step_record(3)], [event_record(number)], RunStatus("failed"))
        assert before == (store.run("r"), list(store.steps("r")), list(store.events("r")))
        store.commit(lease, [step_record(3)], [event_record(3)])

    def test_key_is_committed_once(self, store):
        """A key that exists, in this run or another or in the same commit, is refused; the next commit works."""
        lease, other = filled(store, 2), store.create(run_record("other"))
        with pytest.raises(IdempotencyError) as caught:
            store.commit(lease, [step_record(3), step_record(4, key=step_record(1).key)])
        assert caught.value.step == 4
        with pytest.raises(IdempotencyError):
            store.commit(other, [step_record(1)])
        with pytest.raises(IdempotencyError):
            store.commit(lease, [step_record(3), step_record(4, key=step_record(3).key)])
        assert store.run("r").steps == 2
        store.commit(lease, [step_record(3)])

    def test_one_driver(self, store):
        """A second driver is refused by name while the first lives, and let in after it let go."""
        lease = filled(store, 1)
        with pytest.raises(RunBusyError) as caught:
            store.acquire("r")
        assert (lease.holder, "r") == (caught.value.holder, caught.value.run_id)
        store.release(lease)
        assert store.run("r").holder == ""
        assert lease.fence < store.acquire("r").fence

    def test_old_lease_is_refused(self, store):
        """Whoever let go cannot commit or redescribe any more; letting go again takes nothing from the next."""
        old = filled(store, 1)
        store.release(old)
        new = store.acquire("r")
        for act in (lambda: store.commit(old, [step_record(2)]), lambda: store.redescribe(old, "f", "{}")):
            with pytest.raises(RunBusyError):
                act()
        store.release(old)
        store.keep_alive(new)
        store.commit(new, [step_record(2)])

    def test_lease_after_deletion(self, store):
        """A driver of a run that was deleted and made again is a stranger to the new one."""
        old = filled(store, 1)
        store.release(old)
        store.delete("r")
        store.create(run_record())
        with pytest.raises(RunBusyError):
            store.commit(old, [step_record(1)])

    def test_descriptions(self, store):
        """Each graph that a run followed is listed with the first step it applied to."""
        lease = filled(store, 2)
        assert list(store.descriptions("r")) == [(1, "f0", '{"nodes":["n"]}')]
        store.redescribe(lease, "f1", "[1]")
        store.redescribe(lease, "f2", "[2]")
        assert list(store.descriptions("r")) == [(1, "f0", '{"nodes":["n"]}'), (3, "f2", "[2]")]

    def test_runs_are_listed_oldest_first(self, store):
        """runs() has every run in the order of creation, with its steps."""
        for run_id in ("b", "a", "c"):
            filled(store, 2, run_id)
        assert [(row.record.run_id, row.steps) for row in store.runs()] == [("b", 2), ("a", 2), ("c", 2)]

    def test_lineage(self, store):
        """The lineage follows ``base`` from the nearest snapshot, or the input, to the step."""
        lease = store.create(run_record())
        store.commit(lease, [step_record(1), step_record(2), step_record(3, base=1), step_record(4, base=2)])
        store.commit(lease, [step_record(5, base=3, snapshot="{}"), step_record(6, base=5)])
        lines = {last: [record.step for record in store.lineage("r", last)] for last in (0, 1, 3, 4, 5, 6)}
        assert lines == {0: [], 1: [1], 3: [1, 3], 4: [1, 2, 4], 5: [5], 6: [5, 6]}
        with pytest.raises(StoreError):
            store.lineage("r", 7)

    def test_last_mark(self, store):
        """The last step with a mark is found, 0 before there is any."""
        lease = store.create(run_record())
        assert store.last_mark("r") == 0
        store.commit(lease, [step_record(1, mark=""), step_record(2), step_record(3, mark="")])
        assert store.last_mark("r") == 2

    def test_blobs(self, store):
        """A blob comes back by its SHA-256; one under a wrong name is refused, an unknown one too."""
        lease, data = store.create(run_record()), bytes(range(256))
        name = sha256(data).hexdigest()
        with pytest.raises(StoreError):
            store.commit(lease, [], blobs={"0" * 64: data})
        store.commit(lease, [], blobs={name: data})
        store.commit(lease, [], blobs={name: data})
        assert data == store.blob(name)
        with pytest.raises(StoreError):
            store.blob("0" * 64)

    def test_delete(self, store):
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

    def test_rebase(self, store):
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

    def test_rebase_drops_events_of_dropped_tasks(self, store):
        """Events of tasks whose steps went go too; those of others stay, and numbers go on."""
        lease = filled(store, 3)
        events = [event_record(4, 3, task=step_record(1).task), event_record(5, 3, task="live"), event_record(6, 3)]
        store.commit(lease, [], events)
        store.release(lease)
        store.rebase("r", 3, "{}")
        assert [event.seq for event in store.events("r")] == [1, 2, 3, 5, 6]
        store.commit(store.acquire("r"), [], [event_record(7, 3)])
        assert list(store.verify()) == []

    def test_rebase_refuses_what_later_steps_need(self, store):
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

    def test_empty_commit(self, store):
        """A commit of nothing is allowed."""
        store.commit(store.create(run_record()), [])
        assert store.run("r").steps == 0

    def test_closed_store(self, store):
        """A closed store says so; closing again does nothing."""
        lease = filled(store, 1)
        store.close()
        store.close()
        for act in (store.runs, store.verify, lambda: store.create(run_record()), lambda: store.acquire("r")):
            with pytest.raises(StoreError, match="closed"):
                act()
        with pytest.raises(StoreError, match="closed"):
            store.commit(lease, [step_record(2)])

    @settings(max_examples=40, suppress_health_check=_SHARED, deadline=None)
    @given(texts=st.lists(_texts, min_size=22, max_size=22), numbers=st.lists(_counts, min_size=3, max_size=3))
    def test_any_text_comes_back(self, store, texts, numbers):
        """Whatever texts and numbers records hold, NUL included, they come back the same."""
        run_id = f"run {len(store.runs())} {texts[0]}"
        run = run_record(run_id, graph=texts[1], fingerprint=texts[2], description=texts[3], input=texts[4])
        run = run._replace(seed=numbers[0] * 2**70 - 5, options=texts[5])
        step = step_record(1, run_id, task=texts[6], node=texts[7], status=texts[8], parents=texts[9], base=0)
        step = step._replace(update=texts[10], results=texts[11], merged=texts[12], arrivals=texts[13])
        step = step._replace(snapshot=texts[14], mark=texts[15], facts=texts[16], attempts=numbers[1])
        event = event_record(1, numbers[2], kind=texts[17], node=texts[18], task=texts[19], data=texts[20])
        status = RunStatus(texts[21], texts[1], texts[2])
        store.commit(store.create(run), [step], [event], status)
        row = store.run(run_id)
        assert (run, status, 1) == (row.record, row.status, row.steps)
        assert ([step], [event]) == (list(store.steps(run_id)), list(store.events(run_id)))
