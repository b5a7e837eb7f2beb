"""The run browser: all runs of a store in a list that can be searched, and what can be done with one.

Owns what the page is told of the runs, and what becomes of a wish. The engine does what is wished, and may refuse: its
words are shown.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import traitlets
from ipywidgets import Widget, widget_serialization

from nbgraph.errors import NbgraphError
from nbgraph.escape import plain
from nbgraph.faces import face
from nbgraph.store.protocol import Store
from nbgraph.views.runs import RUN_LOOKS, RunList
from nbgraph.views.tables import bundle_of
from nbgraph.views.widgets.base import View
from nbgraph.views.widgets.modules import module, stylesheet
from nbgraph.views.widgets.pace import Pace
from nbgraph.views.widgets.scene import Scene
from nbgraph.views.widgets.steering import stopped, unguarded

_LOG = logging.getLogger("nbgraph")
_EVERY = 0.5
"""Seconds between two looks at the store at least."""


class Shelf(Protocol):
    """What the browser needs: an engine, in its own words."""

    @property
    def store(self) -> Store: ...  # noqa: D102 - where the runs are

    def open(self, run_id: str) -> Any:
        """Return a run, to read or to steer."""
        ...

    def delete(self, run_id: str) -> None:
        """Remove a run; raises the ``StoreError`` family and ``RunBusyError``."""
        ...


class RunBrowser(View):
    """All runs of an engine's store, as they come, change and go. ``show`` makes the widget of a run that is opened."""

    _esm = module("run_browser")
    _css = stylesheet("rows", "run_browser")
    looks = traitlets.Dict().tag(sync=True)
    notice = traitlets.Dict().tag(sync=True)
    child = traitlets.Instance(Widget, allow_none=True).tag(sync=True, **widget_serialization)

    def __init__(self, shelf: Shelf, *, show: Callable[[Any], Widget] | None = None) -> None:
        self.shelf, self.runs = shelf, RunList(shelf.store)
        self._show_run = show
        self._pace, self._greeted = Pace(_EVERY), False
        super().__init__(Scene.of(shelf.store, "runs"), looks={name: list(look) for name, look in RUN_LOOKS.items()})

    # -- on the scene's thread

    def tick(self) -> None:
        """Look at the store twice a second, less often where a look takes long."""
        if self.closed or not self._greeted or not self._pace.due():
            return
        with self._pace.work():
            try:
                news, gone = self.runs.look()
            except NbgraphError as error:
                self._tell(error)
                return
            if news or gone:
                self.send({"kind": "runs", "whole": False, "rows": news, "gone": [plain(run_id) for run_id in gone]})

    def heard(self, message: Mapping[str, Any]) -> None:
        """Take what a person wishes done with a run."""
        kind, run_id = message.get("kind"), message.get("run")
        if kind == "hello":
            self._hello()
        deeds = {"open": self._open, "resume": self._resume, "fork": self._fork, "delete": self._delete}
        sure = kind != "delete" or message.get("sure") is True
        if isinstance(run_id, str) and kind in deeds and sure:
            deed = deeds[kind]
            self.scene.hands.do(lambda: self._do(deed, run_id))

    def _hello(self) -> None:
        """Tell a page that has just come everything; more than one may be open, and all are told."""
        self._greeted = True
        try:
            self.runs.look()
        except NbgraphError as error:
            self._tell(error)
        self.send({"kind": "runs", "whole": True, "rows": list(self.runs.lines.values()), "gone": []})

    def _tell(self, said: str | NbgraphError) -> None:
        refused = isinstance(said, NbgraphError)
        words = (
            "\n".join(part for part in (said.message, said.todo) if part) if isinstance(said, NbgraphError) else said
        )
        self.notice = {"words": plain(words), "refused": refused}
        self._pace.hurry()

    def _put(self, child: Widget | None) -> None:
        before, self.child = self.child, child
        if before is not None:
            before.close()

    # -- on the hands' thread

    def _do(self, deed: Callable[[str], str], run_id: str) -> None:
        said: str | NbgraphError
        try:
            said = deed(run_id)
        except NbgraphError as error:
            said = error
        except Exception as error:  # noqa: BLE001 - whatever it is, the person who waits is told
            _LOG.warning("what was wished of run %s could not be done", run_id, exc_info=True)
            said = NbgraphError(f"that could not be done: {type(error).__name__}: {error}")
        self.scene.post(lambda: self._tell(said))

    def _open(self, run_id: str) -> str:
        child = (self._show_run or face("run.view"))(self.shelf.open(run_id))
        self.scene.post(lambda: self._put(child))
        return ""

    def _resume(self, run_id: str) -> str:
        run = self.shelf.open(run_id)
        row = run.store.run(run_id).status
        if why := unguarded(stopped(row.status, row.error or ""), run.engine.options):
            raise NbgraphError(f"run {run_id!r} does not go on: {why}")
        run.resume()
        return f"{run_id} goes on."

    def _fork(self, run_id: str) -> str:
        fork = self.shelf.open(run_id).fork()
        return f"{fork.id} is a fork of {run_id}, and runs."

    def _delete(self, run_id: str) -> str:
        self.shelf.delete(run_id)
        return f"{run_id} was deleted."

    # -- anywhere

    def picture(self) -> Mapping[str, str]:
        """Return the runs as a table, newest first."""
        runs = RunList(self.shelf.store)
        runs.look()
        rows = [
            (
                line.id,
                line.graph,
                f"{RUN_LOOKS.get(line.status, ('', ''))[1]} {line.status}",
                line.steps,
                _origin(line.origin, line.at),
            )
            for line in reversed(runs.lines.values())
        ]
        return bundle_of(
            "Runs", ("run", "graph", "status", "steps", "fork of"), rows, empty="No runs in this store yet."
        )

    def close(self) -> None:
        """Close what was opened below, too."""
        super().close()
        if self.child is not None:
            self.child.close()


def _origin(run_id: str, step: int) -> str:
    return f"{run_id}@{step}" if run_id else ""
