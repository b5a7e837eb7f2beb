"""A run's spans handed over while it goes on.

Owns the observer. Its spans are those of the same rows after the fact: same ids, names, parents, attributes and times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbgraph.observe.tracing.emitting import Emitter, needed
from nbgraph.observe.tracing.reading import head_of
from nbgraph.observe.tracing.spans import Span
from nbgraph.observe.tracing.tree import Tree

if TYPE_CHECKING:
    from nbgraph.engine.following import News
    from nbgraph.engine.observing import Followed


class Tracing:
    """Hand the spans of runs to OpenTelemetry as their steps are committed: ``listeners=[ng.tracing.Tracing()]``.

    ``provider``: a ``TracerProvider``; None: the global one. ``content``: with what was said to models and by them, as it is
    stored, after redaction. A span begins and ends at the times of the rows and is handed over when its task is
    committed; a run's own begins with the drive and ends with it. A replay hands over nothing: it writes nothing.

    A provider that blocks or raises hurts no run: it is called on a thread of its own. Raises ``NbgraphError`` where
    OpenTelemetry is not installed (``pip install 'nbgraph[otel]'``).
    """

    def __init__(self, provider: Any = None, *, content: bool = False) -> None:
        needed()
        self._provider, self._content = provider, content

    def begin(self, run: Followed) -> Drive:
        """Follow a drive that begins; raises ``OptionsError`` where no provider is set."""
        return Drive(run, self._provider, content=self._content)


class Drive:
    """The spans of one drive, as they come."""

    def __init__(self, run: Followed, provider: Any, *, content: bool) -> None:
        head = head_of(run.store, run.run_id)
        self._emitter = Emitter(provider, head.run.trace)
        self._tree = Tree(head, drive=drives_before(run), content=content)
        if run.start.step:
            self._tree.remember(run.store.steps(run.run_id, 1, run.start.step))
        self._begun: Any = None
        if run.new:
            self._tree.begin(head.run.created)
            self._begin()

    def take(self, news: News) -> None:
        """Hand over the spans that ended."""
        spans = self._tree.take(news.steps, news.events, news.calls)
        if self._begun is None:
            self._begin()
        for span in spans:
            self._emitter.emit(span)

    def end(self) -> None:
        """Hand over what the drive left unfinished, and its own span."""
        spans = self._tree.end()
        for span in spans[:-1]:
            self._emitter.emit(span)
        if self._begun is not None:
            self._begun.set_attributes(dict(spans[-1].facts))
            self._emitter.finish(self._begun, spans[-1])

    def _begin(self) -> None:
        """Begin the drive's own span: it comes with its first row, or is known before where the run is new."""
        opening: Span | None = self._tree.opening()
        if opening is not None:
            self._begun = self._emitter.start(opening)


def drives_before(run: Followed) -> int:
    """Return how many drives the run had before this one."""
    if run.new:
        return 0
    before = [event.kind for event in run.store.events(run.run_id) if event.seq <= run.start.seq]
    forked = run.store.origin(run.run_id) is not None
    return before.count("run.resumed") + (before.count("run.forked") if forked else 1)
