"""A changed state schema: what a run that goes on makes of the state that was recorded under the old one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import pytest

import nbgraph as ng
from tests.engine.plays import does, play, ran


@pytest.fixture(params=["file", "memory"])
def store(request, tmp_path):
    """A store of each kind."""
    made = (
        ng.SqliteStore(tmp_path / "runs.sqlite", durability="normal") if request.param == "file" else ng.MemoryStore()
    )
    yield made
    made.close()


OLD = {"count": int, "words": Annotated[list[str], ng.append]}
NEW = {"total": int, "words": Annotated[list[str], ng.append]}
WAYS = "a > b; b > c; c > d"


@dataclass
class Item:
    """A value inside the state."""

    name: str


@dataclass
class Record:
    """The state as a record, before the change."""

    item: Item
    count: int = 0


@dataclass
class Later:
    """The same after it."""

    item: Item
    total: int = 0
    notes: Annotated[list[str], ng.append] = field(default_factory=list)


def old(ways=WAYS, **nodes):
    """Return the graph before the change: it counts, and stops before ``c``."""

    def counts(state):
        return {"count": state["count"] + 1, "words": str(state["count"])}

    return play(ways, OLD, **{**dict.fromkeys("abcd", counts), **nodes})


def new(schema=None, node=None, ways=WAYS, **nodes):
    """Return the graph after the change: the count is called total."""

    def totals(state):
        return {"total": state["total"] + 1, "words": f"t{state['total']}"}

    return play(ways, NEW if schema is None else schema, **{**dict.fromkeys("abcd", node or totals), **nodes})


def renaming(state):
    """Call the count total."""
    return {"total": state["count"], "words": state["words"]}


def stopped(store, graph=None, before="c", given=None):
    """Run the old graph up to a node; return the run."""
    engine = ng.Engine(graph or old(), store=store, max_concurrent=1)
    return engine.run({"count": 0} if given is None else given, run_id="r", before=before)


def kept(store):
    """Return all that a store tells of the run but who drives it."""
    return store.run("r")[:3], [*store.steps("r")], store.events("r"), store.descriptions("r"), store.calls("r")


# -- what a migration does


def test_migrated_on_resume(store):
    """The state goes through the migration once, as a step of its own that can be read; the run goes on from there."""
    stopped(store)
    graph, seen = new(), []
    graph.migration(lambda state: seen.append(dict(state)) or renaming(state))
    run = ng.Engine(graph, store=store).resume("r")
    assert run.state == {"total": 4, "words": ["0", "1", "t2", "t3"]}
    assert seen == [{"count": 2, "words": ["0", "1"]}]
    assert (ran(run), list(run.tasks.status)) == (
        ["a", "b", "b", "c", "d"],
        ["done", "done", "migrated", "done", "done"],
    )
    assert run.at(2).state == {"count": 2, "words": ["0", "1"]}
    assert (run.at(3).status, run.at(3).state) == ("migrated", {"total": 2, "words": ["0", "1"]})
    assert [step.state for step in run.history()] == [run.at(step).state for step in range(1, 6)]
    assert [] == list(store.verify())


def test_migrated_once(store):
    """A run that was migrated and stopped again goes on from the migrated state; nothing is migrated twice."""
    stopped(store)
    graph, calls = new(), []
    graph.migration(lambda state: calls.append(1) or renaming(state))
    assert ng.Engine(graph, store=store).resume("r", before="d").status == "paused"
    run = ng.Engine(graph, store=store).resume("r")
    assert (len(calls), run.state, len(run.tasks)) == (1, {"total": 4, "words": ["0", "1", "t2", "t3"]}, 5)
    assert len(run.changes()) == 0


def test_migrated_on_fork(store):
    """A fork is migrated, and then edited by today's fields; the parent keeps its own."""
    stopped(store)
    graph = new()
    graph.migration(renaming)
    engine = ng.Engine(graph, store=store)
    before = kept(store)
    fork = engine.fork("r", 1, update={"total": 10}, new_id="f")
    assert list(fork.tasks.status) == ["done", "migrated", "edited", "done", "done", "done"]
    assert fork.state == {"total": 13, "words": ["0", "t10", "t11", "t12"]}
    assert before == kept(store)
    assert engine.fork("f", 3).digest == fork.digest
    assert fork.replay().ok


def test_fork_before_a_migration(store):
    """With the old code a migrated run is forked before its migration, as if there had been none."""
    engine = ng.Engine(old(), store=store)
    whole = ng.Engine(old()).run({"count": 0})
    stopped(store)
    graph = new()
    graph.migration(renaming)
    ng.Engine(graph, store=store).resume("r")
    assert engine.fork("r", 2).digest == whole.digest
    with pytest.raises(ng.MigrationError):
        engine.fork("r", 3)
    assert list(engine.runs().origin) == ["", "r@2"]


def test_replay_of_a_migrated_run(store):
    """A replay runs what came after the migration, and says of what was before that it did not."""
    stopped(store)
    graph = new()
    graph.migration(renaming)
    run = ng.Engine(graph, store=store).resume("r")
    found = run.replay()
    assert (found.ok, found.tasks, [skipped[:2] for skipped in found.skipped]) == (True, 2, [(1, "a"), (2, "b")])
    assert all("migration at step 3" in why for *_, why in found.skipped)
    graph.node(name="d", after="c")(lambda state: {"total": 0})
    with pytest.raises(ng.ReplayMismatchError, match="'d'"):
        run.replay()


def test_migrations_in_order(store):
    """Several migrations run in the order in which they were registered; one of the same name replaces the other."""
    stopped(store)
    graph = new({"sum": int, "words": Annotated[list[str], ng.append]}, lambda state: {"sum": state["sum"] + 1})

    @graph.migration
    def first(state):
        raise AssertionError("it was replaced")

    @graph.migration
    def second(state):
        return {"sum": state["total"], "words": state["words"]}

    graph.migration(first)
    first.__name__ = "first"

    def mended(state):
        return {"total": 100, "words": state["words"]}

    mended.__name__ = "first"
    graph.migration(mended)
    graph.migration(second)
    assert ng.Engine(graph, store=store).resume("r").state["sum"] == 102


def test_migration_keeps_what_a_send_gave(store):
    """A task that was sent to alone keeps its private fields over a migration of the state."""
    split = does(lambda state: [ng.Send("b", item=7)], sends="b")
    stopped(store, old("a; b > c; c > d", a=split), before="c")
    graph = new(None, None, "a; b > c; c > d", a=split, c=lambda state: {"words": str(state["item"])})
    graph.migration(renaming)
    assert ng.Engine(graph, store=store).resume("r").state["words"] == ["0", "7", "t1"]


# -- every kind of change


def grows(**more):
    """Return a schema of the old fields and ``more``."""
    return {**OLD, **more}


def same(state):
    """Do what the old nodes do."""
    return {"count": state["count"] + 1, "words": str(state["count"])}


def test_field_added(store):
    """A new field needs no migration; it has no value yet. With one it has what the migration gives it."""
    stopped(store)
    graph = new(grows(note=str), same, d=lambda state: {"note": state.get("note", "none")})
    engine = ng.Engine(graph, store=store)
    assert engine.fork("r").state["note"] == "none"
    graph.migration(lambda state: {**state, "note": "here"})
    assert engine.resume("r").state["note"] == "here"


def test_field_removed(store):
    """A field that is gone from the schema must go from the state: by a migration, else the run is refused."""
    stopped(store)
    graph = new({"count": int}, lambda state: {"count": state["count"] + 1})
    engine = ng.Engine(graph, store=store)
    refused(engine, "words")
    graph.migration(lambda state: {"count": state["count"]})
    run = engine.resume("r")
    assert (run.state, run.at(2).state) == ({"count": 4}, {"count": 2, "words": ["0", "1"]})


def test_field_of_another_type(store):
    """A value that is not of today's type is refused, with what it is and should be, or migrated."""
    stopped(store)
    graph = new(grows(count=str), lambda state: {"count": state["count"] + "!"})
    engine = ng.Engine(graph, store=store)
    error = refused(engine, "count")
    assert (error.expected, "int" in str(error)) == ("str", True)
    graph.migration(lambda state: {**state, "count": f"{state['count']}"})
    assert engine.resume("r").state["count"] == "2!!"


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (Annotated[list[str], ng.extend], ["zero", "one", "a", "b", "c", "d"]),
        (list[str], ["c", "d"]),
        (Annotated[list[str], lambda old, new: [*new, *old]], ["c", "d", "a", "b", "zero", "one"]),
    ],
)
def test_field_with_another_reducer(hint, expected, store):
    """The state so far is as it was taken in then; what comes is taken in by today's reducer, also when resumed again."""
    stopped(store, old(a=lambda state: {"words": "zero"}, b=lambda state: {"words": "one"}))
    graph = new(grows(words=hint), same, c=lambda state: {"words": ["a", "b"]}, d=lambda state: {"words": ["c", "d"]})
    engine = ng.Engine(graph, store=store)
    paused = engine.resume("r", before="d")
    assert paused.at(2).state["words"] == ["zero", "one"]
    run = engine.resume("r")
    assert (run.state["words"], run.at(4).state["words"]) == (expected, expected)
    assert engine.fork("r", 2).digest == engine.fork("r", 3).digest == run.digest
    assert [] == list(store.verify())


def test_field_of_another_type_and_reducer(store):
    """Old updates are never put through today's reducer, which might not be able to take them in."""
    stopped(store)
    graph = new({"count": int, "words": Annotated[int, ng.add]}, lambda state: {"words": 1})
    engine = ng.Engine(graph, store=store)
    refused(engine, "words")
    graph.migration(lambda state: {**state, "words": len(state["words"])})
    assert engine.resume("r").state == {"count": 2, "words": 4}


def test_another_reducer_of_our_own_before(store):
    """A field whose reducer was a function, and is built in today, has the results that the function made."""
    schema = {"count": int, "words": Annotated[list[str], lambda old, new: [new, *old]]}
    stopped(store, play(WAYS, schema, **dict.fromkeys("abcd", same)), given={"count": 0, "words": []})
    run = ng.Engine(new(OLD, same), store=store).resume("r")
    assert run.state["words"] == ["1", "0", "2", "3"]


def test_reducer_for_the_whole_state(store):
    """The same where the graph gets a reducer for the whole state, or loses it."""

    def keeps(state, update):
        return {**state, "words": [*state.get("words", []), "kept"], "count": update["count"] * 10}

    whole = play(WAYS, OLD, reducer=keeps, **dict.fromkeys("abcd", same))
    stopped(store, whole)
    run = ng.Engine(old(), store=store).resume("r")
    assert run.state == {"count": 112, "words": ["kept", "kept", "110", "111"]}
    fork = ng.Engine(whole, store=store).fork("r", 3)
    assert fork.state == {"count": 1120, "words": ["kept", "kept", "110", "kept"]}
    assert fork.at(3).state == run.at(3).state


def test_records(store):
    """Dataclasses: fields of the state, and of values inside it, are read as they were recorded."""
    graph = play("a > b; b > c", Record, **dict.fromkeys("abc", lambda state: {"count": state.count + 1}))
    ng.Engine(graph, store=store).run({"item": Item("x")}, run_id="r", before="c")
    notes = lambda state: {"total": state.total + 1, "notes": state.item.name}  # noqa: E731 - used three times
    graph = play("a > b; b > c", Later, **dict.fromkeys("abc", notes))
    graph.migration(lambda state: {"item": Item(state["item"].name + "!"), "total": state["count"], "notes": []})
    assert ng.Engine(graph, store=store).resume("r").state == Later(Item("x!"), 3, ["x!"])


# -- refusals


def refused(engine, word="migrat"):
    """Check that the run cannot be resumed nor forked, and that nothing was changed; return the error."""
    before = kept(engine.store)
    with pytest.raises(ng.MigrationError, match=word):
        engine.fork("r")
    with pytest.raises(ng.MigrationError, match=word) as error:
        engine.resume("r")
    assert (before, list(engine.runs().run_id)) == (kept(engine.store), ["r"])
    assert (bool(error.value.todo), "not touched" in error.value.still) == (True, True)
    return error.value


def test_without_migration(store):
    """A state that does not fit names the field and says how to register a migration."""
    stopped(store)
    error = refused(ng.Engine(new(), store=store), "'count'")
    assert (error.field, "@graph.migration" in error.todo) == ("count", True)


def test_several_tasks_under_way(store):
    """With more than one task under way there is no one state to migrate: refused; at a step before it works."""
    ways = "a > b c; b c > d"
    stopped(store, old(ways, b=lambda state: {"count": 5}, c=lambda state: {"words": "c"}))
    graph = new(None, None, ways, c=lambda state: {"words": "c"})
    graph.migration(renaming)
    engine = ng.Engine(graph, store=store)
    assert "several tasks" in refused(engine).message
    assert engine.fork("r", 1).state == {"total": 3, "words": ["0", "t1", "c", "t2"]}


def test_other_reducer_with_several_tasks_under_way(store):
    """The same where a field has another reducer: what the branches wrote would be read another way."""
    ways = "a > b c; b c > d"
    stopped(store, old(ways, b=lambda state: {"count": 5}, c=lambda state: {"words": "c"}))
    graph = new(grows(words=Annotated[list[str], ng.extend]), lambda state: {"words": ["x"]}, ways)
    assert "several tasks" in refused(ng.Engine(graph, store=store)).message


def raising(state):
    """Fail."""
    return {"total": state["nothing"]}


@pytest.mark.parametrize(
    ("migration", "word"),
    [
        (raising, "raising raised KeyError"),
        (lambda state: {**renaming(state), "total": "two"}, "total"),
        (lambda state: {"tota": 2}, "'tota'"),
        (lambda state: None, "NoneType"),
        (lambda state: 5, "int"),
        (lambda state: {**renaming(state), "words": object()}, "words"),
    ],
)
def test_wrong_migration(migration, word, store):
    """A migration that raises, or returns what is no state of today's, is refused, and nothing was changed."""
    stopped(store)
    graph = new()
    graph.migration(migration)
    engine = ng.Engine(graph, store=store)
    refused(engine, word)
    graph.migration(renaming if migration is raising else migration)
    if migration is raising:
        graph = new()
        graph.migration(renaming)
        assert ng.Engine(graph, store=store).resume("r").state["total"] == 4


def test_before_the_first_step(store):
    """A run, or a fork, that has only its input goes on if that fits today's schema, and is refused otherwise."""
    stopped(store, before="a")
    assert refused(ng.Engine(new(), store=store), "count").field == "count"
    graph = new()
    graph.migration(renaming)
    assert "no step" in refused(ng.Engine(graph, store=store)).message
    run = ng.Engine(new(grows(note=str), same), store=store).fork("r", 0)
    assert run.state == {"count": 4, "words": ["0", "1", "2", "3"]}


def test_no_schema_change_no_migration(store):
    """A migration is not called where the fields are the recorded ones, whatever else changed."""
    stopped(store)
    graph = old(d=lambda state: {"words": "D"})
    graph.migration(lambda state: 1 / 0)
    assert ng.Engine(graph, store=store).resume("r").state["words"] == ["0", "1", "2", "D"]


def test_plan_of_a_changed_schema(store):
    """A plan can be asked for under a schema that the state does not fit: it writes nothing and migrates nothing."""
    stopped(store)
    before = kept(store)
    plan = ng.Engine(new(), store=store).open("r").plan()
    assert list(plan.action) == ["reuse", "reuse", "execute", "execute"]
    assert before == kept(store)
