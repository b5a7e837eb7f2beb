"""Recording clients and transports, as a notebook makes them.

Owns what their arguments mean: those of the library's own client, sorted into what concerns the connection and the rest.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from nbgraph.clients.inner import AsyncInner, Inner
from nbgraph.clients.shims import library_of, shims

if TYPE_CHECKING:
    import httpx2

_CONNECTION = ("verify", "cert", "http1", "http2", "limits", "proxy", "mounts", "trust_env")


def recording_client(*, library: str | None = None, **kwargs: Any) -> httpx2.Client:
    """Return an HTTP client whose requests are recorded when a node makes them: for ``OpenAI(http_client=...)`` and such.

    ``kwargs`` are those of ``httpx2.Client``; ``library="httpx"`` makes one of the older ``httpx``, which is also chosen
    where ``transport`` belongs to it. Outside of a run it is an ordinary client. As such, and unlike the clients that SDKs
    make for themselves, it follows redirects only with ``follow_redirects=True``, and holds 100 connections unless ``limits`` say otherwise.

    In a run each request is a call like those of ``ctx.call``: made once, kept before the node goes on, served from the
    record by a resume and a replay. Streamed answers reach the node as they come, and are kept when they end. Keys,
    tokens, cookies and passwords are never kept. Two requests are the same if method, address, body and the few headers
    are that change an answer. An answer of status 400 and above is kept too; a node that fails gets it made again.

    What recording itself has to refuse (``MissingCallError``, ``CallError``, a store's error) ends the node, past any
    ``except Exception`` on the way.

    >>> from nbgraph.clients import recording_client
    >>> with recording_client(timeout=10) as client:
    ...     type(client).__name__
    'Client'
    """
    given = shims(_library(library, kwargs))
    return given.http.Client(transport=_wrapped(given.transport, Inner, given.http.Client, kwargs), **_rest(kwargs))  # type: ignore[no-any-return]  # of either library


def arecording_client(*, library: str | None = None, **kwargs: Any) -> httpx2.AsyncClient:
    """Do the same for async code: for ``AsyncOpenAI(http_client=...)`` and such. One client may serve several loops."""
    given = shims(_library(library, kwargs))
    transport = _wrapped(given.atransport, AsyncInner, given.http.AsyncClient, kwargs)
    return given.http.AsyncClient(transport=transport, **_rest(kwargs))  # type: ignore[no-any-return]  # of either library


def recording_transport(inner: Any = None) -> httpx2.BaseTransport:
    """Return a transport that records what a node sends through ``inner``, any transport of httpx2 or httpx.

    Without ``inner`` an ordinary one of httpx2, made when something is first sent. See ``recording_client``.
    """
    given = shims(library_of(inner))
    return given.transport(Inner(given.http.Client) if inner is None else inner)  # type: ignore[no-any-return]  # as above


def arecording_transport(inner: Any = None) -> httpx2.AsyncBaseTransport:
    """Do the same for async clients."""
    given = shims(library_of(inner))
    return given.atransport(AsyncInner(given.http.AsyncClient) if inner is None else inner)  # type: ignore[no-any-return]  # as above


def _library(named: str | None, kwargs: dict[str, Any]) -> str:
    return library_of(kwargs.get("transport")) if named is None else named


def _wrapped(transport: Any, inner: Any, client: Any, kwargs: dict[str, Any]) -> Any:
    """Return the recording transport around the one that was given, else around an ordinary client's."""
    if kwargs.get("transport") is not None and "mounts" not in kwargs:
        return transport(kwargs["transport"])
    wire = {name: kwargs[name] for name in (*_CONNECTION, "transport") if name in kwargs}
    return transport(inner(partial(client, **wire)))


def _rest(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return what concerns the requests; ``trust_env`` is about both (passwords in ``.netrc``)."""
    left = {name: value for name, value in kwargs.items() if name not in (*_CONNECTION, "transport")}
    return {**left, **({"trust_env": kwargs["trust_env"]} if "trust_env" in kwargs else {})}
