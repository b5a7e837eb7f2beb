"""US dollars as exact decimals: how amounts are read, added up and written.

Owns the arithmetic. It does not depend on the caller's decimal context, and never rounds: amounts are bounded, and
the precision holds any sum of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any

EXACT = Context(prec=200, traps=[InvalidOperation, DivisionByZero, Overflow])
_MOST, _FINEST = 15, -100
"""Amounts stay below 10**15 and have 100 decimals at most, so that 10**60 of them add up within the precision."""
_BOUNDS = f"it should be below 1e{_MOST}, with {-_FINEST} decimals at most"
NAN = Decimal("NaN")
"""What nobody knows, in a column of amounts."""


def amount(value: Any) -> Decimal:
    """Return an amount of 0 or more, exactly as it is written; raises ``ValueError`` for anything else.

    A float counts as what it prints: ``0.1`` is a tenth.

    >>> amount(0.1), amount("2.50"), amount(3)
    (Decimal('0.1'), Decimal('2.50'), Decimal('3'))
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise ValueError("it should be a number")  # noqa: TRY004 - one error for whatever is no amount
    try:
        found = EXACT.create_decimal(value if isinstance(value, (int, Decimal)) else str(value))
    except Overflow as error:
        raise ValueError(_BOUNDS) from error
    except InvalidOperation as error:
        raise ValueError("it should be a number") from error
    if not found.is_finite() or found < 0:
        raise ValueError("it should be 0 or more, and finite")
    if found.adjusted() >= _MOST or int(found.as_tuple().exponent) < _FINEST:
        raise ValueError(_BOUNDS)
    return found.copy_abs()


def plus(one: Decimal, other: Decimal) -> Decimal:
    """Return a sum, exact."""
    return EXACT.add(one, other)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Return the sum of known amounts, exact: in any order and any grouping the same.

    >>> total([Decimal("0.1")] * 10)
    Decimal('1.0')
    """
    whole = Decimal(0)
    for one in amounts:
        whole = EXACT.add(whole, one)
    return whole


def sum_of(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """Return a sum, None if one part is not known."""
    whole = Decimal(0)
    for one in amounts:
        if one is None:
            return None
        whole = EXACT.add(whole, one)
    return whole


def text(value: Decimal) -> str:
    """Return an amount as it is stored: plain digits, the same for equal amounts.

    >>> text(Decimal("1E-7")), text(Decimal("2.50")), text(Decimal("1E+3"))
    ('0.0000001', '2.5', '1000')
    """
    return f"{value.normalize(EXACT):f}"


def clean(value: Decimal) -> Decimal:
    """Return an amount without needless zeros: equal amounts are written in the same way."""
    return Decimal(text(value))
