"""What a run's calls use: tokens and money, counted as they return, and held against the run's budgets before they begin.

Owns the counts of one drive and what its calls under way have reserved. Any thread may ask. Knows requests and
prices; knows no store, no tasks and nothing of how a run stops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from json import dumps
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from nbgraph.engine.calls.estimate import expected
from nbgraph.engine.calls.purse import NO_MONEY, SHARED, Amount, OutOfBudget, Purse
from nbgraph.prices.money import text
from nbgraph.prices.pricing import Priced, Prices
from nbgraph.prices.usage import Usage

if TYPE_CHECKING:
    from nbgraph.engine.calls.request import Request

_TABLE = Prices()


class Spent(NamedTuple):
    """What a call that returned used, as the log tells: ``call`` is its label."""

    call: str
    usage: Usage
    cost: Decimal | None


class Ticket:
    """A call under way, and what is held for it: None where it is not known to use a model, or it is over."""

    __slots__ = ("_held", "call")

    def __init__(self, call: str, held: Amount | None) -> None:
        self.call, self._held = call, held

    def closed(self) -> Amount | None:
        """Return what is held, once: whoever asks gives it back."""
        held, self._held = self._held, None
        return held


class Meter:
    """Counts what the calls of one drive use; refuses the call that would break a budget.

    The desk asks ``begin`` before a call's "started" line, and keeps a refusal as ``desk.refused`` in case the node
    swallows it; ``end`` before the line of what came back; ``drop`` where nothing did. Calls that a record answers
    are not metered, and a replay meters nothing.
    """

    def __init__(
        self,
        table: Prices | None = None,
        *,
        cost: Decimal | None = None,
        tokens: int | None = None,
        due: float | None = None,
        span: float | None = None,
        now: Callable[[], float] | None = None,
        clock: Callable[[], float] | None = None,
        earlier: Callable[[Prices], Iterable[Spent]] | None = None,
    ) -> None:
        """Make a meter. ``table``: option ``prices``; ``due``: when the time is up by ``now``, after ``span`` seconds.

        ``clock`` tells the time of day: prices change by it.
        """
        self._prices = table or _TABLE
        shared = SHARED.get()
        self._own = () if cost is None and tokens is None else (Purse(cost, tokens),)
        self._purses = self._own if shared is None else (*self._own, shared)
        self._due, self._span, self._now, self._clock = due, span, now, clock
        self._earlier, self._looked = earlier, not self._own
        self._most: dict[str, Usage] = {}
        self._lock = Lock()

    def begin(self, request: Request) -> Ticket | None:
        """Reserve what a call may use. Raises ``OutOfBudget`` where that is more than there is.

        A call uses a model when its request names one, or when this function's calls used tokens before. The first is
        estimated from its request: input, and output where that has a limit; the second as the largest use of that
        function so far. Any other call is refused only when the time is up.
        """
        if self._due is not None:
            self._check_time(request.label)
        if not self._purses:
            return None
        self._look_back()
        usage = self._expected(request)
        if usage is None:
            return Ticket(request.label, None)
        amount = self._amount(usage)
        for number, purse in enumerate(self._purses):
            try:
                purse.reserve(amount, request.label, usage.model)
            except OutOfBudget:
                for earlier in self._purses[:number]:
                    earlier.release(amount)
                raise
        return Ticket(request.label, amount)

    def end(self, ticket: Ticket | None, usage: Usage | None, given: Decimal | None = None) -> str:
        """Count what a call used, ``given``: what it cost, where somebody said so. Return the entries of its line.

        A call to a model that came back and tells no tokens counts as what was expected of it; its line says nothing of that.
        """
        if usage is None and given is None:
            self._untold(ticket)
            return ""
        usage = Usage() if usage is None else usage
        priced = self._price(usage) if given is None else Priced(given, "given", "", "")
        if self._purses:
            self._look_back()
            call, held = ("", None) if ticket is None else (ticket.call, ticket.closed())
            untold = priced.cost is None and not usage.tokens
            if untold and held is not None:
                self._spend(held, held)
            else:
                self._note(Spent(call, usage, priced.cost), self._purses, held)
        return entries(usage, priced)

    def _untold(self, ticket: Ticket | None) -> None:
        held = None if ticket is None else ticket.closed()
        if held is not None:
            self._spend(held, held)

    def _spend(self, amount: Amount, held: Amount | None) -> None:
        for purse in self._purses:
            purse.spend(amount, "", held)

    def drop(self, ticket: Ticket | None) -> None:
        """Give back what was reserved for a call that gave nothing; a ticket that was given back before does nothing."""
        held = None if ticket is None else ticket.closed()
        if held is not None:
            for purse in self._purses:
                purse.release(held)

    @property
    def limited(self) -> bool:
        """True where there is a budget of money or tokens."""
        return bool(self._purses)

    def over(self) -> OutOfBudget | None:
        """Say which budget was overdrawn, by an entry of a node's own or a call that used more than was expected."""
        if self._purses:
            self._look_back()
        return next((over for purse in self._purses if (over := purse.over()) is not None), None)

    def _price(self, usage: Usage) -> Priced:
        return self._prices.price(usage, None if self._clock is None else self._clock())

    def _check_time(self, call: str) -> None:
        now = 0.0 if self._now is None else self._now()
        if self._due is not None and now >= self._due:
            span = self._span or 0.0
            raise OutOfBudget("time_budget", self._span, now - self._due + span, call=call)

    def _look_back(self) -> None:
        """Count what the run's earlier drives used, once: the others wait for it."""
        if self._looked:
            return
        with self._lock:
            if not self._looked:
                for spent in self._before():
                    self._note(spent, self._own)
            self._looked = True

    def _before(self) -> Iterable[Spent]:
        return () if self._earlier is None else self._earlier(self._prices)

    def _note(self, spent: Spent, purses: Iterable[Purse], held: Amount | None = None) -> None:
        usage = spent.usage
        note_most(self._most, spent.call, usage)
        for purse in purses:
            purse.spend(Amount(usage.tokens, spent.cost), usage.model, held)

    def _expected(self, request: Request) -> Usage | None:
        said = expected(request.text, sum(map(len, request.blobs.values())))
        return said.usage if said.model else self._most.get(request.label)

    def _amount(self, usage: Usage) -> Amount:
        limited = any(purse.cost_limit is not None for purse in self._purses)
        return Amount(usage.tokens, self._price(usage).cost if limited else NO_MONEY)


def note_most(most: dict[str, Usage], call: str, usage: Usage) -> None:
    """Note what a function used, if it is the most so far: its next call may use that."""
    if call and (call not in most or usage.tokens >= most[call].tokens):
        most[call] = usage


def entries(usage: Usage, priced: Priced) -> str:
    """Return the entries "usage" and "cost" of a call's line, each behind a comma."""
    usd = None if priced.cost is None else text(priced.cost)
    cost = {"usd": usd, "from": priced.source, "rate": priced.rate, "as_of": priced.as_of}
    return f',"usage":{_text(usage.facts())},"cost":{_text(cost)}'


def _text(facts: Any) -> str:
    return dumps(facts, separators=(",", ":"))
