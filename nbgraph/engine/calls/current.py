"""How a decorated function finds the node that it is called from: ``@ng.call``.

Owns the context variable. Outside of a run a decorated function is an ordinary function.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextvars import ContextVar
from functools import partial, wraps
from inspect import iscoroutinefunction
from types import MethodType
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, overload

from nbgraph.engine.calls.request import policy

if TYPE_CHECKING:
    from nbgraph.engine.context import Context

P = ParamSpec("P")
R = TypeVar("R")
Wrapper = Callable[[Callable[P, R]], Callable[P, R]]


class Here(Protocol):
    """The attempt that runs somewhere."""

    def context(self) -> Context:
        """Return its context."""
        ...

    def hear(self, text: str) -> bool:
        """Take what its node prints; say whether that is all that shall become of it."""
        ...

    def hide(self, values: Iterable[bytes]) -> None:
        """Take what its requests carry of secrets: no text of an exception is kept with them."""
        ...

    @property
    def secrets(self) -> Collection[bytes]:
        """What was taken."""
        ...


HERE: ContextVar[Here | None] = ContextVar("nbgraph_node", default=None)
"""The attempt that runs here."""


def current() -> Context | None:
    """Return the context of the node that runs here, None outside of a run.

    >>> current() is None
    True
    """
    here = HERE.get()
    return None if here is None else here.context()


def hide(values: Iterable[bytes]) -> None:
    """Have these values hidden in what is kept of the exceptions of the node that runs here."""
    here = HERE.get()
    if here is not None:
        here.hide(values)


def secrets() -> Collection[bytes]:
    """Return what the requests of the node that runs here carried of secrets so far."""
    here = HERE.get()
    return () if here is None else here.secrets


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
    how = {"unknown": policy(unknown), "usage": usage}
    return (lambda inner: _recorded(inner, key, how)) if fn is None else _recorded(fn, key, how)


def _recorded(fn: Callable[..., Any], key: Callable[..., str] | None, how: dict[str, Any]) -> Callable[..., Any]:
    method = _is_method(fn)

    def options(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        return {"key": None if key is None else key(*args, **kwargs), **how}

    def bound(args: tuple[Any, ...]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return (MethodType(fn, args[0]), args[1:]) if method and args else (fn, args)

    @wraps(fn)
    def sync(*args: Any, **kwargs: Any) -> Any:
        ctx = current()
        if ctx is None:
            return fn(*args, **kwargs)
        return ctx.recorded(*bound(args), kwargs, **options(args, kwargs))

    @wraps(fn)
    async def asynchronous(*args: Any, **kwargs: Any) -> Any:
        ctx = current()
        if ctx is None:
            return await fn(*args, **kwargs)
        return await ctx.arecorded(*bound(args), kwargs, **options(args, kwargs))

    wrapper: Any = asynchronous if iscoroutinefunction(fn) else sync
    wrapper.__recorded__, wrapper.__options__ = fn, options  # so that ctx.call of it records once, and as it says
    recorded: Callable[..., Any] = wrapper
    return recorded


def options_of(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the decorator of ``fn`` says of a call, nothing where it was not decorated."""
    if isinstance(fn, partial):
        return options_of(fn.func, (*fn.args, *args), {**fn.keywords, **kwargs})
    options: Callable[..., Mapping[str, Any]] | None = getattr(fn, "__options__", None)
    if options is None:
        return {}
    return options((fn.__self__, *args) if isinstance(fn, MethodType) else args, kwargs)


def _is_method(fn: Callable[..., Any]) -> bool:
    """Say whether a function stands in a class and takes its object: that is no part of what is asked."""
    if isinstance(fn, MethodType):  # it has its object already
        return False
    place, _, _ = getattr(fn, "__qualname__", "").rpartition(".")
    code = getattr(fn, "__code__", None)
    names = code.co_varnames[: code.co_argcount] if code is not None else ()
    return bool(place) and not place.endswith("<locals>") and names[:1] in (("self",), ("cls",))
