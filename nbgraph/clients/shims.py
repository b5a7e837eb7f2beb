"""Transports for httpx2, or the httpx that it came from, that put each request of a node on record.

Owns the seam to the library, which is imported when a client is first made. A transport outside of a run passes
everything on untouched. In a run answers arrive decoded, live as well as from the record: what is kept can be read
and searched for secrets.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from functools import lru_cache, partial
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from nbgraph.clients.asking import Asked, Sent, asked_of
from nbgraph.clients.form import Head, HttpForm
from nbgraph.engine.calls.current import current, hide
from nbgraph.engine.calls.through import carrying
from nbgraph.errors import CallError, NbgraphError, OptionsError

if TYPE_CHECKING:
    from nbgraph.engine.calls.parts import Opened
    from nbgraph.engine.context import Context

LIBRARIES = ("httpx2", "httpx")


class Shims(NamedTuple):
    """The library, and its transports that record."""

    http: ModuleType
    transport: Callable[[Any], Any]
    atransport: Callable[[Any], Any]


def library_of(thing: Any) -> str:
    """Return which library a client or a transport belongs to; the first of ``LIBRARIES`` for any other thing."""
    packages = {cls.__module__.partition(".")[0] for cls in type(thing).__mro__}
    return next((name for name in LIBRARIES if name in packages), LIBRARIES[0])


@lru_cache(maxsize=len(LIBRARIES))
def shims(library: str) -> Shims:
    """Return the transports for a library; raises ``OptionsError`` for one that is not known."""
    if library not in LIBRARIES:
        raise OptionsError(
            f"library is {library!r}", option="library", actual=library, todo=f"choose one of {', '.join(LIBRARIES)}"
        )
    http = import_module(library)
    return Shims(http, _transport(http), _atransport(http))


def _transport(http: Any) -> Callable[[Any], Any]:
    """Return the library's transport that records."""

    class Parts(http.SyncByteStream):  # type: ignore[misc]  # of a library chosen at run time
        """An answer's body as a node reads it."""

        def __init__(self, opened: Opened) -> None:
            self._opened = opened

        def __iter__(self) -> Iterator[bytes]:
            while (part := self._part()) is not None:
                yield part

        def _part(self) -> bytes | None:
            with carrying(NbgraphError):
                return self._opened.part()

        def close(self) -> None:
            with carrying(NbgraphError):
                self._opened.close()

    class Transport(http.BaseTransport):  # type: ignore[misc]  # as above
        """Records what a node sends through ``inner``."""

        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def handle_request(self, request: Any) -> Any:
            ctx = current()
            if ctx is None:
                return self._inner.handle_request(request)
            with carrying(NbgraphError):
                asked = _asked(ctx, request, request.read())
                opened = ctx.opened(asked.label, asked.asked, partial(self._send, request), HttpForm(asked))
            return _response(http, opened, Parts(opened))

        def _send(self, request: Any) -> _Answer:
            return _Answer(self._inner.handle_request(request))

        def close(self) -> None:
            self._inner.close()

    return Transport


def _atransport(http: Any) -> Callable[[Any], Any]:
    """Return the same, awaited."""

    class AsyncParts(http.AsyncByteStream):  # type: ignore[misc]  # as above
        """The same, awaited."""

        def __init__(self, opened: Opened) -> None:
            self._opened = opened

        async def __aiter__(self) -> AsyncIterator[bytes]:
            while (part := await self._part()) is not None:
                yield part

        async def _part(self) -> bytes | None:
            with carrying(NbgraphError):
                return await self._opened.apart()

        async def aclose(self) -> None:
            with carrying(NbgraphError):
                await self._opened.aclose()

    class AsyncTransport(http.AsyncBaseTransport):  # type: ignore[misc]  # as above
        """The same, awaited."""

        def __init__(self, inner: Any) -> None:
            self._inner = inner

        async def handle_async_request(self, request: Any) -> Any:
            ctx = current()
            if ctx is None:
                return await self._inner.handle_async_request(request)
            with carrying(NbgraphError):
                asked = _asked(ctx, request, await request.aread())
                opened = await ctx.aopened(asked.label, asked.asked, partial(self._send, request), HttpForm(asked))
            return _response(http, opened, AsyncParts(opened))

        async def _send(self, request: Any) -> _AsyncAnswer:
            return _AsyncAnswer(await self._inner.handle_async_request(request))

        async def aclose(self) -> None:
            await self._inner.aclose()

    return AsyncTransport


def _asked(ctx: Context, request: Any, content: bytes) -> Asked:
    headers = list(request.headers.multi_items())
    if "upgrade" in request.headers:
        raise CallError(
            f"a web socket to {request.url.host} cannot be recorded",
            still="nothing was sent",
            todo="let a function of yours hold the conversation, and call that through ctx.call",
            node=ctx.node,
            task=ctx.task_id,
        )
    asked = asked_of(Sent(request.method, str(request.url), headers, content), ctx.redaction)
    hide(asked.secrets.values)
    return asked


def _response(http: Any, opened: Opened, stream: Any) -> Any:
    head: Head = opened.head
    extensions = {"http_version": head.version.encode("ascii", "replace")}
    if head.reason:
        extensions["reason_phrase"] = head.reason.encode("ascii", "replace")
    headers = [(name.encode("utf-8", "replace"), value.encode("utf-8", "replace")) for name, value in head.headers]
    return http.Response(head.status, headers=headers, stream=stream, extensions=extensions)


_ENCODED = frozenset(["content-encoding", "content-length"])


def _head(response: Any) -> Head:
    """Return an answer's head, as of a body that was never encoded."""
    headers = [
        (name.decode(response.headers.encoding), value.decode(response.headers.encoding))
        for name, value in response.headers.raw
    ]
    if "content-encoding" in response.headers:
        headers = [(name, value) for name, value in headers if name.lower() not in _ENCODED]
    reason = response.extensions.get("reason_phrase", b"").decode("ascii", "replace")
    return Head(response.status_code, headers, response.http_version, reason)


class _Answer:
    """An answer that is coming in."""

    def __init__(self, response: Any) -> None:
        self._response, self.head = response, _head(response)

    def parts(self) -> Iterator[bytes]:
        found: Iterator[bytes] = self._response.iter_bytes()
        return found

    def close(self) -> None:
        self._response.close()


class _AsyncAnswer:
    """The same, awaited."""

    def __init__(self, response: Any) -> None:
        self._response, self.head = response, _head(response)

    def parts(self) -> AsyncIterator[bytes]:
        found: AsyncIterator[bytes] = self._response.aiter_bytes()
        return found

    async def close(self) -> None:
        await self._response.aclose()
