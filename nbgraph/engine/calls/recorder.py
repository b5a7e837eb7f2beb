"""One drive's recorder: the books of the tasks that are under way, the log, and the answers that came in.

Owns what all attempts of a run share. A task's book lives until its step is committed; after a resume the
books are read from the store when the first node asks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from json import loads
from typing import TYPE_CHECKING

from nbgraph.clock import Clock
from nbgraph.codec import Redaction, Types
from nbgraph.engine.calls.book import Book, Past, books_of
from nbgraph.engine.calls.desk import Desk
from nbgraph.engine.calls.log import CallLog
from nbgraph.engine.calls.question import default_answer
from nbgraph.engine.task import Task
from nbgraph.errors import StoreError
from nbgraph.ids import TaskId
from nbgraph.store.protocol import AnswerRecord, EventRecord, Lease, Store

if TYPE_CHECKING:
    from nbgraph.engine.calls.meter import Meter


class Recorder:
    """Records the calls of one run while it is driven."""

    def __init__(
        self, store: Store, lease: Lease, clock: Clock, redact: Redaction, types: Types, meter: Meter, *,
        restored: bool = False,
    ) -> None:  # fmt: skip
        self._store, self.run_id = store, lease.run_id
        self.clock, self.redact, self.types = clock, redact, types
        self.blob = store.blob
        self.log = CallLog(store, lease)
        self.meter = meter
        """What counts the calls of this drive."""
        self._books: dict[str, Book] = {}
        self._lock = threading.Lock()
        self._load: Callable[[], Mapping[str, Book]] | None = self._recorded if restored else None

    def borrow(self, books: Mapping[str, Book]) -> None:
        """Serve from another run's books too, where this run's own have nothing."""
        own = self._load or dict
        self._load = lambda: _over(books, own())

    def _recorded(self) -> Mapping[str, Book]:
        return recorded_books(self._store, self.run_id)

    def desk(self, task: Task) -> Desk:
        """Return what a new attempt of ``task`` asks."""
        return Desk(self, task)

    def book(self, task: TaskId) -> Book:
        """Return a task's book."""
        with self._lock:
            if self._load is not None:
                found, self._load = self._load(), None
                self._books = {**found, **self._books}
            return self._books.setdefault(task, Book())

    def doubts(self, task: TaskId) -> Book:
        """Return what serves a task that wants its calls made anew: questions, and calls of unknown outcome."""
        calls = {name: past for name, past in self.book(task).calls.items() if past.phase in _DOUBTFUL}
        return Book(calls)

    def failed(self, task: TaskId) -> int:
        """Note that an attempt failed: what raised will be asked again. Returns the last line that is its."""
        book = self._books.get(task)
        if book is None or not book.last:
            return 0
        book.void(book.last)
        return book.last

    def settled(self, task: TaskId) -> None:
        """Forget the book of a task whose step is committed."""
        self._books.pop(task, None)

    def answer_to(self, question: Past) -> AnswerRecord | None:
        """Return the answer to a question that was put, or its default once it is out of time; None while it is open.

        The default competes for the answer as a person does: whoever comes first, nobody is told that an answer
        was taken which is not.
        """
        given = self._given(question.seq)
        default = default_answer(question, self.clock) if given is None else None
        if default is None:
            return given
        try:
            self._store.answer(self.run_id, default)
        except StoreError as error:
            if error.question is None:
                raise
        return self._given(question.seq)

    def _given(self, seq: int) -> AnswerRecord | None:
        return next((answer for answer in self._store.answers(self.run_id) if answer.seq == seq), None)

    def answered(self) -> set[int]:
        """Return the questions that have an answer."""
        return {answer.seq for answer in self._store.answers(self.run_id)}


def _over(books: Mapping[str, Book], own: Mapping[str, Book]) -> Mapping[str, Book]:
    """Return ``books`` with this run's ``own`` calls in the place of theirs, call by call."""
    both = {task: _beside(books[task], book) for task, book in own.items() if task in books}
    return {**books, **own, **both}


def _beside(theirs: Book, own: Book) -> Book:
    return Book({**theirs.calls, **own.calls}, max(theirs.nows, own.nows, key=len), own.last)


_DOUBTFUL = ("started", "asked", "answered")


def recorded_books(store: Store, run_id: str) -> dict[str, Book]:
    """Return the books of a run's tasks that have not finished; calls that raised in a failed attempt are void."""
    books = books_of(store.calls(run_id, unsettled=True))
    for event in store.events(run_id) if books else ():
        if event.kind in ("task.failed", "task.retried") and event.task in books:
            books[event.task].void(_upto(event))
    return books


def _upto(event: EventRecord) -> int:
    upto: int = loads(event.data or "{}").get("upto", 0)
    return upto
