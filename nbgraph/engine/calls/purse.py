"""What a budget allows, what was spent of it, and what is held for calls under way: never more than there is.

Owns these sums, for one run or for several together. Any thread may ask. Knows no calls, no models and no prices.
"""

from __future__ import annotations

from contextvars import ContextVar
from decimal import Decimal
from threading import Lock
from typing import Any, NamedTuple

from nbgraph.prices.money import EXACT, plus

NO_MONEY = Decimal(0)


class OutOfBudget(BaseException):
    """The next call would break a budget; it was not made, and the engine sets the task aside.

    No ``Exception``: a node that catches those must not go on without its answer. ``why`` is the option, ``limit``
    its value, ``spent`` what was used of it and ``reserved`` what calls under way may yet use, ``estimate`` what the
    call ``call`` would. ``unpriced`` is the model whose price nobody knows ("": it was not said), None where that is not
    why. ``shared``: the budget is that of several runs together.
    """

    def __init__(
        self, why: str, limit: Any, spent: Any, *, reserved: Any = 0, estimate: Any = None, call: str = "",
        unpriced: str | None = None, shared: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(f"{call or 'a call'} would break {why}={limit}")
        self.why, self.limit, self.spent, self.reserved = why, limit, spent, reserved
        self.estimate, self.call, self.unpriced, self.shared = estimate, call, unpriced, shared


class Amount(NamedTuple):
    """Tokens (input and output), and US dollars; None: nobody knows how much."""

    tokens: int
    cost: Decimal | None


class Purse:
    """One budget: its limits, what was spent, what is reserved. Of a run, or of several together."""

    def __init__(self, cost: Decimal | None, tokens: int | None, *, shared: bool = False) -> None:
        self.cost_limit, self.token_limit, self._shared = cost, tokens, shared
        self.cost, self.tokens = NO_MONEY, 0
        self._held_cost, self._held_tokens = NO_MONEY, 0
        self._unpriced: str | None = None
        self._lock = Lock()

    def reserve(self, amount: Amount, call: str, model: str) -> None:
        """Reserve what a call may use; raises ``OutOfBudget`` where there is not that much left."""
        with self._lock:
            self._check(amount, call, model)
            self._held_tokens += amount.tokens
            self._held_cost = plus(self._held_cost, amount.cost or NO_MONEY)

    def _check(self, amount: Amount, call: str, model: str) -> None:
        limit, tokens = self.cost_limit, self.token_limit
        if limit is not None:
            unknown = model if amount.cost is None else self._unpriced
            if unknown is not None or plus(plus(self.cost, self._held_cost), amount.cost or NO_MONEY) > limit:
                raise self._refusal(call, amount.cost, unpriced=unknown)
        if tokens is not None and self.tokens + self._held_tokens + amount.tokens > tokens:
            raise self._refusal(call, amount.tokens, why="token_budget")

    def _refusal(
        self, call: str = "", estimate: Any = None, *, why: str = "cost_budget", unpriced: str | None = None
    ) -> OutOfBudget:
        money = why == "cost_budget"
        limit, spent = (self.cost_limit, self.cost) if money else (self.token_limit, self.tokens)
        reserved = self._held_cost if money else self._held_tokens
        facts: dict[str, Any] = {"call": call, "unpriced": unpriced, "shared": self._shared}
        return OutOfBudget(why, limit, spent, reserved=reserved, estimate=estimate, **facts)

    def release(self, amount: Amount) -> None:
        """Give back what was reserved."""
        with self._lock:
            self._release(amount)

    def _release(self, amount: Amount) -> None:
        self._held_tokens -= amount.tokens
        self._held_cost = EXACT.subtract(self._held_cost, amount.cost or NO_MONEY)

    def spend(self, amount: Amount, model: str, held: Amount | None) -> None:
        """Count what was used, in the place of what was ``held`` for it: at no moment are both counted, or neither."""
        with self._lock:
            if held is not None:
                self._release(held)
            self.tokens += amount.tokens
            if amount.cost is None:
                self._unpriced = model
            else:
                self.cost = plus(self.cost, amount.cost)

    def over(self) -> OutOfBudget | None:
        """Say what was used beyond the budget, or at a price that nobody knows; None where nothing was."""
        with self._lock:
            limit, tokens = self.cost_limit, self.token_limit
            if limit is not None and (self._unpriced is not None or self.cost > limit):
                return self._refusal(unpriced=self._unpriced)
            if tokens is not None and self.tokens > tokens:
                return self._refusal(why="token_budget")
            return None

    def used_up(self) -> str | None:
        """Return the name of a budget of which nothing is left, None where none is used up."""
        with self._lock:
            limit, tokens = self.cost_limit, self.token_limit
            if limit is not None and (self._unpriced is not None or self.cost >= limit):
                return "cost budget"
            return "token budget" if tokens is not None and self.tokens >= tokens else None


SHARED: ContextVar[Purse | None] = ContextVar("nbgraph_purse", default=None)
"""The budget that the runs begun here have together, beside their own; None: none."""
