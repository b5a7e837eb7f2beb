"""Waiting inside somebody's event loop, and what may be done to that loop.

Owns the asyncio side of the host: the polling wait, and nest-asyncio with its limits. Imported only
where a loop is involved.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio import AbstractEventLoop
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, TypeVar

from nbgraph.errors import OptionsError

if TYPE_CHECKING:
    from nbgraph.engine.options import Options
    from nbgraph.engine.session import Session

T = TypeVar("T")

POLL = 0.1
"""Seconds between two looks: a bare await would not hear the notebook's stop button."""


async def wait_for(session: Session, told: str = "") -> None:
    """Wait until the session has finished; a cancelled wait pauses the run, lets go of it and says ``told``."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    session.watch(lambda: _tell(loop, done))
    try:
        while not session.finished.is_set():
            await asyncio.wait([done], timeout=POLL)
    except (asyncio.CancelledError, KeyboardInterrupt) as pressed:  # the second from a loop that leaves signals alone
        session.pause()
        raise type(pressed)(told) from None


def _tell(loop: AbstractEventLoop, done: asyncio.Future[None]) -> None:
    try:
        loop.call_soon_threadsafe(_finish, done)
    except RuntimeError:
        return  # the loop was closed: nobody waits on it any more


def _finish(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)


def running_loop() -> AbstractEventLoop | None:
    """Return the loop that runs on this thread, None if none does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def off_loop(work: Callable[[], T]) -> T:
    """Do ``work``, which runs a loop, here; on a thread beside, with this context, where a loop runs here already."""
    if running_loop() is None:
        return work()
    with ThreadPoolExecutor(1, thread_name_prefix="nbgraph-beside") as pool:
        return pool.submit(copy_context().run, work).result()


def host_loop(options: Options, *, blocking: bool) -> AbstractEventLoop | None:
    """Return the loop that async nodes use, None for one of the run's own; raises ``OptionsError``."""
    if options.loop != "host" and not options.nested:
        return None
    loop = running_loop()
    if loop is None and options.loop != "host":
        return None
    if blocking and options.nested:
        _refuse_to_hang()
    if loop is None:
        raise OptionsError('loop="host" needs a running event loop', option="loop", todo="use await engine.arun(...)")
    if blocking and not options.nested:
        raise OptionsError(
            'engine.run blocks the loop that loop="host" wants its async nodes to run on',
            option="loop",
            todo="use await engine.arun(...) or engine.start(...); outside a notebook, nested=True works too",
        )
    return loop


def _refuse_to_hang() -> None:
    kernel = sys.modules.get("ipykernel")
    if kernel is not None and int(kernel.__version__.split(".")[0]) >= 7:
        raise OptionsError(
            f"nested=True hangs under ipykernel {kernel.__version__}",
            option="nested",
            todo="use await engine.arun(...)",
        )


def wait_nested(session: Session, loop: AbstractEventLoop) -> None:
    """Block inside the running ``loop`` while it goes on serving."""
    import nest_asyncio  # noqa: PLC0415 - patches asyncio; only ever where it was asked for

    nest_asyncio.apply(loop)
    loop.run_until_complete(wait_for(session))
