"""The ordinary client behind a recording one: made when something is really sent, one for each event loop.

Owns that life. A replay sends nothing, so it makes none. One recording client may serve many runs, each with a loop
of its own, on which connections of another would fail.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import AsyncGenerator, Callable
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

_ONCE = {"stream": True, "auth": None, "follow_redirects": False}
"""The recording client does the rest: one request here, one answer, as it comes."""


class Inner:
    """Sends what it is given through an ordinary client."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._client: Any = None
        self._lock = Lock()

    def handle_request(self, request: Any) -> Any:
        """Send one request."""
        with self._lock:
            client = self._client = self._client or self._make()
        return client.send(request, **_ONCE)

    def close(self) -> None:
        """Close the client, if there is one."""
        client, self._client = self._client, None
        if client is not None:
            client.close()


class AsyncInner:
    """The same, awaited: an ordinary client for each loop, closed with it."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._clients: WeakKeyDictionary[AbstractEventLoop, tuple[Any, AsyncGenerator[None]]] = WeakKeyDictionary()

    async def handle_async_request(self, request: Any) -> Any:
        """Send one request."""
        loop = get_running_loop()
        if loop not in self._clients:
            client = self._make()
            self._clients[loop] = client, (closing := _closed_with_the_loop(client))
            await anext(closing)
        return await self._clients[loop][0].send(request, **_ONCE)

    async def aclose(self) -> None:
        """Close this loop's client, if there is one."""
        client, closing = self._clients.pop(get_running_loop(), (None, None))
        if client is not None and closing is not None:
            await closing.aclose()


async def _closed_with_the_loop(client: Any) -> AsyncGenerator[None]:
    """Close a client when the loop shuts down its generators, as every loop does that is ended in an orderly way."""
    try:
        yield
    finally:
        await client.aclose()
