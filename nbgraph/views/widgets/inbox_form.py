"""The inbox: every open question of a store as a form, answered in place.

Owns which questions are shown, in which state, and what becomes of an answer. The engine is the judge of answers; here
its refusals find their way to the field that they are about.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from getpass import getuser
from typing import Any, Protocol

import traitlets

from nbgraph.errors import AnswerError, NbgraphError, RunNotFound, StoreError
from nbgraph.escape import cut, plain
from nbgraph.store.protocol import Store
from nbgraph.views.drafts import UnreadableError, steps_of, value_of
from nbgraph.views.forms import Field, form_of
from nbgraph.views.tables import bundle_of
from nbgraph.views.widgets.base import View
from nbgraph.views.widgets.modules import module, stylesheet
from nbgraph.views.widgets.pace import Pace
from nbgraph.views.widgets.scene import Scene

_LOG = logging.getLogger("nbgraph")
_EVERY = 0.6
"""Seconds between two looks at the store at least."""
_MOST, _KEPT = 100, 20
"""Cards of open questions, and of those that were answered while they were shown."""
_PROMPT, _VALUE = 20_000, 200
"""Characters of a prompt, and of an answer."""

Card = dict[str, Any]
"""What the page is told of one question."""


class Asked(Protocol):
    """What the inbox needs: an engine, in its own words."""

    @property
    def store(self) -> Store: ...  # noqa: D102 - where the questions are

    def inbox(self) -> Any:
        """Return the open questions as a table."""
        ...

    def answer(self, question: str, value: Any, *, by: str = "") -> None:
        """Answer one; raises ``AnswerError``, ``QuestionError``."""
        ...

    def open(self, run_id: str) -> Any:
        """Return a run that can be resumed."""
        ...


class InboxForm(View):
    """The open questions of a store, or of one run (``run``: it or its id), as they come and go.

    ``by`` is the name under which answers are kept; the page can change it.
    """

    _esm = module("inbox_form")
    _css = stylesheet("inbox_form")
    cards: traitlets.List[Card] = traitlets.List().tag(sync=True)
    more = traitlets.Int(0).tag(sync=True)
    notice = traitlets.Unicode("").tag(sync=True)
    by = traitlets.Unicode("").tag(sync=True)
    run = traitlets.Unicode("").tag(sync=True)

    def __init__(self, asked: Asked, *, run: Any = None, by: str | None = None) -> None:
        self.asked = asked
        self._cards: dict[str, Card] = {}
        self._pace, self._refused = Pace(_EVERY), ""
        name = _user() if by is None else by
        super().__init__(
            Scene.of(asked.store, "inbox"), by=name, run="" if run is None else str(getattr(run, "id", run))
        )

    # -- on the scene's thread

    def tick(self) -> None:
        """Look at the store once or twice a second, less often where a look takes long."""
        if self.closed or not self._pace.due():
            return
        with self._pace.work():
            try:
                self._look()
                self.notice = self._refused
            except NbgraphError as error:
                self.notice = plain(error.message)

    def _look(self) -> None:
        rows = open_rows(self.asked, self.run)
        self.more = max(0, len(rows) - _MOST)
        now = {row["question"]: row for row in rows[:_MOST]}
        for question, card in list(self._cards.items()):
            if card["status"] in ("answered", "gone"):
                card["resumable"] = self._waits(card["run"])
            elif question not in now and card["status"] != "sending":
                self._settle(card)
        for question, row in now.items():
            self._cards.setdefault(question, card_of(row))
        self._show()

    def _show(self) -> None:
        settled = [key for key, card in self._cards.items() if card["status"] in ("answered", "gone")]
        for key in settled[:-_KEPT]:
            del self._cards[key]
        shown = [{**card} for card in self._cards.values()]
        if shown != self.cards:
            self.cards = shown

    def _settle(self, card: Card) -> None:
        """Say what became of a question that is not open any more."""
        found = answer_to(self.asked.store, card["id"])
        words = (
            "no longer asked: its run has ended"
            if found is None
            else f"answered by {found[0] or 'somebody'}: {found[1]}"
        )
        status = "gone" if found is None else "answered"
        card.update(status=status, words=words, path=[], resumable=self._waits(card["run"]))

    def _waits(self, run_id: str) -> bool:
        """Say whether a run waits and nobody drives it, so that an answer alone does not make it go on."""
        try:
            row = self.asked.store.run(run_id)
        except StoreError:
            return False
        return row.status.status == "waiting" and not row.holder

    def heard(self, message: Mapping[str, Any]) -> None:
        """Take an answer, or a wish that a run goes on."""
        kind, self._refused = message.get("kind"), ""
        if kind == "answer":
            card = self._cards.get(str(message.get("question")))
            if card is not None and card["status"] in ("open", "refused"):
                card.update(status="sending", words="", path=[])
                self._show()
                draft, by = message.get("draft"), str(message.get("by", ""))[:_VALUE]
                self.scene.hands.do(lambda: self._answer(card, draft, by))
        elif kind == "resume":
            run_id = str(message.get("run"))
            if any(card["run"] == run_id and card["resumable"] for card in self._cards.values()):
                self.scene.hands.do(lambda: self._resume(run_id))

    def _told(self, card: Card, status: str, words: str, path: list[Any]) -> None:
        card.update(status=status, words=plain(words), path=path)
        if status == "answered":
            self._settle(card)
        self._show()

    # -- on the hands' thread

    def _answer(self, card: Card, draft: Any, by: str) -> None:
        told = _given(self.asked, card, draft, by)
        self.scene.post(lambda: self._told(card, *told))

    def _resume(self, run_id: str) -> None:
        words = ""
        try:
            self.asked.open(run_id).resume()
        except NbgraphError as error:
            words = error.message
        except Exception as error:  # noqa: BLE001 - whatever it is, the person who waits is told
            _LOG.warning("run %s could not be resumed", run_id, exc_info=True)
            words = f"it could not be resumed: {type(error).__name__}: {error}"
        self.scene.post(lambda: self._tried(words))

    def _tried(self, refused: str) -> None:
        """Say what a resume was refused with, until a person does something else."""
        self._refused = plain(refused)
        self._pace.hurry()

    # -- anywhere

    def picture(self) -> Mapping[str, str]:
        """Return the open questions as a table."""
        heads = ("question", "run", "node", "asked for", "prompt")
        rows = [
            (row["question"], row["run_id"], row["node"], row["answer"], cut(_prompt(row["prompt"]), _VALUE))
            for row in open_rows(self.asked, self.run)
        ]
        return bundle_of("Inbox", heads, rows, empty="No open questions.")


def open_rows(asked: Asked, run_id: str) -> list[dict[str, Any]]:
    """Return the open questions, oldest first; of one run where ``run_id`` is not ""."""
    if run_id and not _asks(asked.store, run_id):
        return []
    rows: list[dict[str, Any]] = asked.inbox().to_dict("records")
    return [row for row in rows if run_id in ("", row["run_id"])]


def _asks(store: Store, run_id: str) -> bool:
    """Say whether a run may have an open question: most have none, and a table of all runs costs more than this."""
    try:
        return any(line.phase == "asked" for line in store.calls(run_id, unsettled=True))
    except RunNotFound:
        return False


def card_of(row: Mapping[str, Any]) -> Card:
    """Return what a card shows of an open question."""
    form: Field = form_of(row["schema"])
    return {
        "id": row["question"],
        "run": plain(row["run_id"]),
        "graph": plain(row["graph"]),
        "node": plain(row["node"]),
        "prompt": plain(_prompt(row["prompt"])),
        "hint": plain(row["answer"]),
        "asked": _epoch(row["asked"]),
        "deadline": _epoch(row["deadline"]),
        "default": None if _epoch(row["deadline"]) is None else _short(row["default"]),
        "form": form,
        "status": "open",
        "words": "",
        "path": [],
        "resumable": False,
    }


def answer_to(store: Store, question: str) -> tuple[str, str] | None:
    """Return who answered a question, and what; None where nobody did."""
    run_id, _, number = question.rpartition("/")
    try:
        found = next((each for each in store.answers(run_id) if str(each.seq) == number), None)
        return (
            (plain(found.by), _short(json.loads(found.value)))
            if found is not None
            else _by_default(store, run_id, number)
        )
    except StoreError:
        return None  # the run is gone


def _by_default(store: Store, run_id: str, number: str) -> tuple[str, str] | None:
    """Return the answer of a question whose time was up: it is in the log of calls only."""
    told: Iterable[Any] = (json.loads(line.data) for line in store.calls(run_id) if line.phase == "answered")
    found = next((data for data in told if str(data.get("question")) == number), None)
    return None if found is None else ("its default, as its time was up", _short(found.get("value")))


def _given(asked: Asked, card: Card, draft: Any, by: str) -> tuple[str, str, list[Any]]:
    """Give an answer; return how the card stands then, in words, and the steps to the field they are about."""
    try:
        asked.answer(card["id"], value_of(card["form"], draft), by=by)
    except UnreadableError as error:
        return "refused", error.message, error.steps
    except AnswerError as error:
        return "refused", _refusal(error), steps_of(error.path or "")
    except NbgraphError as error:
        return "refused", error.message, []
    except Exception as error:  # noqa: BLE001 - whatever it is, the person who waits is told
        _LOG.warning("an answer could not be given", exc_info=True)
        return "refused", f"it could not be given: {type(error).__name__}: {error}", []
    return "answered", "", []


def _refusal(error: AnswerError) -> str:
    if error.actual == "missing":
        return f"this is missing: {error.expected}"
    return f"this should be {error.expected}, but is {error.actual}" if error.expected else error.message


def _prompt(prompt: Any) -> str:
    text = prompt if isinstance(prompt, str) else json.dumps(prompt, ensure_ascii=False, indent=2, default=repr)
    return text if len(text) <= _PROMPT else f"{text[:_PROMPT]}…"


def _short(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return cut(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr), _VALUE)


def _epoch(time: Any) -> float | None:
    """Return a table's time in seconds since the Unix epoch; None for the table's "not a time"."""
    return None if time is None or time != time else float(time.timestamp())  # noqa: PLR0124 - only NaT is not itself


def _user() -> str:
    try:
        return getuser()
    except (OSError, KeyError, ImportError):  # no user database, as in some containers
        return ""
