"""What a node gets beside the state: seeded randomness, recorded time, stable ids, recorded calls, questions.

Owns DESIGN section 3, rule 7 at the node's side. Every answer is a function of the run's seed or id and
the task's identity, or is recorded (``calls``). Knows nothing of scheduling or stores.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from nbgraph.engine.calls.closed import elsewhere, too_late
from nbgraph.engine.calls.current import options_of
from nbgraph.engine.calls.flights import Flights, on_loop
from nbgraph.engine.calls.making import awaited_call, blocking_call, described_call, parted_call
from nbgraph.engine.calls.outside import Outside
from nbgraph.engine.seeds import key_of, seeded, uuid_of
from nbgraph.engine.streamed import Streamed
from nbgraph.engine.task import Failure
from nbgraph.ids import RunId, TaskId

if TYPE_CHECKING:
    from decimal import Decimal
    from random import Random
    from uuid import UUID

    from nbgraph.codec import Redaction
    from nbgraph.engine.calls.parts import Answer, AsyncAnswer, Form, Opened
    from nbgraph.engine.calls.question import Question


class Context:
    """What a node may ask its run. One object per attempt; it stays valid only while the node runs.

    ``run_id``, ``task_id``, ``node``, ``attempt`` (counts from 1) and ``errors`` (the failures that an
    ``on_error`` edge brought here, oldest first) say where the node is.
    """

    __slots__ = (
        "_async", "_cancelled", "_clock", "_drew", "_flights", "_lock", "_open", "_over", "_publish", "_rng",
        "_seed", "_uuids", "afar", "attempt", "desk", "errors", "node", "nows", "run_id", "streamed", "task_id",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 - all that an attempt knows
        self,
        run_id: RunId,
        task_id: TaskId,
        node: str,
        seed: int,
        *,
        attempt: int = 1,
        errors: tuple[Failure, ...] = (),
        clock: Callable[[], float],
        cancelled: Callable[[], bool],
        is_async: bool = False,
        desk: Callable[[], Outside] | None = None,
        publish: Callable[[int, Any], None] | None = None,
    ) -> None:
        self.run_id, self.task_id, self.node = run_id, task_id, node
        self.attempt, self.errors = attempt, errors
        self._seed, self._clock, self._cancelled = seed, clock, cancelled
        self._async, self._open, self._publish = is_async, desk, publish
        self.desk: Outside | None = None
        """What answers this attempt's calls; None until the first of them."""
        self._rng: Random | None = None
        self._uuids = 0
        self._drew = False
        self._lock = Lock()
        self._over = False
        self._flights = Flights()
        self.nows: list[float] = []
        """The clock readings taken so far: seconds since the Unix epoch."""
        self.streamed: Streamed | None = None
        """What the node streamed so far; None until the first of it."""
        self.afar: list[tuple[Any, bool]] = []
        """What it streamed in another process, and whether it is to be kept."""

    @property
    def rng(self) -> Random:
        """A ``random.Random`` of this task's own: the same numbers in every run of the same seed, and in every attempt."""
        if self._rng is None:
            from random import Random  # noqa: PLC0415 - 3 ms that most runs do without

            self._rng = Random(seeded(self._seed, self.task_id, "rng"))  # noqa: S311 - for reproducing, not for secrets
        return self._rng

    def uuid(self) -> UUID:
        """Return a UUID (version 8) of this run, this task and the number of the question: unique between runs."""
        self._uuids += 1
        return uuid_of(self.run_id, self.task_id, self._uuids)

    def now(self) -> datetime:
        """Return the time in UTC; the answer is recorded with the step, and with the next call."""
        self.nows.append(self._clock() if self._open is None else self._outside().now())
        return datetime.fromtimestamp(self.nows[-1], UTC)

    def idempotency_key(self, n: int = 0) -> str:
        """Return 64 hexadecimal digits of run, task and ``n``: stable across attempts, resumes and replays.

        Give it to the services that the node calls, another ``n`` for each call, so that a call of which
        nobody knows whether it arrived does no harm when it is made again. Let a client object carry it
        rather than an argument of the recorded call: it differs between runs, and so would the request that a
        fork looks up in its parent's record.
        """
        return key_of(self.run_id, self.task_id, n)

    # -- the outside world

    def call(
        self,
        fn: Callable[..., Any],
        /,
        *args: Any,
        key: str | None = None,
        unknown: str | None = None,
        usage: Callable[[Any], Mapping[str, Any] | None] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Call ``fn(*args, **kwargs)`` and record it: what was asked, what came back or was raised, how long it took.

        The call is marked as started before it is made, and kept before the node goes on. A record whose
        request is unchanged answers a later attempt, a resume and a replay; then nothing is called.
        In an async node await it (a sync ``fn`` runs on a thread); in a sync node it blocks (an async
        ``fn`` gets a loop of its own). Arguments and the response must be values that the store keeps; the
        node gets the response as a replay would give it.

        ``key`` names calls that are issued in no fixed order (threads); others are told apart by their
        order. ``unknown`` says what to do when the process died inside the call: "retry" (the default) makes it
        again, "skip" gives None instead, "ask" puts the question to a person. ``usage`` reads tokens and the
        like from the response. Where ``fn`` was decorated with ``@ng.call``, what is not given here is as it
        says there. A ``fn`` with parameters of these names: ``functools.partial``.

        Raises what ``fn`` raises, and ``CallError`` for what cannot be recorded.
        """
        given = {"key": key, "unknown": unknown, "usage": usage}
        decorated = options_of(fn, args, kwargs)
        how = {**given, **decorated, **{name: option for name, option in given.items() if option is not None}}
        return self.arecorded(fn, args, kwargs, **how) if self._async else self.recorded(fn, args, kwargs, **how)

    def recorded(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], **how: Any) -> Any:
        """Call and record, blocking; ``how`` as in ``call``."""
        desk = self._outside()
        return desk.call(blocking_call(desk, fn, args, kwargs, how))

    async def arecorded(
        self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], **how: Any
    ) -> Any:
        """Call and record without blocking the loop; ``how`` as in ``call``."""
        desk = self._outside()
        return await self._flights.through(desk.acall(awaited_call(desk, fn, args, kwargs, how)))

    def outside(self, label: str, asked: Any, perform: Callable[[], Any], *, key: str | None = None, **how: Any) -> Any:
        """Record something that is not a plain function call: for wrappers of clients.

        ``label`` and ``asked`` (any value that the store keeps) are the request, ``perform()`` does it and
        returns a value that the store keeps; it is called only where no record answers. ``key``,
        ``unknown`` and ``usage`` as in ``call``. Blocks.
        """
        desk = self._outside()
        return desk.call(described_call(desk, label, asked, perform, {"key": key, **how}))

    async def aoutside(
        self, label: str, asked: Any, perform: Callable[[], Any], *, key: str | None = None, **how: Any
    ) -> Any:
        """Do the same with a ``perform`` that returns an awaitable."""
        desk = self._outside()
        return await self._flights.through(desk.acall(described_call(desk, label, asked, perform, {"key": key, **how})))

    @property
    def redaction(self) -> Redaction:
        """What the run never keeps: for wrappers of clients, which describe their requests without it."""
        return self._outside().redact

    def opened(self, label: str, asked: Any, perform: Callable[[], Answer], form: Form) -> Opened:
        """Record something whose answer comes in parts: for wrappers of clients. Blocks until it begins to come in.

        ``label`` and ``asked`` as in ``outside``; ``form`` says how the answer is put on record. The node may read
        on as it likes; the record is kept when the end is reached, or the answer is closed.
        """
        desk = self._outside()
        opened: Opened = desk.call(parted_call(desk, label, asked, perform, form))
        return opened

    async def aopened(
        self, label: str, asked: Any, perform: Callable[[], Awaitable[AsyncAnswer]], form: Form
    ) -> Opened:
        """Do the same with a ``perform`` that returns an awaitable."""
        desk = self._outside()
        call = desk.acall(parted_call(desk, label, asked, perform, form), self._flights.through)
        opened: Opened = await self._flights.through(call)
        return opened

    async def finish(self) -> None:
        """Let the calls that are under way end, and be kept, once the node has ended; refuse further ones.

        A branch of ``asyncio.gather`` that raised leaves the others running: they are paid for. Beside a branch
        that waits for a person the others go on, to the end or to their own questions. Raises what kept an
        entry from being kept.
        """
        self._over = True
        await self._flights.land()
        if self.desk is not None:
            await self.desk.afinish()
        self._flights.check()

    def _outside(self) -> Outside:
        with self._lock:  # a node's threads may come here together
            if self._cancelled() or (self._over and not (self.desk and self.desk.waiting)):
                raise too_late(self.node, self.task_id)
            if self.desk is None:
                self.desk = self._opened()
            return self.desk

    def _opened(self) -> Outside:
        if self._open is None:
            raise elsewhere(self.node, self.task_id)
        return self._open()

    def usage(  # noqa: PLR0913 - what there is to enter
        self,
        *,
        model: str = "",
        input_tokens: int = 0,
        output_tokens: int = 0,
        cache_read_tokens: int = 0,
        cache_write_tokens: int = 0,
        reasoning_tokens: int = 0,
        cost: Decimal | float | str | None = None,
        provider: str = "",
        key: str | None = None,
    ) -> None:
        """Enter something that the node used and that no recorded call tells of: a machine of its own, a paid service.

        ``input_tokens`` and ``output_tokens`` are all of them: what came from or went to a cache, and reasoning, are
        parts. ``cost`` is US dollars, exact (a float counts as it prints); without it the model's price holds. The
        entry counts in costs and budgets, but is made afterwards: a run that is over its budget then starts no
        further task, nor a call to a model.

        It is kept once: another attempt, a resume and a replay find it. In sync and async nodes alike there is
        nothing to await. ``key`` as in ``call``. Raises ``CallError`` for what is no such number (``field`` names it).
        """
        from nbgraph.engine.calls.entry import entry_of  # noqa: PLC0415 - only nodes that enter something pay for it

        desk = self._outside()
        said = {
            "model": model, "provider": provider, "cost": cost, "input_tokens": input_tokens,
            "output_tokens": output_tokens, "cache_read_tokens": cache_read_tokens,
            "cache_write_tokens": cache_write_tokens, "reasoning_tokens": reasoning_tokens,
        }  # fmt: skip
        flight = desk.enter(entry_of(said, key, desk.redact), waits=not (self._async and on_loop()))
        if flight is not None:
            self._flights.add(flight)

    def ask(
        self, prompt: Any, *, schema: Any = None, key: str | None = None, timeout: float | None = None,
        default: Any = None,
    ) -> Any:  # fmt: skip
        """Ask a person, durably; return the answer. In an async node await it.

        Without an answer the node ends here, the run goes on with its other branches and then waits;
        ``engine.inbox()`` lists the question, ``engine.answer`` answers it, from any kernel. Then the node
        runs again from its beginning: calls before the question are served from the record.

        ``schema`` is what an answer must be: a type, a ``Literal``, an Enum, a dataclass, a pydantic model;
        None: any plain value. After ``timeout`` seconds ``default``, which must fit too, is the answer: the run
        is driven until then, and a resume after that takes it at once; a person who answers first is heard.
        ``key`` names questions that are put in no fixed order. Questions put side by side (``asyncio.gather``,
        a ``TaskGroup``) are open together; the calls beside them come to their end before.

        Raises ``QuestionError``, ``AnswerError`` when the recorded answer no longer fits.
        """
        from nbgraph.engine.calls.question import question_of  # noqa: PLC0415 - only nodes that ask pay for it

        question = question_of(prompt, schema, key, timeout, default, self._outside().redact)
        return self._aasked(question, schema) if self._async else self._asked(question, schema)

    def _asked(self, question: Question, schema: Any) -> Any:
        from nbgraph.engine.forms import build  # noqa: PLC0415 - as above

        return build(schema, self._outside().answer(question))

    async def _aasked(self, question: Question, schema: Any) -> Any:
        from nbgraph.engine.forms import build  # noqa: PLC0415 - as above

        return build(schema, await self._flights.through(self._outside().aanswer(question)))

    def stream(self, delta: Any, *, keep: bool = False) -> None:
        """Publish a chunk to whoever follows ``run.stream()``: a token, a line, any object. May be called from any thread.

        Chunks of a task are numbered from 1 and arrive in that order; between tasks there is no order. A
        node that runs again after its question was answered does not publish again what it published before.
        ``keep``: store it with the step, so that it can be followed in another process and after the run;
        then it must be a value that the store keeps. Raises ``CodecError`` for one that is not.
        """
        if self._open is None and self._publish is None:
            self.afar.append((delta, keep))
            return
        streamed = self._streaming()
        kept = keep and self._open is not None
        text = streamed.text(delta, self._outside().redact, self.node, self.task_id) if kept else None
        streamed.add(delta, text)

    def _streaming(self) -> Streamed:
        with self._lock:  # as above
            if self.streamed is None:
                self.streamed = Streamed(self._publish)
            return self.streamed

    @property
    def cancelled(self) -> bool:
        """True once the run was cancelled, or this attempt timed out: a sync node should return soon."""
        return self._cancelled()

    @property
    def drew(self) -> bool:
        """True once the node used randomness, ids, the clock or a call: then a cycle may end by itself."""
        used = self.desk is not None and bool(self.desk.used)
        return used or self._drew or self._rng is not None or self._uuids > 0 or bool(self.nows)

    def absorb(self, nows: list[float], chunks: list[tuple[Any, bool]], *, drew: bool) -> None:
        """Take over what the same context was asked in another process; its chunks arrive together."""
        self.nows += nows
        self._drew = self._drew or drew
        for delta, keep in chunks:
            self.stream(delta, keep=keep)
