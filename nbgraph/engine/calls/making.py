"""A node's words made into a ``Call``: what is asked, how to ask it here, and what may come back.

Owns the four ways in which sync and async functions meet sync and async nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from inspect import iscoroutine, iscoroutinefunction
from typing import TYPE_CHECKING, Any

from nbgraph.codec import Types
from nbgraph.engine.calls.call import Call
from nbgraph.engine.calls.outcome import types_of
from nbgraph.engine.calls.outside import Outside
from nbgraph.engine.calls.request import described, peeled, policy, request_of, unwrapped

if TYPE_CHECKING:
    from nbgraph.engine.calls.parts import Form

How = Mapping[str, Any]
"""The options ``key``, ``unknown`` and ``usage`` of a call; one that is missing is as usual."""


def blocking_call(
    desk: Outside, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], how: How
) -> Call:
    """Return a call that is made on this thread; an async function gets a loop of its own."""
    plain, every, named = peeled(fn, args, kwargs)
    return _call(desk, fn, args, kwargs, partial(_blocking, partial(plain, *every, **named)), how)


def awaited_call(
    desk: Outside, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], how: How
) -> Call:
    """Return a call that is awaited; a sync function runs on a thread."""
    plain, every, named = peeled(fn, args, kwargs)
    inner = partial(plain, *every, **named)
    perform = inner if iscoroutinefunction(plain) else partial(_on_a_thread, inner)
    return _call(desk, fn, args, kwargs, perform, how)


def described_call(desk: Outside, label: str, asked: Any, perform: Callable[[], Any], how: How) -> Call:
    """Return a call that a wrapper of a client describes by itself."""
    return Call(described(label, asked, desk.redact), perform, desk.types, **_options(how))


def parted_call(desk: Outside, label: str, asked: Any, perform: Callable[[], Any], form: Form) -> Call:
    """Return a call of such a wrapper whose answer comes in parts."""
    return Call(described(label, asked, desk.redact), perform, desk.types, form=form)


def _call(
    desk: Outside,
    fn: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    perform: Callable[[], Any],
    how: How,
) -> Call:
    types = Types.later(partial(types_of, unwrapped(fn), desk.types))
    return Call(request_of(fn, args, kwargs, desk.redact), perform, types, **_options(how))


def _options(how: How) -> dict[str, Any]:
    return {"key": how.get("key"), "unknown": policy(how.get("unknown") or "retry"), "usage": how.get("usage")}


def _blocking(perform: Callable[[], Any]) -> Any:
    value = perform()
    if not iscoroutine(value):
        return value
    from asyncio import run  # noqa: PLC0415 - 30 ms that sync graphs do without

    from nbgraph.engine.host import off_loop  # noqa: PLC0415 - as above

    return off_loop(partial(run, value))


async def _on_a_thread(perform: Callable[[], Any]) -> Any:
    from asyncio import to_thread  # noqa: PLC0415 - whoever awaits has it loaded

    value = await to_thread(perform)
    return await value if iscoroutine(value) else value
