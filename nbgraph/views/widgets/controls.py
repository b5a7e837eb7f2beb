"""The buttons of a run: resume, pause, step, until, stop and fork, and how the run stands.

Owns what is said on the page and what a click does: it calls the run's own method, the same one that a cell calls,
and shows what comes of it. What may be clicked is decided in ``steering``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from json import loads
from typing import Any

import traitlets

from nbgraph.errors import NbgraphError
from nbgraph.escape import cut, plain
from nbgraph.views.costing.spending import Spending
from nbgraph.views.subject import News, Steerable
from nbgraph.views.topology import topology_of_run
from nbgraph.views.widgets.base import RunView
from nbgraph.views.widgets.modules import module, stylesheet
from nbgraph.views.widgets.questions import Questions
from nbgraph.views.widgets.scene import Hands
from nbgraph.views.widgets.steering import (
    ENDED,
    VERBS,
    Elapsed,
    Standing,
    Stopped,
    closed,
    heeded,
    refused,
    stopped,
    unguarded,
)

Opener = Callable[[Any], None]
"""What is done with a fork that was made and is wanted on the page."""


class ControlsView(RunView):
    """Buttons for one run. ``opener``, if given, is called with the fork that a person wants to see."""

    _esm = module("controls")
    _css = stylesheet("controls")
    run_id = traitlets.Unicode().tag(sync=True)
    standing = traitlets.Dict().tag(sync=True)
    """status, live, holder, steps, elapsed (s), going, asked, refused (verb -> reason), at (the cursor's step),
    cost (text, "" where no model was used), stopped (the text of what paused it, and what to do next; "" for none)."""
    nodes: Any = traitlets.List().tag(sync=True)
    """Names for "until", as drawn."""
    note = traitlets.Dict().tag(sync=True)
    """What came of the last action: kind ("error", "forked"), text, todo, run."""

    def __init__(self, subject: Steerable, *, opener: Opener | None = None, **how: Any) -> None:
        self.run: Steerable = subject
        self._opener = opener
        self._forked: Any = None
        self._asks = 0
        """How often something was asked for: an answer that comes late is not the answer to the next one."""
        self._now, self._stopped = Standing("", closed=closed(subject)), Stopped()
        self._elapsed = Elapsed(subject.store.run(subject.id).record.created)
        self._questions, self._spending = Questions(subject.store, str(subject.id)), Spending()
        # Beside the scene's hands, which may be in the middle of a long step: these stop it.
        self._brakes = Hands(f"nbgraph-brakes-{subject.id}")
        super().__init__(subject, run_id=plain(subject.id), nodes=_names(subject), **how)

    # -- what is shown

    def take(self, news: News) -> None:
        """Show how the run stands now."""
        self._elapsed.take(news.events, step_ended=_ended(news))
        self._questions.take(news.calls)
        if news.calls:
            self._spending.take(news.calls)
        steps = news.steps[-1].step if news.steps else self._now.steps
        self._now = self._now._replace(
            status=news.status, live=news.live, holder="" if news.live else news.holder, steps=steps
        )
        self._look_why(news.status)
        if heeded(self._now, news.events):
            self._now = self._now._replace(asked="")
        self._publish()

    def _look_why(self, status: str) -> None:
        """Read what stopped the run, where it is paused."""
        row = self.subject.store.run(str(self.subject.id)).status if status == "paused" else None
        self._stopped = Stopped() if row is None else stopped(row.status, row.error or "")
        options = getattr(getattr(self.subject, "engine", None), "options", None)
        self._now = self._now._replace(unguarded=unguarded(self._stopped, options))

    def tick(self) -> None:
        """Look for news; while a question is open, also for its answer, which may come from anywhere."""
        super().tick()
        if self.closed or not self._now.status:
            return
        waits = self._questions.open() if self._now.status == "waiting" else 0
        if waits != self._now.questions:
            self._now = self._now._replace(questions=waits)
            self._publish()

    def moved(self, step: int | None) -> None:  # noqa: ARG002 - the cursor knows it
        """Fork from the step that is looked at."""
        self._publish()

    def _publish(self) -> None:
        now, at = self._now, self.cursor.step
        going = (now.live and now.status not in ENDED) or (now.status == "running" and bool(now.holder))
        shown = {
            "status": now.status,
            "live": now.live,
            "holder": plain(now.holder),
            "steps": now.steps,
            "going": going,
            "asked": now.asked,
            "refused": dict(refused(now)),
            "at": now.steps if at is None else at,
            "latest": at is None,
            "cost": self._spending.total(),
            "stopped": [cut(self._stopped.text, 400), cut(self._stopped.todo, 300)],
        }
        # The page counts the seconds on by itself: they are only sent along with something else.
        if shown != {key: value for key, value in self.standing.items() if key != "elapsed"}:
            self.standing = {**shown, "elapsed": round(self._elapsed.seconds(time.time(), going=going), 2)}

    # -- what a person asks

    def heard(self, message: Mapping[str, Any]) -> None:
        """Do what a button says, if it still can be done; the page may be behind."""
        verb = message.get("kind")
        if verb == "open":
            self._open()
        elif verb == "dismiss":
            self.note = {}
        elif verb in VERBS and not refused(self._now)[verb]:
            self._begin(verb, message)
        else:
            self.standing = dict(self.standing)

    def _begin(self, verb: str, message: Mapping[str, Any]) -> None:
        action = self._action(verb, message)
        if action is None:
            return
        self._now = self._now._replace(asked=verb)
        self._asks += 1
        self.note = {}
        if verb == "pause":
            action()  # it only asks; that the run has stopped is news
        self._publish()
        if verb != "pause":
            hands = self._brakes if verb == "cancel" else self.scene.hands
            hands.do(partial(self._act, self._asks, action))

    def _action(self, verb: str, message: Mapping[str, Any]) -> Callable[[], Any] | None:
        """Return what to do, None where the page said something that cannot be."""
        if verb == "until":
            node = message.get("node")
            return partial(self.run.until, node) if isinstance(node, str) and node in self.nodes else None
        if verb == "fork":
            step = message.get("step")
            return partial(self._fork, step) if type(step) is int and 0 <= step <= self._now.steps else None
        if verb == "pause":
            return partial(self.run.pause, 0)
        act: Callable[[], Any] = getattr(self.run, verb)
        return act

    def _act(self, ask: int, action: Callable[[], Any]) -> None:
        """Do it on a thread of its own, and tell the scene's thread what came of it."""
        try:
            action()
        except Exception as error:  # noqa: BLE001 - whatever went wrong is said on the page, where it was asked for
            self.scene.post(partial(self._came, ask, told(error)))
        else:
            self.scene.post(partial(self._came, ask, None))

    def _came(self, ask: int, error: Mapping[str, Any] | None) -> None:
        if self.closed:
            return
        if self._asks == ask:  # nothing else was asked for since
            self._now = self._now._replace(asked="")
        if error is not None:
            self.note = dict(error)
        super().tick()
        self._publish()

    # -- forks

    def _fork(self, step: int) -> None:
        self._forked = self.run.fork(step)
        told = {"kind": "forked", "run": plain(self._forked.id), "step": step, "opens": self._opener is not None}
        self.scene.post(lambda: self._tell(told))

    def _tell(self, note: Mapping[str, Any]) -> None:
        if not self.closed:
            self.note = dict(note)

    def _open(self) -> None:
        if self._opener is not None and self._forked is not None:
            fork, self._forked = self._forked, None
            self.note = {}
            self._opener(fork)


def told(error: BaseException) -> dict[str, Any]:
    """Return an error as the page says it: what happened, and what to do next."""
    if isinstance(error, NbgraphError):
        return {"kind": "error", "text": cut(error.message, 400), "todo": cut(error.todo, 300)}
    return {"kind": "error", "text": cut(f"{type(error).__name__}: {error}", 400), "todo": ""}


def _names(subject: Any) -> list[str]:
    return [node.name for node in topology_of_run(subject).nodes if node.kind in ("sync", "async")]


def _ended(news: News) -> float:
    """Return when the last new step ended, 0 where there is none."""
    if not news.steps:
        return 0.0
    facts = loads(news.steps[-1].facts or "{}")
    return float(facts.get("started") or 0.0) + float(facts.get("seconds") or 0.0)
