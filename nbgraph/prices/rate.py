"""A price: US dollars per million tokens, and what a use costs at it.

Owns the arithmetic of one price, and how it is written by hand and shown. Which model has which is others' business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from nbgraph.errors import OptionsError
from nbgraph.prices.money import EXACT, amount, clean
from nbgraph.prices.usage import Usage

MILLION = Decimal(1_000_000)


Number = Decimal | int | float | str
"""An amount as users write it."""


@dataclass(frozen=True, slots=True, init=False)
class Rate:
    """US dollars per million tokens, exact. Numbers and texts are taken as they are written; ``Rate(0, 0)`` is free.

    Raises ``OptionsError`` for what is no price.

    >>> Rate(2.5, 10, cache_read="1.25").cost(Usage("m", input=1000, output=100, cache_read=400))
    Decimal('0.003')
    >>> print(Rate(2.5, 10, cache_read="1.25"))
    2.50 in, 10.00 out, 1.25 cached per million
    """

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    """Input served from a cache; None: as other input."""
    cache_write: Decimal | None = None
    """Input kept in a cache; None: as other input."""
    cache_write_1h: Decimal | None = None
    """... for an hour; None: as ``cache_write``."""

    def __init__(
        self,
        input: Number,  # noqa: A002 - the field's word
        output: Number,
        cache_read: Number | None = None,
        cache_write: Number | None = None,
        cache_write_1h: Number | None = None,
    ) -> None:
        cached = {"cache_read": cache_read, "cache_write": cache_write, "cache_write_1h": cache_write_1h}
        for name, given in {"input": input, "output": output, **cached}.items():
            optional = given is None and name in cached
            object.__setattr__(self, name, None if optional else _price(name, given))

    def cost(self, usage: Usage) -> Decimal:
        """Return what a use costs, in US dollars, exact."""
        read, written, hour = usage.cache_read, usage.cache_write, min(usage.cache_write_1h, usage.cache_write)
        write = self.input if self.cache_write is None else self.cache_write
        parts = (
            (max(0, usage.input - read - written), self.input),
            (read, self.input if self.cache_read is None else self.cache_read),
            (written - hour, write),
            (hour, write if self.cache_write_1h is None else self.cache_write_1h),
            (usage.output, self.output),
        )
        whole = Decimal(0)
        for tokens, price in parts:
            whole = EXACT.fma(Decimal(tokens), price, whole)
        return clean(EXACT.divide(whole, MILLION))

    def __str__(self) -> str:
        cached = "" if self.cache_read is None else f", {money(self.cache_read)} cached"
        return f"{money(self.input)} in, {money(self.output)} out{cached} per million"


def _price(name: str, given: Any) -> Decimal:
    try:
        return amount(given)
    except ValueError as error:
        raise OptionsError(
            f"a price's {name} is {given!r}; {error}",
            option="prices",
            field=name,
            expected="US dollars per million tokens, 0 or more",
            actual=given,
            todo='pass a number or a text such as "2.50"',
        ) from error


def money(value: Decimal) -> str:
    """Return dollars with two decimals at least.

    >>> money(Decimal("2.5")), money(Decimal("0.075"))
    ('2.50', '0.075')
    """
    short = clean(value)
    return f"{short:.2f}" if int(short.as_tuple().exponent) > -2 else f"{short:f}"


def rate_of(given: Any) -> Rate:
    """Return a price as users write it: a ``Rate``, (input, output), or a mapping of its parts."""
    if isinstance(given, Rate):
        return given
    if isinstance(given, Mapping):
        unknown = set(given) - {field.name for field in fields(Rate)}
        if not unknown and {"input", "output"} <= set(given):
            return Rate(**given)
    elif isinstance(given, (tuple, list)) and 2 <= len(given) <= len(fields(Rate)):
        return Rate(*given)
    raise OptionsError(
        f"{given!r} is not a price",
        option="prices",
        expected="ng.prices.Rate(input, output), (input, output) or {'input': ..., 'output': ..., 'cache_read': ...}",
        actual=given,
        todo="give US dollars per million tokens",
    )
