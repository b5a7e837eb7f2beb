"""Other models' prices, and tiers: the data that comes with the package ``genai-prices``.

Owns what is asked of that package. It is loaded when a model outside the table is first priced (a tenth of a second),
and only its bundled data is read: nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Any, NamedTuple

from nbgraph.prices.money import EXACT, amount, clean
from nbgraph.prices.providers import provider_of
from nbgraph.prices.rate import Rate
from nbgraph.prices.usage import Usage

STANDARD = frozenset(["", "default", "standard", "auto", "on_demand", "on-demand"])
"""Service tiers at the ordinary price."""


class Found(NamedTuple):
    """A price that was found: the cost, the price as people read it, whose data it is, and the data's date."""

    cost: Decimal
    rate: str
    source: str
    as_of: str


def bundled(usage: Usage, at: float) -> Found | None:
    """Return what a use cost at the time ``at`` (seconds since the Unix epoch), None if the package does not know.

    Not known is also: a service tier that it has no price for, and tokens of a kind that the model's price leaves out.
    """
    when = datetime.fromtimestamp(at, UTC)
    found = _model(usage.model, usage.provider)
    if found is None:
        return None
    provider, model = found
    context = _context(usage.tier, model, when)
    if context is None:
        return None
    price = model.get_prices(when, context or None)
    untold = (usage.input and price.input_mtok is None) or (usage.output and price.output_mtok is None)
    if untold and not usage.model.endswith(":free"):
        return None
    return _found(usage, provider, model, context, when)


def _found(usage: Usage, provider: Any, model: Any, context: dict[str, str], when: datetime) -> Found | None:
    from genai_prices import Usage as Counts  # noqa: PLC0415 - see the module's docstring

    counts = Counts(**{key: many for key, name in _COUNTS.items() if (many := getattr(usage, name))})
    try:
        with localcontext(EXACT):
            done = model.calc_price(counts, provider, genai_request_timestamp=when, price_context=context or None)
        cost = clean(amount(done.total_price))
    except ValueError:  # counts that contradict each other
        return None
    return Found(cost, _rate(done.model_price, usage, provider.id), _source(), _as_of(when))


_COUNTS = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_read_tokens": "cache_read",
    "cache_write_tokens": "cache_write",
    "cache_write_1h_tokens": "cache_write_1h",
    "output_reasoning_tokens": "reasoning",
    "input_audio_tokens": "input_audio",
    "output_audio_tokens": "output_audio",
}


@lru_cache(maxsize=1000)
def _model(name: str, provider: str) -> tuple[Any, Any] | None:
    """Return a model and who serves it, under the first of its names that is known."""
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - see the module's docstring

    for ref, who in _tries(name, provider):
        try:
            return get_snapshot().find_provider_model(ref, None, who, None)
        except LookupError:
            continue
    return None


def _tries(name: str, provider: str) -> Iterator[tuple[str, str | None]]:
    """Yield (name, provider) as the package may know them.

    Whoever speaks OpenAI's language is called "openai" by clients, so that name alone does not say who serves.
    """
    tail = name.rpartition("/")[2]
    if provider:
        yield from ((name, provider), (tail, provider))
    if provider in ("", "openai"):
        yield from ((name, "litellm"), (name, "openrouter"), (tail, None))
        if name.startswith("ft:"):
            yield name, "openai"
        if _BEDROCK.match(name):
            yield name, "aws"
        if not provider and (maker := provider_of("", tail)):
            yield tail, maker


_BEDROCK = re.compile(r"([a-z-]+\.)?(ai21|amazon|anthropic|cohere|deepseek|meta|mistral|openai|qwen)\.", re.IGNORECASE)


def _context(tier: str, model: Any, when: datetime) -> dict[str, str] | None:
    """Return what selects a tier's price, {} for the ordinary one, None if the model has none for that tier."""
    if tier in STANDARD:
        return {}
    for context in ({"service_tier": tier}, {"processing": tier}, {"speed": tier}):
        for variant in model.price_variants or ():
            if variant.when == context and (variant.constraint is None or variant.constraint.active(when)):
                return context
    return None


def _rate(price: Any, usage: Usage, who: str) -> str:
    """Return the price that held for a use: of its tier, where a long prompt has one."""
    kinds = ("input_mtok", "output_mtok", "cache_read_mtok")
    into, out, cached = (_applied(getattr(price, kind), usage.input) for kind in kinds)
    return f"{Rate(into or Decimal(0), out or Decimal(0), cached)} ({who})"


def _applied(price: Any, many: int) -> Decimal | None:
    tiers = getattr(price, "tiers", ())
    base: Decimal | None = getattr(price, "base", price)
    return next((tier.price for tier in reversed(tiers) if many > tier.start), base)


@lru_cache(maxsize=1)
def _source() -> str:
    from genai_prices import __version__  # noqa: PLC0415 - see the module's docstring

    return f"genai-prices {__version__}"


def _as_of(when: datetime) -> str:
    """Return the newest date of a price change in the data that is not after ``when``, else the oldest.

    The package does not say when its data was made; it does say since when prices hold.
    """
    day = when.date().isoformat()
    dates = _dates()
    return max((date for date in dates if date <= day), default=dates[0] if dates else day)


@lru_cache(maxsize=1)
def _dates() -> tuple[str, ...]:
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - see the module's docstring

    models = [model for provider in get_snapshot().providers for model in provider.models]
    prices = [price for model in models if isinstance(model.prices, list) for price in model.prices]
    starts = {getattr(price.constraint, "start_date", None) for price in prices}
    return tuple(sorted(start.isoformat() for start in starts if start is not None))
