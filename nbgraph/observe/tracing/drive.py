"""The spans of one drive, handed over while it goes on.

Owns the order: a drive's own span begins first and ends last. Called on the listener's thread.
"""

from __future__ import annotations

from time import sleep
from typing import TYPE_CHECKING, Any

from nbgraph.observe.tracing.emitting import Emitter
from nbgraph.observe.tracing.reading import drives_before, head_of
from nbgraph.observe.tracing.spans import Link, Span
from nbgraph.observe.tracing.tree import Tree

if TYPE_CHECKING:
    from nbgraph.engine.following import News
    from nbgraph.engine.observing import Followed


class Drive:
    """The spans of one drive, as they come."""

    def __init__(self, run: Followed, provider: Any, caller: Link | None, *, content: bool) -> None:
        self._caller = caller
        head = head_of(run.store, run.run_id)
        self._emitter = Emitter(provider, head.run.trace)
        self._tree = Tree(head, drive=_before(run), content=content)
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
            if span.kind == "task":
                sleep(0)  # lets a run of quick nodes have the interpreter: it need not keep pace with its trace

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
            if self._caller is not None:
                opening = opening._replace(links=(*opening.links, self._caller))
            self._begun = self._emitter.start(opening)


def _before(run: Followed) -> int:
    return 0 if run.new else drives_before(run.store, run.run_id, run.start.seq)
