"""A run's spans handed over while it goes on.

Owns the observer. Its spans are those of the same rows after the fact: same ids, names, parents, attributes and times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from nbgraph.observe.tracing.extra import needed

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

    from nbgraph.engine.observing import Followed
    from nbgraph.observe.tracing.drive import Drive
    from nbgraph.observe.tracing.spans import Link


class Tracing:
    """Hand the spans of runs to OpenTelemetry as their steps are committed: ``listeners=[ng.tracing.Tracing()]``.

    ``provider``: a ``TracerProvider``; None: the global one. ``content``: with what was said to models and by them, as it is
    stored, after redaction. A span begins and ends at the times of the rows and is handed over when its task is
    committed; a run's own begins with the drive and ends with it. A replay hands over nothing: it writes nothing.

    Spans that others make inside a node, such as an instrumented client's, are children of its attempt. A span that a run
    is started in is linked to, no parent: the ids of a run's trace are its own.

    A provider that blocks or raises hurts no run: it is called on a thread of its own. Raises ``NbgraphError`` where
    OpenTelemetry is not installed (``pip install opentelemetry-sdk``, the extra ``otel``).
    """

    def __init__(self, provider: Any = None, *, content: bool = False) -> None:
        needed()
        self._provider, self._content = provider, content
        self._callers: WeakKeyDictionary[Followed, Link] = WeakKeyDictionary()

    def surround(self, run: Followed) -> Callable[[str, Context], None] | None:
        """Return what puts the attempts of a drive into their spans, None where their ids cannot be known."""
        from nbgraph.observe.tracing.inside import inside_of, started_in  # noqa: PLC0415 - they need the extra

        caller = started_in()
        if caller is not None:
            self._callers[run] = caller
        return inside_of(run, self._provider)

    def begin(self, run: Followed) -> Drive:
        """Follow a drive that begins; raises ``OptionsError`` where no provider is set."""
        from nbgraph.observe.tracing.drive import Drive  # noqa: PLC0415 - it needs the extra

        return Drive(run, self._provider, self._callers.pop(run, None), content=self._content)
