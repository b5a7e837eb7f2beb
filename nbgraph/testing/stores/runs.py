"""What every store promises of runs: records in, the same records out, whole commits.

Owns the rules for steps, events, status, descriptions, lineage and blobs.
"""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbgraph.errors import IdempotencyError, RunNotFound, StoreError
from nbgraph.store import Lease, Origin, RunStatus, Store
from nbgraph.testing.records import answer_record, event_record, run_record, step_record
from nbgraph.testing.stores.drawn import counts, drawn_often, texts_drawn
from nbgraph.testing.stores.filling import filled


class RunsContract:
    """One rule a test; each holds for every store."""

    def test_new_run_reads_back(self, store: Store) -> None:
        """A created run is what was given, running, without steps, and held by its creator."""
        lease = store.create(run_record())
        row = store.run("r")
        assert (run_record(), RunStatus("running"), 0, lease.holder) == (row.record, row.status, row.steps, row.holder)

    def test_unknown_run(self, store: Store) -> None:
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

    def test_steps_read_back_in_order(self, store: Store) -> None:
        """Steps and events come back as they were committed, whole or by range."""
        filled(store, 5)
        expected = [step_record(number) for number in range(1, 6)]
        assert expected == list(store.steps("r"))
        assert expected[1:3] == list(store.steps("r", 2, 3))
        assert expected[3:] == list(store.steps("r", first=4))
        assert [] == list(store.steps("r", 6)) == list(store.steps("r", 3, 2)) == list(store.steps("r", 1, 0))
        assert [event_record(number, number) for number in range(1, 6)] == list(store.events("r"))

    def test_group_commit(self, store: Store) -> None:
        """Several steps in one commit are kept in order; the run counts them."""
        lease = store.create(run_record())
        store.commit(lease, [step_record(n) for n in range(1, 400)], status=RunStatus("paused"))
        assert 399 == store.run("r").steps == len(list(store.steps("r")))
        assert store.run("r").status.status == "paused"

    def test_status_changes_with_its_steps(self, store: Store) -> None:
        """A status is kept with all its parts, by a commit of its own too."""
        lease = filled(store, 2)
        status = RunStatus("completed", '{"a":1}', '{"base":2,"fold":[],"set":{}}')
        store.commit(lease, [], status=status)
        assert status == store.run("r").status

    @pytest.mark.parametrize("number", [0, 2, 4])
    def test_gap_is_refused_whole(self, store: Store, number: int) -> None:
        """Steps that do not continue the numbering are refused, with everything that came along."""
        lease = filled(store, 2)
        before = (store.run("r"), list(store.steps("r")), list(store.events("r")))
        with pytest.raises(StoreError):
            store.commit(lease, [step_record(number)], [event_record(3)], RunStatus("failed"))
        with pytest.raises(StoreError):
            store.commit(lease, [step_record(3)], [event_record(number)], RunStatus("failed"))
        assert before == (store.run("r"), list(store.steps("r")), list(store.events("r")))
        store.commit(lease, [step_record(3)], [event_record(3)])

    def test_key_is_committed_once(self, store: Store) -> None:
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

    def test_descriptions(self, store: Store) -> None:
        """Each graph that a run followed is listed with the first step it applied to."""
        lease = filled(store, 2)
        assert list(store.descriptions("r")) == [(1, "f0", '{"nodes":["n"]}')]
        store.redescribe(lease, "f1", "[1]")
        store.redescribe(lease, "f2", "[2]")
        assert list(store.descriptions("r")) == [(1, "f0", '{"nodes":["n"]}'), (3, "f2", "[2]")]

    def test_runs_are_listed_oldest_first(self, store: Store) -> None:
        """runs() has every run in the order of creation, with its steps."""
        for run_id in ("b", "a", "c"):
            filled(store, 2, run_id)
        assert [(row.record.run_id, row.steps) for row in store.runs()] == [("b", 2), ("a", 2), ("c", 2)]

    def test_lineage(self, store: Store) -> None:
        """The lineage follows ``base`` from the nearest snapshot, or the input, to the step."""
        lease = store.create(run_record())
        store.commit(lease, [step_record(1), step_record(2), step_record(3, base=1), step_record(4, base=2)])
        store.commit(lease, [step_record(5, base=3, snapshot="{}"), step_record(6, base=5)])
        lines = {last: [record.step for record in store.lineage("r", last)] for last in (0, 1, 3, 4, 5, 6)}
        assert lines == {0: [], 1: [1], 3: [1, 3], 4: [1, 2, 4], 5: [5], 6: [5, 6]}
        with pytest.raises(StoreError):
            store.lineage("r", 7)

    def test_last_mark(self, store: Store) -> None:
        """The last step with a mark is found, 0 before there is any."""
        lease = store.create(run_record())
        assert store.last_mark("r") == 0
        store.commit(lease, [step_record(1, mark=""), step_record(2), step_record(3, mark="")])
        assert store.last_mark("r") == 2

    def test_blobs(self, store: Store) -> None:
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

    def test_empty_commit(self, store: Store) -> None:
        """A commit of nothing is allowed."""
        store.commit(store.create(run_record()), [])
        assert store.run("r").steps == 0

    def test_closed_store(self, store: Store) -> None:
        """A closed store says so; closing again does nothing."""
        lease = filled(store, 1)
        store.close()
        store.close()
        for act in (store.runs, store.verify, lambda: store.create(run_record()), lambda: store.acquire("r")):
            with pytest.raises(StoreError, match="closed"):
                act()
        with pytest.raises(StoreError, match="closed"):
            store.commit(lease, [step_record(2)])

    @drawn_often
    @given(texts=texts_drawn(22), numbers=st.lists(counts, min_size=3, max_size=3))
    def test_any_text_comes_back(self, store: Store, texts: list[str], numbers: list[int]) -> None:
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
