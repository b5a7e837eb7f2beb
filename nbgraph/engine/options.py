"""How a run is executed: one frozen record, and the three ways of setting it.

Owns the options' names, defaults and checks. The functional options (``with_...``) and the keywords
are derived from the record's fields, so there is one source of truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from nbgraph.clock import Clock, SystemClock
from nbgraph.codec import Redaction
from nbgraph.engine.budgets import exact
from nbgraph.errors import OptionsError
from nbgraph.prices import prices_of

Conflicts = str | Callable[[str, Any, Any], Any]
Change = Callable[["Options"], "Options"]
"""A functional option: options in, options out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How runs are executed.

    >>> Options(max_concurrent=2).max_concurrent
    2
    """

    max_concurrent: int = 8
    """Tasks that run at the same time, 1 or more."""
    queue_depth: int = 1024
    """Tasks that may be admitted and wait for a worker, 1 or more; further ready tasks wait for admission."""
    backpressure_timeout: float | None = None
    """Seconds that admission may wait before the run is paused with ``BackpressureError``; None: for ever."""
    max_steps: int = 100_000
    """Steps after which a run is paused with ``MaxStepsError``, 1 or more."""
    time_budget: float | None = None
    """Seconds that one drive of a run may take before it is paused with ``BudgetError``; None: no limit."""
    cost_budget: Decimal | float | str | None = None
    """US dollars that a run's calls to models may cost, all drives of it together; the call that would cost more is not
    made, and the run is paused with ``BudgetError``. Kept as an exact Decimal; None: no limit."""
    token_budget: int | None = None
    """Input and output tokens that a run's calls may use, in the same way; None: no limit."""
    seed: int = 0
    """What ``ctx.rng`` and the retries' jitter are functions of, beside the task."""
    conflicts: Conflicts = "fail"
    """Two concurrent updates of a field without reducer: "fail", "last" (the later in canonical order wins), or a
    function (field, earlier, later) -> value."""
    durability: str = "full"
    """"full": a committed step survives a power cut; "normal": it survives a crash of the process."""
    executor: Executor | None = None
    """Who runs the sync nodes; None: threads of the run's own. It stays yours to shut down."""
    loop: str = "own"
    """Where async nodes run: "own" (a loop of the run's own) or "host" (the caller's, for objects bound to it)."""
    nested: bool = False
    """Let ``engine.run`` block inside a running loop while async nodes use that loop, through nest-asyncio."""
    prints: str = "auto"
    """What becomes of what nodes print. It is kept with the task in every case ("printed" in ``run.tasks``); "keep":
    that is all; "show": it also goes where it would have gone; "auto": "keep" in a Jupyter kernel, where it would land
    in whatever cell runs then, "show" elsewhere."""
    quiet: bool = False
    """Show no line of progress while ``engine.run``, ``resume`` or ``fork`` blocks. Nobody who could see one: none."""
    prices: Any = None
    """What models cost, before nbgraph's table: a mapping from models to ``ng.prices.Rate`` or (input, output) in US
    dollars per million tokens, a function (model, usage) -> dollars or None, or ``ng.prices.Prices``."""
    listeners: Sequence[Any] = ()
    """Who is told what was committed: functions ``f(event)``, or objects with ``begin(run)`` (``ng.JsonLines``,
    ``ng.tracing.Tracing``, ...). Each has a thread of its own; a slow or failing one never hurts a run. One alone may
    stand without a sequence."""
    metrics: Any = False
    """Count for Prometheus: True (in ``ng.metrics.registry``), a ``CollectorRegistry``, or ``ng.metrics.Metrics``."""
    redact: Redaction = Redaction()  # noqa: RUF009 - frozen
    """What is blanked before anything is written."""
    clock: Clock = SystemClock()  # noqa: RUF009 - has no state
    """Where the time comes from."""

    def __post_init__(self) -> None:
        if type(self.listeners) is not tuple:
            object.__setattr__(self, "listeners", _listeners(self.listeners))
        for name, allowed, expected in _RULES:
            value = getattr(self, name)
            if not allowed(value):
                raise OptionsError(
                    f"option {name!r} is {value!r}; it should be {expected}",
                    option=name,
                    expected=expected,
                    actual=value,
                    todo=f"pass {name}= with {expected}",
                )
        object.__setattr__(self, "cost_budget", exact(self.cost_budget))
        if self.prices is not None:
            object.__setattr__(self, "prices", prices_of(self.prices))


def _listens(value: Any) -> bool:
    return callable(value) or hasattr(value, "begin")


def _listeners(value: Any) -> tuple[Any, ...]:
    """Return listeners as a tuple; one alone is one, and what is no listener at all is found out by the rules."""
    return tuple(value) if isinstance(value, Iterable) and not _listens(value) else (value,)


def _counts(value: Any) -> bool:
    return isinstance(value, bool) or hasattr(value, "begin") or hasattr(value, "register")


def _whole(value: Any) -> bool:
    return type(value) is int and value >= 1


def _seconds(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value is None or (number and value > 0 and (isinstance(value, float) or value < _AGES))


def _dollars(value: Any) -> bool:
    return value is None or (exact(value) or 0) > 0


_AGES = 10**15
"""Seconds; a larger whole number may be none that arithmetic with seconds can hold."""
_COUNT, _SPAN = "a whole number of 1 or more", "a number of seconds above 0, or None"
_RULES: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("max_concurrent", _whole, _COUNT),
    ("queue_depth", _whole, _COUNT),
    ("max_steps", _whole, _COUNT),
    ("backpressure_timeout", _seconds, _SPAN),
    ("time_budget", _seconds, _SPAN),
    ("cost_budget", _dollars, "an amount of US dollars above 0, or None"),
    ("token_budget", lambda value: value is None or _whole(value), f"{_COUNT}, or None"),
    ("seed", lambda value: type(value) is int, "a whole number"),
    ("conflicts", lambda value: value in ("fail", "last") or callable(value), '"fail", "last" or a function'),
    ("durability", lambda value: value in ("full", "normal"), '"full" or "normal"'),
    ("executor", lambda value: value is None or hasattr(value, "submit"), "an Executor, or None"),
    ("loop", lambda value: value in ("own", "host"), '"own" or "host"'),
    ("nested", lambda value: isinstance(value, bool), "True or False"),
    ("prints", lambda value: value in ("auto", "keep", "show"), '"auto", "keep" or "show"'),
    ("quiet", lambda value: isinstance(value, bool), "True or False"),
    ("listeners", lambda value: all(_listens(one) for one in value), "functions f(event), or objects with begin(run)"),
    ("metrics", _counts, "True, False, a CollectorRegistry, or ng.metrics.Metrics"),
    ("redact", lambda value: isinstance(value, Redaction), "an ng.Redaction"),
    ("clock", lambda value: hasattr(value, "now") and hasattr(value, "monotonic"), "an ng.Clock"),
)


def combine(base: Options, changes: tuple[Change, ...], keywords: Mapping[str, Any]) -> Options:
    """Apply functional options, then keywords, to ``base``: later wins. An unknown keyword names the nearest."""
    names = [field.name for field in fields(Options)]
    unknown = next((name for name in keywords if name not in names), None)
    if unknown is not None:
        nearest = get_close_matches(unknown, names, 1, 0.0)[0]
        raise OptionsError(
            f"there is no option {unknown!r}; the nearest is {nearest!r}",
            option=unknown,
            expected=nearest,
            todo=f"options are: {', '.join(names)}",
        )
    for change in changes:
        base = _changed(base, change)
    return replace(base, **keywords) if keywords else base


def _changed(base: Options, change: Change) -> Options:
    given: Any = change  # what a caller really passed may be anything
    after = given(base) if callable(given) else None
    if not isinstance(after, Options):
        raise OptionsError(
            f"{change!r} is not a functional option", todo="pass ng.with_...(value), or a function Options -> Options"
        )
    return after


def bundle(*changes: Change) -> Change:
    """Return several functional options as one, to keep and share.

    >>> fast = bundle(with_max_concurrent(64), with_durability("normal"))
    >>> fast(Options()).max_concurrent
    64
    """

    def apply(options: Options) -> Options:
        return combine(options, changes, {})

    return apply


def _functional(name: str) -> Callable[[Any], Change]:
    def with_option(value: Any) -> Change:
        return lambda options: replace(options, **{name: value})

    with_option.__name__ = with_option.__qualname__ = f"with_{name}"
    with_option.__doc__ = f"Return a functional option that sets ``{name}``; see ``Options.{name}``."
    return with_option


with_max_concurrent = _functional("max_concurrent")
with_queue_depth = _functional("queue_depth")
with_backpressure_timeout = _functional("backpressure_timeout")
with_max_steps = _functional("max_steps")
with_time_budget = _functional("time_budget")
with_cost_budget = _functional("cost_budget")
with_token_budget = _functional("token_budget")
with_seed = _functional("seed")
with_conflicts = _functional("conflicts")
with_durability = _functional("durability")
with_executor = _functional("executor")
with_loop = _functional("loop")
with_nested = _functional("nested")
with_prints = _functional("prints")
with_quiet = _functional("quiet")
with_prices = _functional("prices")
with_listeners = _functional("listeners")
with_metrics = _functional("metrics")
with_redact = _functional("redact")
with_clock = _functional("clock")
