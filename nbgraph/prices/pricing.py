"""Which price holds for a use: the user's own, the table's, the bundled data's, or nobody knows.

Owns the order of asking, and the warning. A price is found after a call was paid for: whatever a user's function does,
nothing is raised here.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from threading import Lock
from typing import Any, NamedTuple

from nbgraph.clock import SystemClock
from nbgraph.errors import OptionsError
from nbgraph.prices.bundled import STANDARD, bundled
from nbgraph.prices.money import amount, clean
from nbgraph.prices.names import names_of
from nbgraph.prices.rate import Rate, rate_of
from nbgraph.prices.table import row_of
from nbgraph.prices.usage import Usage

Own = Mapping[str, Any] | Callable[[str, Usage], Any]


class UnknownPriceWarning(UserWarning):
    """Nobody knows what a model costs: its calls' cost is NaN, and so are sums with them. Once a model and process."""


class Priced(NamedTuple):
    """What a use cost, and how that is known."""

    cost: Decimal | None
    """US dollars, exact; None: nobody knows."""
    source: str
    """"given" (by ``ctx.usage(cost=)``), "yours" (``prices=``), "nbgraph" (its table), "genai-prices" and its version,
    "unknown"."""
    rate: str = ""
    """For people: "2.50 in, 10.00 out, 1.25 cached per million"; "" where it isn't one."""
    as_of: str = ""
    """The ISO date of the table or data."""


UNKNOWN = Priced(None, "unknown")


class Prices:
    """Finds what a use of a model costs.

    ``own``: prices that go first. A mapping from models to a ``Rate``, (input, output) or {"input": ..., "output": ...,
    "cache_read": ...}, in US dollars per million tokens; or a function (model, usage) -> dollars, None to go on to
    the others. A name also holds for the model with a date behind it (``m-2025-01-31``) or a provider before it.
    ``reference=False`` leaves out nbgraph's own table: all prices are the providers' lists, as ``genai-prices`` has them.

    Raises ``OptionsError`` for a price that is none, naming the model.

    >>> Prices({"llama-local": (0, 0)}).price(Usage("llama-local", input=5)).cost
    Decimal('0')
    >>> Prices().price(Usage("gpt-4o", input=1000, output=100))
    Priced(cost=Decimal('0.0035'), source='nbgraph', rate='2.50 in, 10.00 out, 1.25 cached per million', as_of='2025-10-15')
    """

    def __init__(self, own: Own | None = None, *, reference: bool = True) -> None:
        if own is not None and not isinstance(own, Mapping) and not callable(own):
            raise _wrong(own)
        self._ask = None if own is None or isinstance(own, Mapping) else own
        self._own = _rates(own) if isinstance(own, Mapping) else {}
        self._reference = reference

    def price(self, usage: Usage, at: float | None = None) -> Priced:
        """Return what a use cost at the time ``at``, seconds since the Unix epoch; None: now.

        Nothing is raised: what cannot be priced is unknown, and said so in one ``UnknownPriceWarning`` a model.
        """
        problem, found = "", None
        if self._ask is not None:
            found, problem = _asked(self._ask, usage)
        if found is None and not problem and not usage.tokens:  # no model answers without any: they were not told
            found, problem = self._free(usage), "its answer told no tokens"
        if found is None and not problem:
            found = self._yours(usage) or self._table(usage)
        if found is None and not problem and usage.model:
            found, problem = _listed(usage, SystemClock().now() if at is None else at)
        if found is not None:
            return found
        _warn(usage, problem)
        return UNKNOWN

    def _yours(self, usage: Usage) -> Priced | None:
        name = next((name for name in names_of(usage.model) if name in self._own), None)
        return None if name is None else Priced(self._own[name].cost(usage), "yours", str(self._own[name]))

    def _free(self, usage: Usage) -> Priced | None:
        """Return the price of a model that costs nothing whatever is used."""
        found = self._yours(usage._replace(input=1, output=1))
        return found if found is not None and found.cost == 0 else None

    def _table(self, usage: Usage) -> Priced | None:
        row = row_of(usage.model) if self._reference and usage.tier in STANDARD else None
        return None if row is None else Priced(row.rate.cost(usage), "nbgraph", row.shown, row.as_of)

    def __repr__(self) -> str:
        own = f"{len(self._own)} of yours first" if self._own else "yours first" if self._ask else ""
        parts = (own, "nbgraph's table" if self._reference else "", "genai-prices")
        return f"<Prices: {', '.join(part for part in parts if part)}>"


listed = Prices(reference=False)
"""The providers' list prices only, as ``genai-prices`` has them: ``ng.Engine(graph, prices=ng.prices.listed)``."""


def prices_of(given: Any) -> Prices:
    """Return what ``prices=`` says: nothing, a mapping, a function, or ``Prices``; raises ``OptionsError``."""
    return given if isinstance(given, Prices) else Prices(given)


def _wrong(given: Any) -> OptionsError:
    return OptionsError(
        f"prices is {given!r}",
        option="prices",
        expected="a mapping from models to prices, a function (model, usage), or ng.prices.Prices",
        actual=given,
        todo='pass prices={"my-model": ng.prices.Rate(input, output)}, US dollars per million tokens',
    )


def _rates(own: Mapping[str, Any]) -> dict[str, Rate]:
    rates = {}
    for model, given in own.items():
        try:
            rates[model] = rates[model.lower()] = rate_of(given)
        except (OptionsError, AttributeError) as error:
            told = error.message if isinstance(error, OptionsError) else "its name is no text"
            raise OptionsError(
                f"the price of model {model!r}: {told}",
                option="prices",
                expected=getattr(error, "expected", None),
                actual=given,
                todo=getattr(error, "todo", "") or "name models by texts",
            ) from error
    return {**rates, **{model: rates[model] for model in own}}


def _asked(ask: Callable[[str, Usage], Any], usage: Usage) -> tuple[Priced | None, str]:
    """Return what a user's function says, or what is wrong with what it did."""
    try:
        said = ask(usage.model, usage)
    except Exception as error:  # noqa: BLE001 - the call is paid for; a user's mistake must not lose it
        return None, f"the function prices= raised {type(error).__name__}: {error}"
    if said is None:
        return None, ""
    try:
        return Priced(clean(amount(said)), "yours"), ""
    except ValueError as error:
        return None, f"the function prices= returned {said!r}; {error}"


def _listed(usage: Usage, at: float) -> tuple[Priced | None, str]:
    """Return the list price, or what is wrong with the package that has them."""
    try:
        found = bundled(usage, at)
    except Exception as error:  # noqa: BLE001 - as above: whatever another version of that package does
        return None, f"genai-prices raised {type(error).__name__}: {error}"
    return None if found is None else Priced(found.cost, found.source, found.rate, found.as_of), ""


_warned: set[tuple[str, str]] = set()
_lock = Lock()


def _warn(usage: Usage, problem: str) -> None:
    with _lock:
        if (usage.model, usage.tier) in _warned:
            return
        _warned.add((usage.model, usage.tier))
    tier = "" if usage.tier in STANDARD else f" at service tier {usage.tier!r}"
    model = f"model {usage.model!r}{tier}" if usage.model else "a call that names no model"
    say = f"prices={{{usage.model or 'model'!r}: ng.prices.Rate(input, output)}}, US dollars per million tokens"
    told = f"nobody knows what {model} costs{f': {problem}' if problem else ''}; its calls' cost is NaN"
    with suppress(UnknownPriceWarning):  # where warnings are errors: the call is paid for, and must be kept
        # The place is nobody's line: the call may come from any thread.
        warnings.warn_explicit(f"{told}. To say it: {say}", UnknownPriceWarning, "nbgraph", 1, "nbgraph.prices")
