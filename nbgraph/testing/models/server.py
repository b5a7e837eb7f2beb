"""A local server for the SDKs of OpenAI, Anthropic and Google. It is a stand-in and no model.

Owns the server's life and what it remembers. What a provider's words are is the wires' business, what the answers
say the reply function's.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType, TracebackType
from typing import Any, NamedTuple, Self

from nbgraph.errors import OptionsError
from nbgraph.testing.models import chat, generate, messages, responses
from nbgraph.testing.models.answer import Answer, Reply, answer_of
from nbgraph.testing.models.asked import Asked, mapping
from nbgraph.testing.models.faults import Cut, Failure, Faults, Hold, When
from nbgraph.testing.models.handling import Line, Listener, Posted
from nbgraph.testing.models.stand_in import stand_in
from nbgraph.testing.models.wire import Wire

WIRES: tuple[Wire, ...] = (chat, responses, messages, generate)

HARMLESS = frozenset(
    [
        "accept",
        "anthropic-beta",
        "anthropic-version",
        "content-type",
        "idempotency-key",
        "traceparent",
        "user-agent",
        "x-stainless-retry-count",
    ]
)
"""Headers that are remembered."""


class ModelServer:
    """A small server on this machine that the SDKs of three providers can talk to; no model, no key, no network.

    Its answers are deterministic: the same request gets the same bytes. They come from ``reply``, a function that
    gets an ``Asked`` and returns text or a ``Reply``; the default, ``stand_in``, reviews Python code in the prompt
    by a few rules and says that it is no model. ``latency``: seconds that an answer takes (a stream spreads them
    over its events), or a function from ``Asked`` to seconds. ``key``: refuse every other key with 401; None takes
    any. ``port``: 0 takes a free one. Tokens are counted by ``count_tokens``: words and marks.

    It serves from when it is made until ``close()``; as a context manager, until the block ends. ``openai``,
    ``anthropic`` and ``google`` are the addresses for the SDKs' ``base_url``.

    >>> import json, urllib.request
    >>> with ModelServer(reply=lambda asked: f"You said {asked.text}.") as server:
    ...     body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}).encode()
    ...     with urllib.request.urlopen(f"{server.openai}/chat/completions", data=body) as answer:
    ...         said = json.load(answer)
    >>> said["choices"][0]["message"]["content"], said["model"], said["usage"]["prompt_tokens"]
    ('You said hello.', 'gpt-4o-2024-08-06', 1)
    """

    def __init__(
        self,
        reply: Callable[[Asked], Reply | str] = stand_in,
        *,
        latency: float | Callable[[Asked], float] = 0.0,
        key: str | None = None,
        port: int = 0,
    ) -> None:
        self._reply, self._latency, self._key = reply, _latency(latency), key
        self._faults = Faults()
        self._requests: list[Asked] = []
        self._answers: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._listener = Listener(port, self)
        self.url = f"http://127.0.0.1:{self._listener.server_port}"
        self._thread = threading.Thread(
            target=self._listener.serve_forever, args=(0.02,), name="nbgraph-model-server", daemon=True
        )
        self._thread.start()

    def __repr__(self) -> str:
        return f"<ModelServer {self.url}: a local stand-in, no model; {len(self.requests)} requests>"

    @property
    def openai(self) -> str:
        """The ``base_url`` of ``openai.OpenAI``."""
        return f"{self.url}/v1"

    @property
    def anthropic(self) -> str:
        """The ``base_url`` of ``anthropic.Anthropic``."""
        return self.url

    @property
    def google(self) -> str:
        """The ``base_url`` in the ``http_options`` of ``google.genai.Client``."""
        return self.url

    @property
    def requests(self) -> tuple[Asked, ...]:
        """What was asked so far, in order of arrival; refused requests too."""
        with self._lock:
            return tuple(self._requests)

    @property
    def counts(self) -> Counter[str]:
        """How many requests there were, by model as asked."""
        return Counter(asked.model for asked in self.requests)

    @property
    def answers(self) -> Counter[str]:
        """How many requests were answered to the end, by model as asked."""
        with self._lock:
            return Counter(self._answers)

    def fail(
        self, status: int, *, after: int = 0, times: int = 1, when: When = None, message: str = "",
        retry_after: float = 0.001,
    ) -> None:  # fmt: skip
        """Refuse the next ``times`` requests (of those that ``when(asked)`` picks) with ``status``, 400 to 599.

        ``retry_after``: seconds that the answer asks to wait before another try; hardly any unless said, so
        that tests of an SDK's own retries take no time. ``after``: a stream begins well, status 200, and tells of
        the error after so many events.
        """
        if not 400 <= status <= 599:
            expected = "an HTTP status from 400 to 599"
            raise OptionsError(
                f"status is {status!r}; it should be {expected}", option="status", expected=expected, actual=status
            )
        text = message or f"This local stand-in was told to answer with {status}."
        self._faults.add(Failure(status, text, retry_after, after), times, when)

    def cut(self, after: int = 0, *, times: int = 1, when: When = None) -> None:
        """End the connection after ``after`` events of a stream; a whole answer is not even begun."""
        self._faults.add(Cut(after), times, when)

    def hold(self, after: int = 0, *, times: int = 1, when: When = None) -> Hold:
        """Let an answer wait before its event ``after`` (0: before anything) until the gate returned is opened."""
        gate = Hold(after)
        self._faults.add(gate, times, when)
        return gate

    def close(self) -> None:
        """Stop: every connection ends, every gate opens. May be called again."""
        with self._lock:
            closed = self._closing.is_set()
            self._closing.set()
        if not closed:
            self._faults.release()
            self._listener.close()
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def serve(self, posted: Posted, line: Line) -> None:
        """Answer one request: the listener's side, not for callers."""
        wire = next((wire for wire in WIRES if wire.takes(posted.path)), chat)
        problem = self._problem(posted, wire)
        if problem is not None:
            line.answer(problem.status, wire.error(problem.status, problem.message), {})
            return
        asked = self._noted(wire.read(posted.path, posted.query, json.loads(posted.raw)), posted.headers)
        gate, failure, cut = self._faults.hold(asked), self._faults.failure(asked), self._faults.cut(asked)
        if gate is not None and (gate.after == 0 or not asked.stream):
            gate.stand()
        if self._closing.is_set() or (cut is not None and (cut.after == 0 or not asked.stream)):
            line.drop()
        elif failure is not None and (failure.after == 0 or not asked.stream):
            line.answer(failure.status, wire.error(failure.status, failure.message), _pause(failure.retry_after))
        else:
            self._tell(wire, asked, line, _Plan(gate, failure, cut))

    def _problem(self, posted: Posted, wire: Wire) -> Failure | None:
        """Return what is wrong with a request before anybody looks at what it asks for."""
        if not wire.takes(posted.path):
            return Failure(404, f"This local stand-in has nothing at {posted.path}.")
        if self._key is not None and self._key not in _keys(posted):
            return Failure(401, "This local stand-in was told to refuse this key.")
        try:
            body = json.loads(posted.raw)
        except (ValueError, RecursionError):
            return Failure(400, "The request's body is not JSON.")
        return None if isinstance(body, dict) else Failure(400, "The request's body is not a JSON object.")

    def _noted(self, asked: Asked, headers: Mapping[str, str]) -> Asked:
        kept = {name: value for name, value in headers.items() if name in HARMLESS}
        with self._lock:
            asked = asked._replace(number=len(self._requests) + 1, headers=MappingProxyType(kept))
            self._requests.append(asked)
        return asked

    def _tell(self, wire: Wire, asked: Asked, line: Line, plan: _Plan) -> None:
        try:
            answer, seconds = answer_of(asked, _checked(self._reply(asked))), self._latency(asked)
        except Exception as error:  # noqa: BLE001 - the reply function is the test's; its failure must reach the test
            told = f"The stand-in's reply function raised {type(error).__name__}: {error}"
            line.answer(500, wire.error(500, told), {"x-should-retry": "false"})
            return
        if asked.stream:
            events = wire.events(asked, answer)
            line.begin(_kind(asked), _headers(answer))
            whole = all(self._sent(event, line, plan, at, seconds / len(events)) for at, event in enumerate(events))
            self._end(wire, asked, line, None if whole and not plan.ends else plan)
        elif self._closing.wait(seconds):
            line.drop()
        else:
            self._count(asked)
            line.answer(200, wire.whole(asked, answer), _headers(answer))

    def _sent(self, event: bytes, line: Line, plan: _Plan, at: int, seconds: float) -> bool:
        """Send one event of a stream; False where the stream ends before it."""
        if plan.gate is not None and plan.gate.after == at > 0:
            plan.gate.stand()
        if at in plan.ends or self._closing.wait(seconds):
            return False
        line.piece(event)
        return True

    def _end(self, wire: Wire, asked: Asked, line: Line, plan: _Plan | None) -> None:
        """End a stream: well, or as its ``plan`` says."""
        if plan is None:
            self._count(asked)
            line.end()
        elif plan.failure is not None and not self._closing.is_set():
            line.piece(wire.broken(plan.failure.status, plan.failure.message))
            line.end()
        else:
            line.drop()

    def _count(self, asked: Asked) -> None:
        """Count an answer before its last byte is sent, so that who has it finds it counted."""
        with self._lock:
            self._answers[asked.model] += 1


class _Plan(NamedTuple):
    """What meets one answer."""

    gate: Hold | None
    failure: Failure | None
    cut: Cut | None

    @property
    def ends(self) -> tuple[int, ...]:
        """The events before which a stream ends."""
        return tuple(one.after for one in (self.failure, self.cut) if one is not None)


def _latency(given: Any) -> Callable[[Asked], float]:
    if callable(given):
        return lambda asked: float(given(asked))
    if isinstance(given, (int, float)) and given >= 0:
        return lambda _: float(given)
    expected = "seconds, 0 or more, or a function that returns them"
    raise OptionsError(
        f"latency is {given!r}; it should be {expected}", option="latency", expected=expected, actual=given
    )


def _checked(reply: Any) -> Reply | str:
    if isinstance(reply, (Reply, str)):
        return reply
    raise TypeError(f"it returned a {type(reply).__name__}, no text and no Reply")


def _keys(posted: Posted) -> set[str]:
    bearer = posted.headers.get("authorization", "").removeprefix("Bearer ")
    query = [part.removeprefix("key=") for part in posted.query.split("&") if part.startswith("key=")]
    return {bearer, posted.headers.get("x-api-key", ""), posted.headers.get("x-goog-api-key", ""), *query}


def _kind(asked: Asked) -> str:
    return "application/json" if mapping(asked.body).get("alt") == "json" else "text/event-stream"


def _headers(answer: Answer) -> Mapping[str, str]:
    return {"x-request-id": f"local-stand-in-{answer.id}"}


def _pause(seconds: float) -> Mapping[str, str]:
    """Return the headers that ask for a pause: SDKs read milliseconds first, others whole seconds."""
    return {"retry-after-ms": f"{seconds * 1000:g}", "retry-after": str(int(seconds))}
