"""Exceptions of recorded calls: raised again as they were, and nothing is imported or run for it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import urllib.error
from pathlib import Path

import pytest

import nbgraph as ng
from nbgraph.engine.calls.outcome import error_of, failed
from tests.engine.outside import Service, begin, one

BUILT = []


class RefusedError(Exception):
    """Carries more than its args, and counts how often it is built."""

    def __init__(self, code, *, reason):
        BUILT.append(code)
        super().__init__(f"refused: {code}")
        self.code, self.reason, self.extra = code, reason, {"tries": [1, 2]}


class StrictError(RefusedError):
    """Runs code wherever Python lets it."""

    def __new__(cls, *args, **kwargs):
        BUILT.append("new")
        return super().__new__(cls, *args)

    def __setattr__(self, name, value):
        BUILT.append(name)
        super().__setattr__(name, value)

    def add_note(self, note):
        BUILT.append(note)


class UnspeakableError(Exception):
    """Cannot be shown."""

    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


class OwnOsError(OSError):
    """Has an ``__init__``, which keeps ``OSError`` from reading its args early."""

    def __init__(self, path):
        super().__init__(2, "not there", path)


def open_nothing():
    """Raise with a file's name beside the args."""
    Path("/nowhere/at all").read_text()


def import_nothing():
    """Raise with a module's name beside the args."""
    import no_such_module_at_all  # noqa: F401 - it raises


def throw(error):
    """Raise it."""
    raise error


FAILURES = {
    "args": lambda: throw(ValueError("a", 1, (2.5, None))),
    "attributes": lambda: throw(RefusedError(7, reason=("x", "y"))),
    "os": open_nothing,
    "own os": lambda: throw(OwnOsError("/nowhere")),
    "import": import_nothing,
    "unicode": b"\xff".decode,
    "json": lambda: json.loads("{"),
    "timeout": lambda: throw(TimeoutError()),
    "group": lambda: throw(ExceptionGroup("several", [ValueError("a"), RefusedError(1, reason=None)])),
    "stop": lambda: throw(KeyError("missing")),
    "sql": lambda: sqlite3.connect(":memory:").execute("SELEC"),
    "ours": lambda: throw(ng.CallError("m", still="s", todo="t", call="c")),
}

FACTS = ("args", "code", "reason", "extra", "errno", "strerror", "filename", "name", "path", "encoding", "object",
         "start", "doc", "pos", "lineno", "still", "todo", "call")  # fmt: skip


def facts(error):
    """Return what a node may look at."""
    if isinstance(error, ExceptionGroup):
        return type(error), error.message, [facts(one) for one in error.exceptions]
    return type(error), str(error), {name: getattr(error, name) for name in FACTS if hasattr(error, name)}


@pytest.mark.filterwarnings("ignore:unclosed database")
@pytest.mark.parametrize("name", FAILURES)
def test_an_exception_is_raised_again_as_it_was(name, tmp_path):
    """Class, text, args and attributes in a replay are those that the node saw live."""
    seen = []

    def work(state, ctx):
        try:
            ctx.call(FAILURES[name])
        except Exception as error:
            seen.append(facts(error))

    engine = ng.Engine(one(work), store=tmp_path / "runs.sqlite")
    engine.run({}, run_id="r")
    assert engine.replay("r").ok
    assert seen[0] == seen[1]


def test_an_exception_of_a_real_client(tmp_path):
    """What ``urllib`` raises for status 500 comes back with its code and its text."""
    service, seen = Service(), []

    def get(word):
        try:
            return service.get(word)
        except urllib.error.HTTPError as error:
            error.close()
            raise

    def work(state, ctx):
        try:
            ctx.call(get, "fail")
        except urllib.error.HTTPError as error:
            seen.append((error.code, str(error)))

    engine = ng.Engine(one(work), store=tmp_path / "runs.sqlite")
    engine.run({}, run_id="r")
    service.close()
    assert engine.replay("r").ok
    assert [(500, "HTTP Error 500: Internal Server Error")] * 2 == seen
    assert {"fail": 1} == service.paid


def test_a_caught_exception_is_part_of_the_record(tmp_path):
    """A node that goes on after a call raised is replayed so; the traceback of the call is in the note."""
    notes = []

    def work(state, ctx):
        try:
            return {"log": ctx.call(FAILURES["args"])}
        except ValueError as error:
            notes.append(getattr(error, "__notes__", []))
            return {"log": "caught"}

    engine = ng.Engine(one(work), store=tmp_path / "runs.sqlite")
    run = engine.run({}, run_id="r")
    assert ["caught"] == run.state["log"]
    assert ["raised"] == list(run.calls.status)
    assert run.calls.error[0].startswith("builtins.ValueError: ")
    assert engine.replay("r").ok
    assert "in throw" in notes[1][0]


def test_raising_it_again_runs_none_of_its_code():
    """Neither ``__init__`` nor ``__new__`` nor ``__setattr__`` of the class is called."""
    record = failed(StrictError(3, reason="why"), ng.Redaction()).text
    BUILT.clear()
    error = error_of(record, lambda digest: b"")
    assert (StrictError, 3, "why", ("refused: 3",)) == (type(error), error.code, error.reason, error.args)
    assert [] == BUILT


def test_an_exception_that_cannot_be_shown_is_recorded(tmp_path):
    """Whatever ``str`` and ``repr`` of it and of its args raise, the call has an end in the record."""
    node = lambda state, ctx: ctx.call(lambda: throw(UnspeakableError(UnspeakableError(), object())))  # noqa: E731 - one call
    engine = ng.Engine(one(node), store=tmp_path / "runs.sqlite")
    assert isinstance(begin(engine), ng.NodeError)
    assert ["raised"] == list(engine.open("r").calls.status)


HOSTILE = ["os.system", "builtins.eval", "nbgraph.errors._rebuild", "builtins.SystemExit", "builtins.int", "antigravity.X",
           "sys.modules", "", ".", "os.path.join.__class__", "tests.engine.test_call_errors.BUILT.append"]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_record_cannot_name_what_it_likes(name):
    """A name that is no loaded exception class gives a ``CallError``; nothing is imported and nothing called."""
    record = json.dumps({"args": ["echo gotcha"], "fields": {}, "text": "t", "traceback": "", "type": name})
    loaded = set(sys.modules)
    error = error_of(record, lambda digest: b"")
    assert (ng.CallError, name) == (type(error), error.actual)
    assert set(sys.modules) == loaded


def test_an_exception_of_a_module_that_is_not_loaded(tmp_path):
    """Resume and replay say what to import; nothing is called."""
    module = type(sys)("shop")
    module.Closed = type("Closed", (Exception,), {"__module__": "shop"})
    sys.modules["shop"] = module
    seen = []

    def work(state, ctx):
        try:
            ctx.call(lambda: throw(module.Closed("at six")))
        except Exception as error:
            seen.append(error)

    engine = ng.Engine(one(work), store=tmp_path / "runs.sqlite")
    engine.run({}, run_id="r")
    del sys.modules["shop"]
    engine.replay("r", strict=False)
    assert ng.CallError is type(seen[1])
    assert "shop.Closed: at six" in seen[1].message
    assert "import" in seen[1].todo


@pytest.mark.parametrize("how", ["cancelled", "system exit"])
def test_what_is_no_exception_of_the_call_is_no_outcome(how, tmp_path):
    """A call that was cancelled, or in which the process was told to end, has no known end."""
    error = asyncio.CancelledError() if how == "cancelled" else SystemExit(3)
    engine = ng.Engine(one(lambda state, ctx: ctx.call(lambda: throw(error))), store=tmp_path / "runs.sqlite")
    assert isinstance(begin(engine), ng.NodeError)
    assert ["started"] == list(engine.open("r").calls.status)
