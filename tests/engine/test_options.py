"""Options: their defaults, the three ways of setting them, what is refused, and what each one does."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, fields
from decimal import Decimal

import pytest

import nbgraph as ng
from tests.engine.stage import PushedClock, beside, chain, counting, fan, kinds, roll

NAMES = [field.name for field in fields(ng.Options)]

DEFAULTS = {
    "max_concurrent": 8,
    "queue_depth": 1024,
    "backpressure_timeout": None,
    "max_steps": 100_000,
    "time_budget": None,
    "cost_budget": None,
    "token_budget": None,
    "seed": 0,
    "conflicts": "fail",
    "durability": "full",
    "executor": None,
    "loop": "own",
    "nested": False,
    "prints": "auto",
    "quiet": False,
    "listeners": (),
    "metrics": False,
    "prices": None,
    "redact": ng.Redaction(),
}
OTHER = {
    "max_concurrent": 3,
    "queue_depth": 5,
    "backpressure_timeout": 1.5,
    "max_steps": 7,
    "time_budget": 2,
    "cost_budget": Decimal("0.25"),
    "token_budget": 1000,
    "seed": 11,
    "conflicts": "last",
    "durability": "normal",
    "executor": ThreadPoolExecutor(1),
    "loop": "host",
    "nested": True,
    "prints": "keep",
    "quiet": True,
    "listeners": (print,),
    "metrics": True,
    "prices": ng.prices.listed,
    "redact": ng.Redaction(keys=frozenset({"pin"})),
    "clock": PushedClock(),
}


def one(state):
    return {"log": "one"}


@pytest.mark.parametrize("name", NAMES)
def test_the_default_of_every_option_is_the_documented_one(name):
    """An engine without options has the defaults of ``Options``, and those are these."""
    found = getattr(ng.Engine(chain(one)).options, name)
    assert isinstance(found, ng.SystemClock) if name == "clock" else DEFAULTS[name] == found


@pytest.mark.parametrize("name", NAMES)
def test_every_option_can_be_set_in_three_ways(name):
    """The record, the functional option and the keyword of one name mean the same."""
    value = OTHER[name]
    ways = [
        ng.Engine(chain(one), options=ng.Options(**{name: value})),
        ng.Engine(chain(one), getattr(ng, f"with_{name}")(value)),
        ng.Engine(chain(one), **{name: value}),
    ]
    assert [value] * 3 == [getattr(engine.options, name) for engine in ways]


def test_there_is_a_functional_option_for_each_field_and_no_other():
    """The ``with_...`` functions are derived from the record's fields."""
    assert sorted(f"with_{name}" for name in NAMES) == sorted(name for name in ng.__all__ if name.startswith("with_"))


def test_later_wins():
    """Functional options go over the record, a later one over an earlier one, keywords over all, a call's own last."""
    base = ng.Options(max_concurrent=1, queue_depth=1, max_steps=1)
    engine = ng.Engine(
        counting(9), ng.with_queue_depth(2), ng.with_max_steps(2), ng.with_queue_depth(3), options=base, max_steps=4
    )
    assert (1, 3, 4) == (engine.options.max_concurrent, engine.options.queue_depth, engine.options.max_steps)
    assert "completed" == engine.run({"count": 0}, max_steps=100).status
    with pytest.raises(ng.MaxStepsError):
        engine.run({"count": 0})


def test_bundles_compose():
    """Several functional options make one, which may be part of another."""
    ours = ng.bundle(ng.with_max_concurrent(2), ng.bundle(ng.with_seed(3), ng.with_max_steps(4)))
    options = ng.Engine(chain(one), ours, ng.with_seed(5)).options
    assert (2, 5, 4) == (options.max_concurrent, options.seed, options.max_steps)


def test_a_function_of_ones_own_is_a_functional_option():
    """Whatever takes options and returns options may be given."""
    from dataclasses import replace

    options = ng.Engine(chain(one), lambda options: replace(options, max_steps=options.max_steps + 1)).options
    assert 100_001 == options.max_steps


@pytest.mark.parametrize("wrong", [3, None, "max_steps", lambda options: None, {"seed": 1}])
def test_what_is_no_functional_option_is_refused(wrong):
    """A positional argument that does not map options to options is refused."""
    with pytest.raises(ng.OptionsError, match="functional option"):
        ng.Engine(chain(one), wrong)


@pytest.mark.parametrize(
    ("unknown", "nearest"),
    [
        ("max_concurency", "max_concurrent"),
        ("queue_dept", "queue_depth"),
        ("seeed", "seed"),
        ("timeBudget", "time_budget"),
    ],
)
def test_an_unknown_keyword_names_the_nearest(unknown, nearest):
    """A misspelt option is refused, at the engine and at a run, with the name that was probably meant."""
    engine = ng.Engine(chain(one))
    for attempt in (lambda: ng.Engine(chain(one), **{unknown: 1}), lambda: engine.run(**{unknown: 1})):
        with pytest.raises(ng.OptionsError, match=nearest) as caught:
            attempt()
        assert (unknown, nearest) == (caught.value.option, caught.value.expected)
        assert "max_concurrent" in caught.value.todo
    assert 0 == len(engine.runs())


WRONG = [
    *[(name, value) for name in ("max_concurrent", "queue_depth", "max_steps") for value in (0, -1, 1.5, True, "2", None)],
    *[
        (name, value)
        for name in ("backpressure_timeout", "time_budget")
        for value in (0, -1, "1", True, float("nan"), 10**400)
    ],
    *[("cost_budget", value) for value in (0, -1, "0.00", "much", "", True, [], float("nan"), float("inf"), "-inf")],
    *[("token_budget", value) for value in (0, -1, 1.5, True, "2")],
    ("seed", 1.0), ("seed", None), ("seed", True), ("conflicts", "first"), ("conflicts", None), ("conflicts", []),
    ("durability", "none"), ("durability", None), ("executor", 3), ("executor", "threads"), ("loop", "mine"),
    ("loop", None), ("nested", 1), ("nested", None), ("prints", True), ("prints", "hide"), ("quiet", 1),
    ("quiet", None), ("redact", "password"), ("clock", 3), ("clock", None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_value_that_makes_no_sense_is_refused(name, value):
    """A bad value raises ``OptionsError`` with the option, what it should be and what it is, in all three ways."""
    for attempt in (
        lambda: ng.Options(**{name: value}),
        lambda: ng.Engine(chain(one), getattr(ng, f"with_{name}")(value)),
        lambda: ng.Engine(chain(one), **{name: value}),
    ):
        with pytest.raises(ng.OptionsError, match=name) as caught:
            attempt()
        assert (name, True, True) == (caught.value.option, bool(caught.value.expected), bool(caught.value.todo))


def test_options_are_frozen():
    """An options record is a value: it cannot be changed, and equal ones are equal."""
    with pytest.raises(FrozenInstanceError):
        ng.Options().seed = 3
    assert ng.Options(seed=3, clock=(clock := PushedClock())) == ng.Options(seed=3, clock=clock)


def test_two_default_records_are_equal():
    """Options that were not set do not make records differ."""
    assert ng.Options() == ng.Options()


# -- what each option does (bounds: test_bounds.py; loop, nested, executor: test_hosts.py as well)


def test_max_concurrent_of_one_runs_one_task_after_the_other():
    """With ``max_concurrent=1`` everything runs on the caller's thread."""
    seen = set()
    ng.Engine(fan(5, lambda state: seen.add(threading.get_ident())), max_concurrent=1).run()
    assert {threading.get_ident()} == seen


def test_queue_depth_is_what_makes_admission_wait():
    """A queue one place too short makes a task wait."""
    waits = [
        len(kinds(ng.Engine(fan(4, lambda state: None), max_concurrent=1, queue_depth=depth).run(), "queue.waited"))
        for depth in (1, 4)
    ]
    assert waits[0] > waits[1] == 0


def test_seed_decides_the_random_numbers():
    """The same seed gives the same numbers, another one others; the run's row keeps it for a resume."""
    first, again, other = (ng.Engine(fan(2, roll), seed=seed).run().state["log"] for seed in (1, 1, 2))
    assert first == again != other
    engine = ng.Engine(fan(2, roll), seed=1)
    engine.run(run_id="r", before="work")
    assert first == ng.Engine(fan(2, roll), store=engine.store, seed=9).resume("r").state["log"]


def left(state):
    return {"count": 1}


def right(state):
    return {"count": 2}


def test_conflicts_fail_or_are_decided():
    """Two concurrent updates of one field fail, or the later in canonical order wins, or a function decides."""
    with pytest.raises(ng.ConflictError):
        ng.Engine(beside(left, right)).run()
    assert 2 == ng.Engine(beside(left, right), conflicts="last").run().state["count"]
    asked = ng.Engine(beside(left, right), conflicts=lambda field, old, new: (old + new) * 10)
    assert 30 == asked.run().state["count"]


@pytest.mark.parametrize(("durability", "synchronous"), [("full", 2), ("normal", 1)])
def test_durability_is_what_the_file_is_written_with(durability, synchronous, tmp_path):
    """A "full" store waits for the disk at every commit, a "normal" one does not; both keep the same rows."""
    engine = ng.Engine(chain(one), store=tmp_path / "runs.sqlite", durability=durability)
    assert (synchronous,) == engine.store._writer._connection.execute("PRAGMA synchronous").fetchone()
    assert ["one"] == engine.run().state["log"]


def test_executor_runs_the_sync_nodes():
    """Sync nodes run in the executor that was given."""
    seen = []
    with ThreadPoolExecutor(1, thread_name_prefix="given") as pool:
        ng.Engine(fan(2, lambda state: seen.append(threading.current_thread().name)), executor=pool).run()
    assert ["given_0", "given_0"] == seen


def test_clock_is_where_every_time_comes_from():
    """A run's created time, its steps' times and ``ctx.now()`` are the clock's."""

    class Still(PushedClock):
        def now(self):
            return 90_000.0

    graph = ng.Graph({"when": str}, name="when")
    graph.node(name="ask")(lambda state, ctx: {"when": ctx.now().isoformat()})
    engine = ng.Engine(graph, clock=Still())
    run = engine.run()
    assert "1970-01-02T01:00:00+00:00" == run.state["when"]
    assert "1970-01-02" == str(engine.runs().created[0].date()) == str(run.tasks.started[0].date())


def test_redact_blanks_before_anything_is_written(tmp_path):
    """What the redaction names is in no byte of the file."""
    graph = ng.Graph({"password": str, "user": str}, name="login")
    graph.node(name="pass_on")(lambda state: {"user": "ada"})
    path = tmp_path / "runs.sqlite"
    engine = ng.Engine(graph, store=path)
    engine.run({"password": "sesame-open-up", "user": "bob"})
    engine.close()
    assert b"sesame-open-up" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())
