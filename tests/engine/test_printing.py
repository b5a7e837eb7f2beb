"""What nodes print: kept with their task, shown where it may be, and never somebody else's."""
# ruff: noqa: T201 - printing is what these nodes are for

from __future__ import annotations

import asyncio
import contextvars
import io
import json
import os
import subprocess
import sys
import threading
import types
from contextlib import contextmanager, redirect_stdout

import pytest

import nbgraph as ng
from nbgraph.engine import engine as front_door
from nbgraph.engine.printing import KEPT, Router, hold, release
from tests.engine.stage import SOON, beside, chain, fan, kinds


def quiet(state):
    return {"log": "quiet"}


def loud(state):
    print("loud")
    return {"log": "loud"}


def printed(run):
    """Return what each task printed, in order."""
    return list(run.tasks.printed)


@contextmanager
def elsewhere():
    """Put another stream in the place of the standard output; yield it."""
    stream = io.StringIO()
    with redirect_stdout(stream):
        yield stream


@pytest.mark.parametrize(("how", "shown"), [("auto", "loud\n"), ("show", "loud\n"), ("keep", "")])
def test_a_print_is_kept_with_its_task(how, shown):
    """It is in the table of tasks in every case; whether it is seen too is the option's: outside of a kernel it is."""
    with elsewhere() as stream:
        run = ng.Engine(chain(quiet, loud), prints=how).run()
    assert (["", "loud\n"], shown) == (printed(run), stream.getvalue())


def test_a_kernel_keeps_prints_to_itself(monkeypatch):
    """In a Jupyter kernel "auto" keeps them: they would land in whatever cell runs then."""
    shell = types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "ipykernel", types.SimpleNamespace(__version__="7.4.0"))
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    with elsewhere() as stream:
        run = ng.Engine(chain(loud)).run()
    assert (["loud\n"], "") == (printed(run), stream.getvalue())


async def aloud(state):
    print("one")
    await asyncio.sleep(0)
    print("two")
    return {"log": "aloud"}


def test_async_nodes_beside_each_other_keep_their_own():
    """Nodes that take turns on one loop do not get each other's prints."""

    async def other(state):
        print("three")
        await asyncio.sleep(0)
        print("four")

    run = ng.Engine(beside(aloud, other), prints="keep").run()
    assert {"", "one\ntwo\n", "three\nfour\n"} == set(printed(run))


def test_threads_beside_each_other_keep_their_own():
    """Nodes that print at the same moment do not get each other's prints."""
    meeting = threading.Barrier(4)

    def work(state):
        meeting.wait(SOON)
        print(f"item {state['item']}")
        return {"log": state["item"]}

    run = ng.Engine(fan(4, work), prints="keep").run()
    rows = zip(run.steps["update"], printed(run), strict=True)
    assert all(f"item {update['log']}\n" == text for update, text in rows if "log" in update)


@pytest.mark.parametrize(("start", "kept"), [(contextvars.copy_context, "inside\n"), (contextvars.Context, "")])
def test_a_nodes_threads_print_for_it_in_its_context(start, kept):
    """A thread that runs in a copy of the node's context prints for the node; another one as if there was none."""

    def work(state):
        thread = threading.Thread(target=start().run, args=(print, "inside"))
        thread.start()
        thread.join()

    with elsewhere() as stream:
        run = ng.Engine(chain(work), prints="keep").run()
    assert ([kept], "inside\n"[len(kept) :]) == (printed(run), stream.getvalue())


def test_prints_elsewhere_pass_while_a_run_is_live():
    """Who prints beside a live run prints as ever."""
    began, go = threading.Event(), threading.Event()

    def held(state):
        print("node")
        began.set()
        go.wait(SOON)

    with elsewhere() as stream:
        run = ng.Engine(chain(held), prints="keep").start()
        began.wait(SOON)
        print("cell")
        go.set()
        run.wait(SOON)
    assert ("cell\n", ["node\n"]) == (stream.getvalue(), printed(run))


def test_what_is_much_loses_its_middle():
    """32 kB from the beginning and 32 kB from the end are kept, and a line says how much is missing."""

    def much(state):
        for place in range(20_000):
            print(f"{place:07}")

    (text,) = printed(ng.Engine(chain(much), prints="keep").run())
    head, missing, tail = text.partition("\n[... 94,464 characters are missing here ...]\n")
    assert missing
    assert (KEPT, KEPT) == (len(head), len(tail))
    assert ("0000000\n0000001\n", "0019999\n") == (head[:16], tail[-8:])


def test_what_just_fits_is_whole():
    """Nothing is missing from 64 kB."""

    def fits(state):
        sys.stdout.writelines(["x" * KEPT, "y" * KEPT])

    assert ["x" * KEPT + "y" * KEPT] == printed(ng.Engine(chain(fits), prints="keep").run())


def test_each_attempt_has_its_own():
    """What a failed attempt printed is with its event, with the seconds that it took; the step has the last one's."""
    words = iter(["first", "second"])

    def again(state):
        word = next(words)
        print(word)
        if word == "first":
            raise OSError(word)

    graph = ng.Graph({"log": str}, name="again")
    graph.node(retry=ng.Retry(attempts=2, wait=0.0))(again)
    run = ng.Engine(graph, prints="keep").run()
    (told,) = kinds(run, "task.retried")
    assert ("first\n", ["second\n"]) == (told["printed"], printed(run))
    assert told["seconds"] >= 0


def test_a_failure_has_what_it_printed():
    """The event of a task that failed for good, and its row in the table, have its prints and its seconds."""

    def fails(state):
        print("before")
        raise OSError

    engine = ng.Engine(chain(quiet, fails), prints="keep")
    with pytest.raises(ng.NodeError):
        engine.run(run_id="r")
    run = engine.open("r")
    (told,) = kinds(run, "task.failed")
    assert (["", "before\n"], "before\n") == (printed(run), told["printed"])
    assert told["seconds"] >= 0


def test_a_failure_that_is_caught_has_what_it_printed():
    """The step of a task whose error took another way keeps its prints too."""

    def fails(state):
        print("before")
        raise OSError

    graph = chain(fails)
    graph.node(quiet)
    graph.edge("fails", "quiet", on_error=OSError)
    assert ["before\n", ""] == printed(ng.Engine(graph, prints="keep").run())


def test_redaction_sees_prints():
    """The hook that blanks values before they are written blanks prints, of failures too."""

    def fails(state):
        print("my secret")
        raise OSError

    def hook(path, value):
        return value.replace("secret", "***") if isinstance(value, str) else value

    engine = ng.Engine(chain(loud, fails), prints="keep", redact=ng.Redaction(hook=hook))
    with pytest.raises(ng.NodeError):
        engine.run(run_id="r")
    assert ["loud\n", "my ***\n"] == printed(engine.open("r"))


def test_what_is_no_text_for_a_file_is_written_readably(tmp_path):
    """A lone surrogate in a print does not keep the step from being committed."""

    def odd(state):
        print("odd \ud800 text")

    run = ng.Engine(chain(odd), prints="keep", store=tmp_path / "f.sqlite").run()
    assert ["odd \\ud800 text\n"] == printed(run)


def test_a_print_is_no_part_of_what_a_run_is():
    """Two runs that differ in what they print only have equal digests and tasks, and replay as each other's code."""
    words = ["one", "another"]

    def says(state):
        print(words[0])
        return {"log": "same"}

    engine = ng.Engine(chain(says), prints="keep")
    first = engine.run(run_id="r")
    words.reverse()
    second = engine.run()
    assert (first.digest, list(first.tasks.task)) == (second.digest, list(second.tasks.task))
    assert engine.replay("r").ok
    assert ["one\n", "another\n"] == [*printed(first), *printed(second)]


@pytest.mark.parametrize(("prints", "shown"), [("keep", False), ("show", True), ("auto", True)])
def test_a_replay_prints_where_a_run_does(prints, shown):
    """What nodes print when they are replayed is dropped, or goes where that of a run would; "auto" here is no kernel."""
    engine = ng.Engine(chain(loud, aloud), prints=prints)
    with elsewhere():
        engine.run(run_id="r")
    with elsewhere() as stream:
        assert engine.replay("r").ok
    assert shown == bool(stream.getvalue())


def test_the_facts_of_a_silent_step_stay_as_they_were():
    """A step whose node printed nothing has no word of it in its row."""
    run = ng.Engine(chain(quiet)).run()
    (row,) = run.store.steps(run.id)
    assert {"started", "seconds"} == json.loads(row.facts).keys()


# -- the stream


@pytest.mark.parametrize("fails", [False, True])
def test_the_standard_output_is_put_back(fails):
    """After the last run ``sys.stdout`` is what it was, however the run ended."""

    async def ends(state):
        if fails:
            raise OSError

    before = sys.stdout
    try:
        ng.Engine(chain(quiet, ends)).run()
    except ng.NodeError:
        assert fails
    assert before is sys.stdout


def test_it_is_put_back_after_the_last_run_only():
    """While any run is live the stream stays: it is held as often as it is needed."""
    before = sys.stdout
    hold()
    ng.Engine(chain(quiet)).run()
    assert isinstance(sys.stdout, Router)
    release()
    assert before is sys.stdout


def test_a_stream_that_was_put_over_it_stays():
    """Who replaces ``sys.stdout`` while a run is live keeps that, and gets a stream that works back in its place."""
    first = io.StringIO()
    with redirect_stdout(first):
        hold()
        with redirect_stdout(io.StringIO()) as over:
            release()
            assert over is sys.stdout
        print("still works")
        hold()
        release()
        assert first is sys.stdout
    assert "still works\n" == first.getvalue()


PRINTS_WHEN_A_RUN_ENDS = """
import sys, threading, nbgraph as ng
go, graph = threading.Event(), ng.Graph(dict, name="g")
graph.node(name="waits")(lambda state: {"went": go.wait(30)})
plain, run = sys.stdout, ng.Engine(graph).start()
while sys.stdout is plain:
    pass

class Late:
    def __str__(self):
        go.set()
        while sys.stdout is not plain:
            pass
        return "printed"

print(Late())
"""


def test_a_print_that_a_runs_end_falls_into_arrives():
    """Python's ``print`` does not hold the stream that it began with; whoever has put it there still has to."""
    checked = {**os.environ, "PYTHONMALLOC": "debug"}  # what was freed is overwritten, so that it cannot seem to work
    command = [sys.executable, "-c", PRINTS_WHEN_A_RUN_ENDS]
    done = subprocess.run(command, env=checked, capture_output=True, text=True, timeout=60)
    assert (0, "printed\n", "") == (done.returncode, done.stdout, done.stderr)


def test_it_looks_like_what_it_stands_for():
    """Whatever else is asked of the stream is answered by the original one."""
    with elsewhere() as stream:
        hold()
        try:
            stream.other = 2
            assert (stream.isatty(), 2) == (sys.stdout.isatty(), sys.stdout.other)
            with pytest.raises(TypeError):
                sys.stdout.write(b"bytes")
        finally:
            release()


def test_bytes_in_a_node_are_refused_as_ever():
    """``sys.stdout.write`` of bytes raises in a node as anywhere, and that is the node's failure."""

    def wrong(state):
        sys.stdout.write(b"bytes")

    with pytest.raises(ng.NodeError) as caught:
        ng.Engine(chain(wrong), prints="keep").run()
    assert isinstance(caught.value.__cause__, TypeError)


def test_a_node_that_was_left_behind_prints_for_itself():
    """A sync node that runs on after its timeout prints into nobody's cell."""
    go, ended = threading.Event(), threading.Event()

    def slow(state):
        go.wait(SOON)
        print("late")
        ended.set()

    graph = ng.Graph({"log": str}, name="slow")
    graph.node(timeout=0.01)(slow)
    with elsewhere() as stream:
        with pytest.raises(ng.NodeTimeoutError):
            ng.Engine(graph, prints="keep").run()
        go.set()
        ended.wait(SOON)
    assert "" == stream.getvalue()


# -- progress


@pytest.fixture
def lines(monkeypatch):
    """The runs whose progress was shown, and what they had done when it began and when it ended."""
    shown = []

    @contextmanager
    def progress(run):
        shown.append((run.id, run.status))
        yield
        shown.append((run.id, run.status))

    monkeypatch.setattr(front_door, "face", lambda name: {"progress": progress}[name])
    return shown


def test_progress_is_shown_where_somebody_could_see_it(lines, monkeypatch):
    """``engine.run`` and ``resume`` show it around the run while it goes on, where ``stderr`` is a terminal."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    engine = ng.Engine(chain(quiet, loud))
    engine.run(run_id="r", before="loud")
    engine.resume("r")
    assert [("r", "running"), ("r", "paused"), ("r", "running"), ("r", "completed")] == lines


@pytest.mark.parametrize("how", [{"quiet": True}, {}])
def test_progress_is_not_shown_to_nobody(lines, monkeypatch, how):
    """None with ``quiet=True``, none where nobody could see it, and none of a run in the background."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: bool(how), raising=False)
    ng.Engine(chain(quiet)).run(**how)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    ng.Engine(chain(quiet)).start().wait(SOON)
    assert [] == lines


@pytest.mark.parametrize("attended", [False, True])
def test_what_executes_a_notebook_by_itself_is_nobody(lines, monkeypatch, attended):
    """In a kernel it is shown if the front end would answer ``input()``: those that execute notebooks would not."""
    shell = types.SimpleNamespace(kernel=types.SimpleNamespace(_allow_stdin=attended))
    monkeypatch.setitem(sys.modules, "ipykernel", types.SimpleNamespace(__version__="7.4.0"))
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    ng.Engine(chain(quiet)).run()
    assert attended is bool(lines)
