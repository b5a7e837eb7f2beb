"""What a node says itself that it used: a machine of its own, a service that no client recorded.

Owns the check of such an entry, and its request's text. Knows nothing of how it is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from operator import index
from typing import Any, NamedTuple

from nbgraph.codec import Redaction
from nbgraph.engine.calls.request import Request, described
from nbgraph.errors import CallError
from nbgraph.prices.money import amount, text
from nbgraph.prices.usage import Usage

LABEL = "usage"
"""What an entry is called among the calls."""


class Used(NamedTuple):
    """An entry: its request, what was used, and what it cost where the node says so."""

    request: Request
    usage: Usage
    given: Decimal | None
    key: str | None = None


def entry_of(given: Mapping[str, Any], key: str | None, redact: Redaction) -> Used:
    """Return an entry of these arguments; raises ``CallError`` naming the one that is wrong."""
    tokens = {name: _count(name, value) for name, value in given.items() if name.endswith("_tokens")}
    texts = {name: _text(name, given[name]) for name in ("model", "provider")}
    cost = _cost(given["cost"])
    if cost is None and not any(tokens.values()):
        raise _wrong("input_tokens", tokens["input_tokens"], "tokens, or a cost: the entry says nothing")
    _check_parts(tokens, "input_tokens", "cache_read_tokens", "cache_write_tokens")
    _check_parts(tokens, "output_tokens", "reasoning_tokens")
    usage = Usage.of({**tokens, **texts})
    asked = {**usage.facts(), **({} if cost is None else {"cost": text(cost)})}
    return Used(described(LABEL, asked, redact), usage, cost, key)


def _count(name: str, value: Any) -> int:
    expected = "a whole number of tokens, 0 or more"
    if isinstance(value, bool):
        raise _wrong(name, value, expected)
    try:
        count = index(value)
    except TypeError:
        raise _wrong(name, value, expected) from None
    if count < 0:
        raise _wrong(name, value, expected)
    return count


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(name, value, "a text")
    return value


def _cost(value: Any) -> Decimal | None:
    if value is None:
        return None
    try:
        return amount(value)
    except ValueError as error:
        raise _wrong("cost", value, f"US dollars, as a number or its text: {error}") from None


def _check_parts(tokens: Mapping[str, int], whole: str, *parts: str) -> None:
    if sum(tokens[part] for part in parts) > tokens[whole]:
        raise _wrong(whole, tokens[whole], f"all of them, {' and '.join(parts)} among them")


def _wrong(name: str, value: Any, expected: str) -> CallError:
    return CallError(
        f"ctx.usage({name}={value!r}): it should be {expected}",
        still="nothing was entered",
        todo=f"pass {name}= as {expected}",
        call=LABEL,
        field=name,
        expected=expected,
        actual=value,
    )
