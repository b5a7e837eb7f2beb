"""How a decorated function finds the node that it is called from: ``@ng.call``.

Owns the context variable. Outside of a run a decorated function is an ordinary function.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

if TYPE_CHECKING:
    from nbgraph.engine.context import Context

P = ParamSpec("P")
R = TypeVar("R")
Wrapper = Callable[[Callable[P, R]], Callable[P, R]]

HERE: ContextVar[Callable[[], Context] | None] = ContextVar("nbgraph_node", default=None)
"""Gives the context of the attempt that runs here."""


def current() -> Context | None:
    """Return the context of the node that runs here, None outside of a run.

    >>> current() is None
    True
    """
    opened = HERE.get()
    return None if opened is None else opened()


@overload
def call(fn: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def call(
    *, key: Callable[P, str] | None = ..., unknown: str = ..., usage: Callable[[Any], Any] | None = ...
) -> Wrapper[P, R]: ...
def call(
    fn: Callable[..., Any] | None = None,
    /,
    *,
    key: Callable[..., str] | None = None,
    unknown: str = "retry",
    usage: Callable[[Any], Any] | None = None,
) -> Any:
    """Record the function's calls when a node makes them; as a decorator, bare or with options.

    Inside a node each call is recorded as ``ctx.call`` records it; elsewhere the function is as before. A
    thread that the node starts by itself is elsewhere, unless it runs in ``contextvars.copy_context()``.
    ``key(*args, **kwargs)`` names a call; ``unknown`` and ``usage`` are those of ``ctx.call``.

    >>> @call
    ... def fetch(city):
    ...     return f"sunny in {city}"
    >>> fetch("Oslo")
    'sunny in Oslo'
    """
    if fn is None:
        return lambda inner: _recorded(inner, key, unknown, usage)
    return _recorded(fn, key, unknown, usage)


def _recorded(
    fn: Callable[..., Any], key: Callable[..., str] | None, unknown: str, usage: Callable[[Any], Any] | None
) -> Callable[..., Any]:
    def options(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        return {"key": None if key is None else key(*args, **kwargs), "unknown": unknown, "usage": usage}

    @wraps(fn)
    def sync(*args: Any, **kwargs: Any) -> Any:
        ctx = current()
        if ctx is None:
            return fn(*args, **kwargs)
        return ctx.recorded(fn, args, kwargs, **options(args, kwargs))

    @wraps(fn)
    async def asynchronous(*args: Any, **kwargs: Any) -> Any:
        ctx = current()
        if ctx is None:
            return await fn(*args, **kwargs)
        return await ctx.arecorded(fn, args, kwargs, **options(args, kwargs))

    wrapper: Callable[..., Any] = asynchronous if iscoroutinefunction(fn) else sync
    wrapper.__recorded__ = fn  # type: ignore[attr-defined]  # so that ctx.call of it records once
    return wrapper
