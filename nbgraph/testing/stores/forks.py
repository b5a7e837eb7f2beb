"""What every store promises of forks: a shared past, a future of one's own.

Owns the rules for ``fork`` and ``origin``, and for reading what is shared.
"""

from __future__ import annotations

import pytest

from nbgraph.errors import IdempotencyError, RunBusyError, StoreError
from nbgraph.store import Origin, RunStatus, Store
from nbgraph.testing.records import answer_record, call_record, event_record, question, run_record, step_record
from nbgraph.testing.stores.filling import all_of, filled, forked, keys


class ForksContract:
    """One rule a test; each holds for every store."""

    def test_fork_shares_the_past(self, store: Store) -> None:
        """A fork has its origin's steps up to the shared one, then its own, numbered on; the origin is as it was."""
        filled(store, 5)
        before = all_of(store, "r")
        lease = forked(store, 3, more=2)
        store.commit(lease, [], [event_record(1, 5)], RunStatus("paused"))
        assert (keys(store, "f"), keys(store, "f", 2, 4)) == ("r1 r2 r3 f4 f5", "r2 r3 f4")
        assert [keys(store, "f", *span) for span in ((4,), (6,), (0, 1), (3, 3), (4, 3))] == [
            "f4 f5",
            "",
            "r1",
            "r3",
            "",
        ]
        row = store.run("f")
        assert (row.steps, row.record.input, row.holder) == (5, run_record().input, lease.holder)
        assert ([event_record(1, 5)], Origin("r", 3), None) == (store.events("f"), store.origin("f"), store.origin("r"))
        assert before == all_of(store, "r")
        assert [row.record.input for row in store.runs()] == [run_record().input] * 2
        assert list(store.verify()) == []

    def test_new_fork_is_where_its_origin_was(self, store: Store) -> None:
        """A fork without steps of its own, of a step or of the input alone, reads as its origin did by then."""
        filled(store, 5)
        for step in (0, 3, 5):
            lease = forked(store, step, f"f{step}")
            assert (step, step, step) == (
                store.run(f"f{step}").steps, len(list(store.steps(f"f{step}"))), store.last_mark(f"f{step}"),
            )  # fmt: skip
            assert store.lineage(f"f{step}", step) == store.lineage("r", step)
            with pytest.raises(StoreError):
                store.lineage(f"f{step}", step + 1)
            store.commit(lease, [], status=RunStatus("completed"))
            assert list(store.verify()) == []

    def test_fork_of_what_runs(self, store: Store) -> None:
        """The origin may be driven meanwhile: what it commits later is not the fork's."""
        lease = filled(store, 3)
        other = forked(store, 3)
        store.commit(lease, [step_record(4)])
        store.commit(other, [step_record(4, "f")])
        store.commit(lease, [step_record(5)])
        assert (keys(store, "r"), keys(store, "f")) == ("r1 r2 r3 r4 r5", "r1 r2 r3 f4")

    def test_lineage_crosses_over(self, store: Store) -> None:
        """A fork's lineage goes on along ``base`` into its origin's, up to the nearest snapshot there."""
        lease = store.create(run_record())
        store.commit(lease, [step_record(1), step_record(2, snapshot="{}"), step_record(3), step_record(4, base=1)])
        fork = forked(store, 4)
        store.commit(fork, [step_record(5, "f", base=3), step_record(6, "f", base=4), step_record(7, "f", base=5)])
        store.commit(fork, [step_record(8, "f", base=0), step_record(9, "f", base=7, snapshot="{}")])
        lines = {last: [record.step for record in store.lineage("f", last)] for last in range(10)}
        assert lines == {
            0: [], 1: [1], 2: [2], 3: [2, 3], 4: [1, 4], 5: [2, 3, 5], 6: [1, 4, 6], 7: [2, 3, 5, 7], 8: [8], 9: [9],
        }  # fmt: skip

    def test_marks_of_forks(self, store: Store) -> None:
        """The last mark is the fork's own, else the origin's last one before the fork."""
        lease = store.create(run_record())
        store.commit(lease, [step_record(1), step_record(2, mark=""), step_record(3)])
        fork = forked(store, 2)
        assert store.last_mark("f") == 1
        store.commit(fork, [step_record(3, "f", mark=""), step_record(4, "f"), step_record(5, "f", mark="")])
        assert store.last_mark("f") == 4

    def test_graphs_of_forks(self, store: Store) -> None:
        """A fork lists the graphs of the shared steps, then its own from its first step on."""
        lease = filled(store, 2)
        store.redescribe(lease, "r1", "[3]")
        store.commit(lease, [step_record(3), step_record(4)])
        store.redescribe(lease, "r2", "[5]")
        fork = forked(store, 3, more=1)
        store.redescribe(fork, "f1", "[5]")
        forked(store, 0, "g")
        first = (1, "f0", run_record().description)
        assert [first, (3, "r1", "[3]"), (4, "f0", '["f"]'), (5, "f1", "[5]")] == list(store.descriptions("f"))
        assert [(1, "g0", '["g"]')] == list(store.descriptions("g"))
        forked(store, 2, "h", "f")
        assert [first, (3, "h0", '["h"]')] == list(store.descriptions("h"))

    @pytest.mark.parametrize(
        ("step", "expected", "marks"),
        [(0, "", 0), (2, "r1 r2", 2), (3, "r1 r2 r3", 3), (4, "r1 r2 r3 f4", 4), (5, "r1 r2 r3 f4 f5", 5)],
    )
    def test_forks_of_forks(self, store: Store, step: int, expected: str, marks: int) -> None:
        """A fork may be forked at a step of its own, or of its origin's."""
        filled(store, 4)
        forked(store, 3, more=2)
        lease = forked(store, step, "g", "f")
        assert (keys(store, "g"), store.last_mark("g")) == (expected, marks)
        store.commit(lease, [step_record(step + 1, "g"), step_record(step + 2, "g")])
        assert keys(store, "g") == f"{expected} g{step + 1} g{step + 2}".strip()
        assert [*range(1, step + 3)] == [record.step for record in store.lineage("g", step + 2)]
        assert (Origin("f", step), run_record().input) == (store.origin("g"), store.run("g").record.input)
        assert list(store.verify()) == []

    def test_long_line_of_forks(self, store: Store) -> None:
        """Forks of forks may go on for hundreds."""
        filled(store, 1)
        for number in range(1, 201):
            origin = str(number - 1) if number > 1 else "r"
            store.release(store.fork(run_record(str(number), input=""), Origin(origin, 1)))
        store.commit(store.acquire("200"), [step_record(2, "200")])
        assert [1, 2] == [record.step for record in store.lineage("200", 2)]
        assert store.run("200").record.input == run_record().input

    def test_fork_has_its_own_log(self, store: Store) -> None:
        """A fork's calls, answers and events are its own; its calls are settled by shared steps too."""
        lease = filled(store, 3)
        store.record(lease, [call_record(), question()])
        fork = forked(store, 2, more=1)
        assert ([], [], []) == (list(store.calls("f")), list(store.answers("f")), list(store.events("f")))
        store.record(fork, [question(step=4), question(step=2), call_record(step=3)])
        store.answer("f", answer_record(1))
        with pytest.raises(StoreError, match="no question"):
            store.answer("r", answer_record(1))
        assert [question(1, 4)] == list(store.calls("f", unsettled=True))
        assert (2, 3, 0) == (len(store.calls("r")), len(store.calls("f")), len(store.answers("r")))
        forked(store, 2, "g", "f")
        assert list(store.calls("g", unsettled=True)) == []

    @pytest.mark.parametrize("step", [-1, 4, 2**32, 2**70])
    def test_fork_of_no_step(self, store: Store, step: int) -> None:
        """A step that the origin does not have cannot be forked, and no run is left over."""
        filled(store, 3)
        with pytest.raises(StoreError):
            forked(store, step)
        assert [row.record.run_id for row in store.runs()] == ["r"]

    def test_fork_under_a_known_id(self, store: Store) -> None:
        """An id is as unique as for create, and keys of shared steps stay taken."""
        lease = filled(store, 3)
        with pytest.raises(RunBusyError):
            forked(store, 1, "r")
        store.release(lease)
        with pytest.raises(StoreError):
            forked(store, 1, "r")
        fork = forked(store, 1)
        with pytest.raises(IdempotencyError):
            store.commit(fork, [step_record(2)])
        with pytest.raises(StoreError):
            store.commit(fork, [step_record(1, "f")])
        store.commit(fork, [step_record(2, "f")])

    def test_fork_goes_on_with_the_next_driver(self, store: Store) -> None:
        """A fork is released, acquired and fenced as any run."""
        filled(store, 2)
        old = forked(store, 2)
        store.release(old)
        new = store.acquire("f")
        with pytest.raises(RunBusyError):
            store.commit(old, [step_record(3, "f")])
        store.commit(new, [step_record(3, "f")])
        assert keys(store, "f") == "r1 r2 f3"

    def test_fork_of_a_pruned_run(self, store: Store) -> None:
        """A run that begins later can be forked where its steps still are, and at its input."""
        store.release(filled(store, 5))
        store.rebase("r", 3, '{"count":3}')
        for step in (1, 2):
            with pytest.raises(StoreError):
                forked(store, step)
        forked(store, 4, more=1)
        assert (keys(store, "f"), store.run("f").steps) == ("r3 r4 f5", 5)
        assert [3, 4, 5] == [record.step for record in store.lineage("f", 5)]
        forked(store, 0, "g", more=1)
        assert (keys(store, "g"), list(store.verify())) == ("g1", [])
