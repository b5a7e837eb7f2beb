"""Rule 4: the state at a gather is the first parent's, with what only the others' branches did folded in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, TypedDict

import pytest
from pydantic import BaseModel

import nbgraph as ng
from nbgraph.engine import merge
from tests.engine.plays import does, every_order, play, run


class Sums(TypedDict, total=False):
    """A field that counts twice when folded twice, and some of their own."""

    total: Annotated[int, ng.add]
    seen: Annotated[list, ng.append]
    left: str
    right: str


@dataclass
class SumsData:
    """The same as a dataclass."""

    total: Annotated[int, ng.add] = 0
    seen: Annotated[list, ng.append] = field(default_factory=list)
    left: str = ""
    right: str = ""


class SumsModel(BaseModel):
    """The same as a pydantic model."""

    total: Annotated[int, ng.add] = 0
    seen: Annotated[list, ng.append] = []
    left: str = ""
    right: str = ""


PLAIN = {"total": Annotated[int, ng.add], "seen": Annotated[list, ng.append], "left": str, "right": str}
SCHEMAS = pytest.mark.parametrize("schema", [Sums, SumsData, SumsModel, PLAIN], ids=["typed", "data", "model", "plain"])


def adds(number, **fields):
    """Return a node that adds a number and sets fields."""
    return lambda state: {"total": number, **fields}


def value(state: Any, name: str) -> Any:
    """Return a field of a state of any kind."""
    return state[name] if isinstance(state, dict) else getattr(state, name)


def looks(state):
    """Log what the node sees."""
    return {"seen": {name: value(state, name) for name in ("total", "left", "right")}}


DIAMOND = {"a": adds(1), "b": adds(10, left="b"), "c": adds(100, right="c"), "d": adds(1000)}


@SCHEMAS
def test_fields_that_one_branch_touched_are_taken_as_they_are(schema):
    """A gather sees each branch's own fields; the common past counts once."""
    for done in every_order(play("a > b c; b c > d", schema, **DIAMOND), "bc"):
        assert (1111, "b", "c") == tuple(value(done.state, name) for name in ("total", "left", "right"))


@SCHEMAS
def test_siblings_never_see_each_others_updates(schema):
    """A branch sees its ancestors' updates, whoever else has finished by then."""
    given = {"left": "-", "right": "-"}
    graph = play("a > b c; b > b2; c > c2", schema, a=adds(1), b=DIAMOND["b"], c=DIAMOND["c"], b2=looks, c2=looks)
    for done in every_order(graph, ["b", "c", "b2", "c2"], given):
        assert [(11, "b", "-"), (101, "-", "c")] == [
            (seen["total"], seen["left"], seen["right"]) for seen in value(done.state, "seen")
        ]


def test_a_past_shared_by_all_is_folded_once_however_deep():
    """Two levels of diamonds over one past: every update counts once."""
    numbers = {name: adds(2**place) for place, name in enumerate("abcdefgh")}
    graph = play("a > b c; b > d e; d e > f; c f > g; g > h", Sums, **numbers)
    for done in every_order(graph, "cdef"):
        assert 255 == done.state["total"]


def test_branches_that_share_a_gathered_past_fold_it_once():
    """Two branches are gathered on two ways that are gathered again: their updates still count once."""
    numbers = {name: adds(2**place) for place, name in enumerate("abcdef")}
    graph = play("a > b c; b c > d e; d e > f", Sums, **numbers)
    for done in every_order(graph, "bcde"):
        assert 63 == done.state["total"]


def test_a_gather_of_two_branches_of_three_holds_only_these():
    """What a partial gather sees is what its own parents' branches did."""
    numbers = {name: adds(2**place) for place, name in enumerate("abcd")}
    graph = play("a > b c d; b c > m; m d > z", Sums, m=looks, z=looks, **numbers)
    for done in every_order(graph, "bcdm", {"left": "", "right": ""}):
        assert [7, 15] == [seen["total"] for seen in done.state["seen"]]


def test_a_branch_without_updates_brings_nothing():
    """A gather of a busy branch and an idle one has the busy one's state."""
    for done in every_order(
        play("a > b c; b c > d", Sums, a=adds(1), b=lambda state: None, c=adds(4, left="c"), d=looks),
        "bc",
        {"right": ""},
    ):
        assert (5, "c") == (done.state["total"], done.state["left"])


def test_a_field_set_before_the_fork_and_in_one_branch_has_the_branchs_value():
    """The later of ancestor and descendant holds, on whichever side of the gather it is."""
    for busy in "bc":
        nodes = {"a": adds(0, left="a"), "b": adds(0), "c": adds(0), "d": adds(0)} | {busy: adds(0, left=busy)}
        for done in every_order(play("a > b c; b c > d", Sums, **nodes), "bc"):
            assert busy == done.state["left"]


def test_a_field_set_to_its_old_value_is_an_update_still():
    """Setting counts, not changing: the branch that set a field decides it."""
    nodes = {"a": adds(0, left="old"), "b": adds(0), "c": adds(0, left="old"), "d": adds(0)}
    assert "old" == run(play("a > b c; b c > d", Sums, **nodes)).state["left"]


def test_several_updates_of_one_branch_fold_in_their_own_order():
    """A branch of several steps keeps its sequence in the fold."""
    log = lambda word: lambda state: {"seen": word}  # noqa: E731 - many nodes of one kind
    names = {name: log(name) for name in ("a", "b", "c", "c2", "c3", "d")}
    for done in every_order(play("a > b c; c > c2; c2 > c3; b c3 > d", Sums, **names), ["b", "c", "c2"]):
        assert ["a", "b", "c", "c2", "c3", "d"] == done.state["seen"]


def test_sends_fold_after_what_their_parent_did():
    """All branches of a map start from the parent's state after its update."""
    split = does(lambda state: ng.Result(update={"total": 1}, route=[ng.Send("w", n=n) for n in range(4)]), sends="w")
    work = lambda state: {"total": 10, "seen": state["total"]}  # noqa: E731 - a node
    done = run(play("a; w > z", Sums, a=split, w=work, z=adds(100)))
    assert (141, [1, 1, 1, 1]) == (done.state["total"], done.state["seen"])


def test_the_final_state_is_gathered_from_all_ends():
    """Branches that end apart are folded at the end of the run."""
    for done in every_order(play("a > b c", Sums, **{name: DIAMOND[name] for name in "abc"}), "bc"):
        assert (111, "b", "c") == (done.state["total"], done.state["left"], done.state["right"])


def test_the_stored_history_tells_the_same_states_without_code(tmp_path):
    """What a reader of the file sees after every step is what the engine had."""
    graph = play("a > b c; b c > d; d > e", Sums, e=looks, **DIAMOND)
    engine = ng.Engine(graph, store=tmp_path / "runs.sqlite", max_concurrent=1)
    engine.run(run_id="r")
    past = ng.open_run(tmp_path / "runs.sqlite", "r")
    assert [1, 11, 101, 1111, 1111] == [past.at(step).state["total"] for step in range(1, 6)]
    assert dict(engine.open("r").state) == dict(past.state) == dict(past.at(5).state)
    engine.close()


def test_an_open_schema_merges_like_any_other():
    """A graph without a schema takes any field; one branch's fields are taken as they are."""
    graph = play(
        "a > b c; b c > d",
        None,
        a=lambda s: {"p": 1},
        b=lambda s: {"q": 2},
        c=lambda s: {"r": 3},
        d=lambda s: {"t": s["q"] + s["r"]},
    )
    for done in every_order(graph, "bc"):
        assert {"p": 1, "q": 2, "r": 3, "t": 5} == dict(done.state)


def test_saboteur_folding_the_shared_past_again_is_noticed(monkeypatch):
    """With news that include what the first parent has already, the sums are wrong."""

    def everything(first, others):
        news = [entry for other in others for entry in reversed(list(merge._since(other.chain, 0)))]
        return news, dict.fromkeys(name for entry in news for name in entry.update)

    monkeypatch.setattr(merge, "_news", everything)
    with pytest.raises(AssertionError):
        test_branches_that_share_a_gathered_past_fold_it_once()
