"""What every store promises of recorded calls, questions and answers.

Owns the rules for ``record``, ``calls``, ``answer`` and ``answers``.
"""

from __future__ import annotations

import threading
from hashlib import sha256

import pytest
from hypothesis import given

from nbgraph.errors import RunBusyError, StoreError
from nbgraph.store import CallRecord, Store
from nbgraph.testing.records import answer_record, call_record, question, run_record, step_record
from nbgraph.testing.stores.drawn import counts, drawn_often, texts_drawn
from nbgraph.testing.stores.filling import filled


class CallsContract:
    """One rule a test; each holds for every store."""

    def test_lines_are_numbered(self, store: Store) -> None:
        """Lines of the log get the next numbers, whatever they came with, and come back in order."""
        lease = filled(store, 1)
        assert (1, 2, 4) == (
            store.record(lease, [call_record()]),
            store.record(lease, [call_record(9, 2), call_record(9, 3)]),
            store.record(lease, []),
        )
        assert store.record(lease, [call_record(time=7)]) == 4
        expected = [call_record(1), call_record(2, 2), call_record(3, 3), call_record(4, time=7.0)]
        assert (expected, 1) == (list(store.calls("r")), store.run("r").steps)

    def test_log_goes_on_with_the_next_driver(self, store: Store) -> None:
        """Numbers go on where the last driver's ended, beside commits."""
        first = filled(store, 1)
        store.record(first, [call_record()])
        store.release(first)
        lease = store.acquire("r")
        store.commit(lease, [step_record(2)])
        assert store.record(lease, [call_record()]) == 2
        assert list(store.verify()) == []

    def test_old_lease_records_nothing(self, store: Store) -> None:
        """Whoever let go cannot record any more, and nothing of what it gave is kept."""
        old, data = filled(store, 1), b"large"
        name = sha256(data).hexdigest()
        store.release(old)
        new = store.acquire("r")
        with pytest.raises(RunBusyError):
            store.record(old, [call_record()], {name: data})
        with pytest.raises(StoreError):
            store.blob(name)
        assert (list(store.calls("r")), store.record(new, [call_record()])) == ([], 1)

    def test_bad_blob_keeps_nothing(self, store: Store) -> None:
        """Lines that come with a blob under a wrong name are refused with it; the next ones are kept."""
        lease = filled(store, 1)
        store.record(lease, [call_record()])
        with pytest.raises(StoreError):
            store.record(lease, [call_record()], {"0" * 64: b"data"})
        assert (store.record(lease, [call_record()]), len(store.calls("r"))) == (2, 2)

    def test_threads_record_beside_commits(self, store: Store) -> None:
        """Lines from several threads and steps from another lose nothing and share no number."""
        lease = store.create(run_record())
        numbers: list[int] = []

        def write() -> None:
            numbers.extend(store.record(lease, [call_record()]) for _ in range(25))

        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        for step in range(1, 26):
            store.commit(lease, [step_record(step)])
        for thread in threads:
            thread.join(30)
        assert list(range(1, 101)) == sorted(numbers) == [call.seq for call in store.calls("r")]
        assert (store.run("r").steps, list(store.verify())) == (25, [])

    def test_unsettled_lines(self, store: Store) -> None:
        """Unsettled lines are those of tasks without a committed step, in order."""
        lease = filled(store, 2)
        store.record(lease, [call_record(step=step) for step in (1, 3, 2, 4, 3)])
        assert [2, 4, 5] == [call.seq for call in store.calls("r", unsettled=True)]
        store.commit(lease, [step_record(3)])
        assert [call_record(4, 4)] == list(store.calls("r", unsettled=True))
        assert len(store.calls("r")) == 5

    def test_answers(self, store: Store) -> None:
        """An answer comes in beside the driver, or without one, once; answers are listed by question."""
        lease = filled(store, 1)
        store.record(lease, [question(step=2), question(step=3), call_record(step=2)])
        assert list(store.answers("r")) == []
        store.answer("r", answer_record(2))
        store.release(lease)
        store.answer("r", answer_record(1, time=5, value="[1]"))
        assert [answer_record(1, time=5.0, value="[1]"), answer_record(2)] == list(store.answers("r"))
        for number in (1, 2):
            with pytest.raises(StoreError, match="already"):
                store.answer("r", answer_record(number, value="2"))
        assert list(store.verify()) == []

    @pytest.mark.parametrize("number", [-1, 0, 3, 4, 2**32 + 1, 2**70])
    def test_answers_without_question(self, store: Store, number: int) -> None:
        """What is no question of the log cannot be answered."""
        lease = filled(store, 1)
        store.record(store.create(run_record("other")), [question()])
        store.record(lease, [question(), question(), call_record()])
        with pytest.raises(StoreError, match="no question"):
            store.answer("r", answer_record(number))
        assert list(store.answers("r")) == []

    def test_question_settled_in_the_log(self, store: Store) -> None:
        """A question that the log holds an answer to, a default say, takes no other; one of the same text does."""
        lease = filled(store, 1)
        store.record(lease, [question(), question(name="1"), call_record(phase="answered")])
        with pytest.raises(StoreError, match="already"):
            store.answer("r", answer_record(1))
        store.answer("r", answer_record(2))

    def test_blobs_of_calls_stay(self, store: Store) -> None:
        """Large values that only a line or an answer refers to stay when other runs go, and go with their own."""
        names = [sha256(data).hexdigest() for data in (b"called", b"answered", b"other")]
        texts = [f'{{"$blob":"{name}"}}' for name in names]
        other, lease = filled(store, 1, "other"), filled(store, 1)
        store.record(other, [call_record(data=texts[2])], {names[2]: b"other"})
        store.record(lease, [call_record(data=texts[0]), question()], {names[0]: b"called", names[1]: b"answered"})
        store.answer("r", answer_record(2, value=texts[1]))
        store.release(other)
        store.delete("other")
        assert [store.blob(names[0]), store.blob(names[1])] == [b"called", b"answered"]
        store.release(lease)
        store.delete("r")
        for name in names:
            with pytest.raises(StoreError):
                store.blob(name)

    def test_deleted_log(self, store: Store) -> None:
        """A deleted run's lines and answers are gone; a new run of that id begins at 1."""
        lease = filled(store, 1)
        store.record(lease, [question(), question()])
        store.answer("r", answer_record(1))
        store.release(lease)
        store.delete("r")
        lease = store.create(run_record())
        assert ([], [], 1) == (list(store.calls("r")), list(store.answers("r")), store.record(lease, [question()]))
        store.answer("r", answer_record(1))
        assert list(store.verify()) == []

    def test_rebase_drops_calls_of_dropped_tasks(self, store: Store) -> None:
        """Lines and answers of tasks whose steps went go too; others keep their numbers, and numbers go on."""
        lease = filled(store, 3)
        store.record(lease, [question(step=step) for step in (1, 4, 3, 2, 1)])
        for number in (1, 2, 3):
            store.answer("r", answer_record(number))
        store.release(lease)
        store.rebase("r", 3, "{}")
        assert [question(2, 4), question(3, 3)] == list(store.calls("r"))
        assert [answer_record(2), answer_record(3)] == list(store.answers("r"))
        assert [question(2, 4)] == list(store.calls("r", unsettled=True))
        with pytest.raises(StoreError, match="no question"):
            store.answer("r", answer_record(5))
        store.rebase("r", 3, "{}")
        lease = store.acquire("r")
        assert (store.record(lease, [question(step=5)]), list(store.verify())) == (6, [])
        assert [2, 6] == [call.seq for call in store.calls("r", unsettled=True)]
        after = [[call.seq for call in store.calls("r", after=number)] for number in range(8)]
        assert [[2, 3, 6], [2, 3, 6], [3, 6], [6], [6], [6], [], []] == after

    @drawn_often
    @given(texts=texts_drawn(8), attempt=counts)
    def test_any_call_comes_back(self, store: Store, texts: list[str], attempt: int) -> None:
        """Whatever texts lines and answers hold, NUL included, they come back the same."""
        run_id = f"run {len(store.runs())}"
        lease = store.create(run_record(run_id))
        line = CallRecord(1, 0.1, texts[0], texts[1], attempt, *texts[2:6])
        asked = line._replace(seq=2, phase="asked", name=texts[2] + "?")
        store.record(lease, [line, asked])
        store.answer(run_id, answer_record(2, value=texts[6], by=texts[7]))
        assert [line, asked] == list(store.calls(run_id)) == list(store.calls(run_id, unsettled=True))
        assert [answer_record(2, value=texts[6], by=texts[7])] == list(store.answers(run_id))
