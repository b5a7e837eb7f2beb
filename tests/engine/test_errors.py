"""Every class of the error tree is raised through the public API, with its facts, and travels."""

from __future__ import annotations

import inspect
import pickle
import sqlite3
import threading

import pytest

import nbgraph as ng
from nbgraph import errors
from tests.engine.stage import SOON, Log, PushedClock, beside, chain, counting, fan, says
from tests.store.conftest import run_record, step_record


def raised(act):
    """Return what ``act`` raises."""
    try:
        act()
    except ng.NbgraphError as error:
        return error
    raise AssertionError("nothing was raised")


def running(node, **options):
    """Return what a run of one node called ``work`` raises."""
    graph = ng.Graph(Log, name="alone")
    graph.node(name="work", **options)(node)
    return raised(lambda: ng.Engine(graph).run({}, run_id="r"))


def left(state):
    return {"count": 1}


def right(state):
    return {"count": 2}


def broken(state):
    raise ValueError("broken")


def spoil(state):
    state["log"].append("mine")


def stuck(state):
    threading.Event().wait(0.3)


def graph_error(tmp_path):
    graph = ng.Graph(Log, name="wrong")
    graph.node(name="a", after="nowhere")(says("a"))
    return raised(ng.Engine(graph).run)


def no_progress(tmp_path):
    graph = ng.Graph(Log, name="stuck")
    graph.node(name="work")(says("w"))
    graph.edge("work", "end", when=lambda state: False)
    graph.node(name="end")(says("end"))
    return raised(lambda: ng.Engine(graph).run(run_id="r"))


def lost(tmp_path):
    graph = ng.Graph(Log, name="lost")
    graph.node(name="work", routes=["end"])(lambda state: ng.Goto("no" + "where"))
    graph.node(name="end")(says("end"))
    return raised(lambda: ng.Engine(graph).run(run_id="r"))


def backpressure(tmp_path):
    clock, meeting = PushedClock(), threading.Barrier(2)

    def work(state):
        meeting.wait(SOON)
        clock.push(9)

    engine = ng.Engine(fan(4, work), max_concurrent=2, queue_depth=1, backpressure_timeout=5, clock=clock)
    return raised(lambda: engine.run(run_id="r"))


def over_budget(tmp_path):
    clock = PushedClock()
    engine = ng.Engine(fan(4, lambda state: clock.push(9)), max_concurrent=1, time_budget=5, clock=clock)
    return raised(lambda: engine.run(run_id="r"))


def cancelled(tmp_path):
    began, release = threading.Event(), threading.Event()

    def wait(state, ctx):
        began.set()
        while not ctx.cancelled:
            release.wait(0.005)

    run = ng.Engine(chain(wait)).start(run_id="r")
    began.wait(SOON)
    return raised(run.cancel().wait)


def busy(tmp_path):
    began, release = threading.Event(), threading.Event()

    def wait(state):
        began.set()
        release.wait(SOON)

    engine = ng.Engine(chain(wait), store=tmp_path / "runs.sqlite")
    run = engine.start(run_id="r")
    began.wait(SOON)
    error = raised(lambda: ng.Engine(chain(wait), store=tmp_path / "runs.sqlite").resume("r"))
    release.set()
    run.wait(SOON)
    return error


def doubled(tmp_path):
    store = ng.MemoryStore()
    lease = store.create(run_record())
    store.commit(lease, [step_record(1)])
    return raised(lambda: store.commit(lease, [step_record(2)._replace(key=step_record(1).key)]))


def made(tmp_path):
    """Run something in a file; return the file's path and the engine."""
    path = tmp_path / "runs.sqlite"
    engine = ng.Engine(chain(left), store=path)
    engine.run(run_id="r")
    return path, engine


def locked(tmp_path):
    path, _ = made(tmp_path)
    other = sqlite3.connect(path)
    other.execute("BEGIN IMMEDIATE")
    store = ng.SqliteStore(path, busy_timeout=0.01)
    error = raised(lambda: ng.Engine(chain(left), store=store).run())
    other.close()
    return error


def full(tmp_path):
    _, engine = made(tmp_path)
    engine.store._writer._connection.execute("PRAGMA max_page_count = 1")
    graph = ng.Graph({"text": str}, name="long")
    graph.node(name="write")(lambda state: {"text": "x" * 1_000_000})
    return raised(lambda: ng.Engine(graph, store=engine.store).run(run_id="long"))


def read_only(tmp_path):
    path, _ = made(tmp_path)
    return raised(lambda: ng.Engine(chain(left), store=ng.SqliteStore(path, read_only=True)).run())


def corrupt(tmp_path):
    path, _ = made(tmp_path)
    other = sqlite3.connect(path)
    other.execute("UPDATE steps SET task = 'another'")
    other.commit()
    other.close()
    return raised(lambda: ng.open_run(path, "r").at(1))


def foreign(tmp_path):
    (tmp_path / "notes.txt").write_text("these are my notes, not a store\n" * 20)
    return raised(lambda: ng.Engine(chain(left), store=tmp_path / "notes.txt"))


def closed(tmp_path):
    _, engine = made(tmp_path)
    engine.close()
    return raised(engine.run)


def asking(answer):
    """Return what answering a question for a number raises."""
    engine = ng.Engine(chain(how_many))
    engine.run(run_id="r")
    return raised(lambda: engine.answer(engine.inbox().question[0], answer))


def how_many(state, ctx):
    return {"count": ctx.ask("How many?", schema=int)}


def answered_twice(tmp_path):
    engine = ng.Engine(chain(how_many))
    engine.run(run_id="r")
    question = engine.inbox().question[0]
    engine.answer(question, 3)
    return raised(lambda: engine.answer(question, 4))


def replaying(then, now):
    """Return what a replay raises when a node's code has become another."""
    store = ng.MemoryStore()
    for node in (then, now):
        graph = ng.Graph(Log, name="alone")
        graph.node(name="work")(node)
        engine = ng.Engine(graph, store=store)
        if node is then:
            engine.run(run_id="r")
    return raised(lambda: engine.replay("r"))


def migrating(tmp_path):
    store, graph = ng.MemoryStore(), ng.Graph({"old": str}, name="alone")
    graph.node(name="a")(lambda state: {"old": "x"})
    graph.node(name="b", after="a")(broken)
    raised(lambda: ng.Engine(graph, store=store).run(run_id="r"))
    graph = ng.Graph({"new": str}, name="alone")
    graph.node(name="a")(lambda state: {"new": "x"})
    graph.node(name="b", after="a")(lambda state: None)
    return raised(lambda: ng.Engine(graph, store=store).resume("r"))


SCENES = {
    "GraphError": (graph_error, {"problems"}),
    "StateError": (lambda tmp: raised(lambda: ng.Engine(chain(left)).run({"countt": 1})), {"field"}),
    "OptionsError": (lambda tmp: raised(lambda: ng.Engine(chain(left), sed=1)), {"option", "expected"}),
    "RunError": (lambda tmp: raised(lambda: made(tmp)[1].resume("r")), {"run_id"}),
    "NodeError": (lambda tmp: running(broken), {"run_id", "node", "task", "attempt"}),
    "NodeTimeoutError": (lambda tmp: running(stuck, timeout=0.02), {"run_id", "node", "task", "limit"}),
    "MaxAttemptsError": (
        lambda tmp: running(broken, retry=ng.Retry(attempts=2, wait=0)), {"run_id", "node", "task", "attempts"},
    ),
    "UpdateError": (lambda tmp: running(lambda state: {"count": "one"}), {"run_id", "node", "field", "expected", "actual"}),
    "RouteError": (lost, {"run_id", "node", "actual"}),
    "IsolationError": (lambda tmp: running(spoil), {"run_id", "node", "field"}),
    "ConflictError": (
        lambda tmp: raised(lambda: ng.Engine(beside(left, right)).run(run_id="r")),
        {"run_id", "field", "nodes", "values", "tasks"},
    ),
    "NoProgressError": (no_progress, {"run_id", "node"}),
    "MaxStepsError": (
        lambda tmp: raised(lambda: ng.Engine(counting(5), max_steps=2).run({"count": 0}, run_id="r")), {"run_id", "limit"},
    ),
    "BackpressureError": (backpressure, {"run_id", "seconds", "limit"}),
    "BudgetError": (over_budget, {"run_id", "option", "limit", "spent"}),
    "RunCancelledError": (cancelled, {"run_id"}),
    "CallError": (
        lambda tmp: running(lambda state, ctx: ctx.call(print, object())),
        {"run_id", "node", "task", "call", "path", "actual"},
    ),
    "MissingCallError": (
        lambda tmp: replaying(lambda state, ctx: None, lambda state, ctx: ctx.call(print, 1)),
        {"run_id", "node", "task", "step", "call"},
    ),
    "ReplayMismatchError": (
        lambda tmp: replaying(left, right), {"run_id", "node", "task", "step", "field", "expected", "actual"},
    ),
    "QuestionError": (answered_twice, {"run_id", "question"}),
    "AnswerError": (lambda tmp: asking("many"), {"run_id", "question", "path", "expected", "actual"}),
    "MigrationError": (migrating, {"run_id", "field"}),
    "CodecError": (lambda tmp: running(lambda state: {"log": object()}), {"run_id", "node", "field", "path", "actual"}),
    "RunBusyError": (busy, {"run_id", "holder"}),
    "IdempotencyError": (doubled, {"run_id", "step", "node", "task"}),
    "StoreError": (closed, {"file"}),
    "StoreBusy": (locked, {"file"}),
    "StoreFull": (full, {"file"}),
    "StoreReadOnly": (read_only, {"file"}),
    "StoreCorrupt": (corrupt, {"file", "run_id", "step"}),
    "StoreForeign": (foreign, {"file"}),
    "RunNotFound": (lambda tmp: raised(lambda: ng.Engine(chain(left)).resume("nobody")), {"run_id"}),
}  # fmt: skip

NOTHING_BEGUN = {"GraphError", "StateError", "OptionsError", "StoreError", "StoreReadOnly", "RunNotFound"}
"""Where a call was refused before it began there is nothing of it that could still be true."""

TREE = {name: cls for name, cls in vars(errors).items() if inspect.isclass(cls) and issubclass(cls, ng.NbgraphError)}


def test_every_class_of_the_tree_has_its_scene():
    """The table below raises every class there is, but the root, which is only ever caught."""
    assert TREE.keys() - {"NbgraphError"} == SCENES.keys()


def test_every_class_is_public():
    """Whoever wants to catch an error finds it in the package."""
    assert [] == [name for name in TREE if getattr(ng, name, None) is not TREE[name] or name not in ng.__all__]


def test_the_tree_is_drawn_as_it_is():
    """The drawing at the top of ``errors.py`` names every class under its parent."""
    stack, drawn = {}, {}
    for line in errors.__doc__.splitlines():
        name = line.lstrip(" |`-").split(" ")[0]
        if name in TREE:
            depth = (len(line) - len(line.lstrip(" |`-")) - 4) // 4
            stack[depth] = name
            drawn[name] = stack.get(depth - 1)
    assert {name: cls.__mro__[1].__name__ for name, cls in TREE.items() if name != "NbgraphError"} == {
        name: parent for name, parent in drawn.items() if parent
    }


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Raise each error once, however many tests look at it."""
    found = {}

    def look(name):
        if name not in found:
            found[name] = SCENES[name][0](tmp_path_factory.mktemp(name))
        return found[name]

    return look


@pytest.mark.parametrize("name", SCENES)
def test_the_class_is_raised(name, scene):
    """What goes wrong in public raises exactly this class."""
    assert TREE[name] is type(scene(name))


@pytest.mark.parametrize("name", SCENES)
def test_the_facts_are_there(name, scene):
    """Each error carries its facts as attributes; a fact that it does not have reads as None."""
    error = scene(name)
    assert set() == {fact for fact in SCENES[name][1] if getattr(error, fact) is None}
    assert error.holder is None or name in ("RunBusyError", "StoreBusy")
    with pytest.raises(AttributeError):
        _ = error.no_such_fact


@pytest.mark.parametrize("name", SCENES)
def test_the_message_says_what_what_is_still_true_and_what_to_do(name, scene):
    """The text has all its parts, each on a line of its own."""
    error = scene(name)
    assert error.message
    assert error.todo
    assert error.still or name in NOTHING_BEGUN
    lines = str(error).splitlines()
    assert error.message.splitlines()[0] == lines[0]
    assert f"  Next: {error.todo}" in str(error)


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_the_error_survives_pickling(name, protocol, scene):
    """Class, text and facts are the same after a round trip."""
    error = scene(name)
    copy = pickle.loads(pickle.dumps(error, protocol))
    assert (type(error), str(error), error.message, error.still, error.todo) == (
        type(copy), str(copy), copy.message, copy.still, copy.todo,
    )  # fmt: skip
    assert error.facts == copy.facts


def test_a_fact_that_does_not_pickle_travels_as_its_text():
    """An error always reaches the other process, whatever values it tells of."""
    secret = lambda: None  # noqa: E731 - something that does not pickle
    error = errors.ConflictError("two", values=(1, secret))
    assert repr((1, secret)) == pickle.loads(pickle.dumps(error)).values


def test_an_error_takes_known_facts_only():
    """A fact that no error has is a mistake of ours, and says so."""
    with pytest.raises(TypeError, match="colour"):
        errors.NodeError("x", colour="red")


NODE_LEVEL = ["NodeError", "NodeTimeoutError", "MaxAttemptsError", "UpdateError", "RouteError", "IsolationError",
              "CodecError", "NoProgressError", "CallError"]  # fmt: skip


@pytest.mark.parametrize("name", NODE_LEVEL)
def test_an_error_of_a_node_names_it(name, scene):
    """Who reads the message sees which node it was."""
    assert "'work'" in scene(name).message
    assert ("work", "r") == (scene(name).node, scene(name).run_id)


@pytest.mark.parametrize(
    ("node", "kind"),
    [(broken, "NodeError"), (spoil, "IsolationError"), (lambda state: {"log": object()}, "CodecError")],
)
def test_the_stored_error_reads_like_the_raised_one(node, kind, tmp_path):
    """Who opens the run later reads the same class and text, and the traceback of the cause as a note."""
    path = tmp_path / "runs.sqlite"
    graph = ng.Graph(Log, name="alone")
    graph.node(name="work")(node)
    error = raised(lambda: ng.Engine(graph, store=path).run({}, run_id="r"))
    stored = ng.open_run(path, "r").error
    assert (kind, str(error), error.node) == (type(stored).__name__, str(stored), stored.node)
    if error.__cause__ is not None:
        assert type(error.__cause__).__name__ in "".join(stored.__notes__)


def test_a_stored_error_cannot_name_a_class_of_its_choice():
    """The class of a stored error comes from the tree alone: any other name reads as the root."""
    from nbgraph.engine.verdict import stored_error

    for name in ("SystemExit", "pickle", "os", "Any", "_FACTS"):
        text = f'{{"type":"{name}","message":"m","still":"","todo":"","facts":{{}},"traceback":""}}'
        assert errors.NbgraphError is type(stored_error(text))
