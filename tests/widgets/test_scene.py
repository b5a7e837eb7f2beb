"""The threads behind views: when they work, for how long, and what they leave behind."""

from __future__ import annotations

import threading
import time

import pytest

import nbgraph as ng
from nbgraph.views.widgets import scene as scenes
from nbgraph.views.widgets.scene import Hands, Scene
from tests.widgets.acts import PATIENCE, ended


class Shown:
    """A view that counts its updates; ``act`` is what each of them does."""

    def __init__(self, enough: int = 1, act=lambda: None):
        self.times, self.threads, self.enough, self.act = [], set(), enough, act
        self.had_enough = threading.Event()

    def tick(self):
        self.times.append(time.monotonic())
        self.threads.add(threading.current_thread().name)
        if len(self.times) >= self.enough:
            self.had_enough.set()
        self.act()


@pytest.fixture
def scene():
    """A scene of its own; whatever is attached is detached in the end."""
    made = Scene.of(object(), "trial")
    yield made
    for view in list(made._views):
        made.detach(view)
    ended("nbgraph-views-trial")


def test_one_thing_has_one_scene():
    """All views of a run share a scene, and those of another run have another."""
    owner, other = object(), object()
    first = Scene.of(owner, "r")
    assert first is Scene.of(owner, "r")
    assert first is not Scene.of(owner, "s")
    assert first is not Scene.of(other, "r")


def test_views_are_updated_on_the_scenes_thread(scene):
    """Every update comes on the one thread that bears the scene's name."""
    first, second = Shown(), Shown()
    scene.attach(first)
    scene.attach(second)
    assert first.had_enough.wait(PATIENCE)
    assert second.had_enough.wait(PATIENCE)
    assert {"nbgraph-views-trial"} == first.threads | second.threads


def test_updates_come_about_twelve_times_a_second_at_most(scene):
    """Four pauses between five updates are not shorter than four ticks."""
    view = Shown(enough=5)
    scene.attach(view)
    assert view.had_enough.wait(PATIENCE)
    assert 4 * scenes.TICK * 0.95 <= view.times[4] - view.times[0]


def test_updates_that_take_long_come_less_often(scene, monkeypatch):
    """After a round comes a pause of so many times its length that all views take a twentieth of a core at most."""
    monkeypatch.setattr(scenes, "TICK", 0.0)
    view = Shown(enough=2, act=lambda: threading.Event().wait(0.02))
    scene.attach(view)
    assert view.had_enough.wait(PATIENCE)
    assert 0.02 * 19 <= view.times[1] - view.times[0]


def test_a_job_does_not_wait_for_the_next_update(scene, monkeypatch):
    """What a page asks for is done at once, on the scene's thread."""
    monkeypatch.setattr(scenes, "TICK", 60.0)
    view, heard = Shown(), threading.Event()
    scene.attach(view)
    assert view.had_enough.wait(PATIENCE)
    scene.post(heard.set)
    assert heard.wait(PATIENCE)


def test_the_thread_ends_with_the_last_view(scene):
    """A scene without views has no thread, and gets one with the next view."""
    view = Shown()
    scene.attach(view)
    assert view.had_enough.wait(PATIENCE)
    scene.detach(view)
    ended("nbgraph-views-trial")
    again = Shown()
    scene.attach(again)
    assert again.had_enough.wait(PATIENCE)


def test_a_view_that_fails_does_not_stop_the_others(scene, caplog):
    """An update that raises is a line in the log."""
    scene.attach(Shown(act=lambda: 1 / 0))
    view = Shown(enough=2)
    scene.attach(view)
    assert view.had_enough.wait(PATIENCE)
    assert ["a view could not be brought up to date: ZeroDivisionError: division by zero"] == caplog.messages


def test_what_stays_wrong_is_said_once(scene, caplog, monkeypatch):
    """What fails the same way again and again is one entry in the log, until it fails another way."""
    monkeypatch.setattr(scenes, "TICK", 0.0)
    wrong = ["closed", None, "closed", "gone", None, "gone"]  # None: that tick goes well
    view = Shown(enough=7)
    view.act = lambda: wrong and {None: 0}[wrong.pop()]
    scene.attach(view)
    assert view.had_enough.wait(PATIENCE)
    assert ["'gone'", "'closed'"] == [str(record.exc_info[1]) for record in caplog.records]


def test_a_store_that_was_closed_is_one_line_for_all_views(scene, caplog):
    """An error of nbgraph's own is logged in its words, without a traceback, whichever views meet it."""

    def closed():
        raise ng.StoreError("the store is closed", todo="open it again")

    views = [Shown(enough=2, act=closed), Shown(enough=2, act=closed)]
    for view in views:
        scene.attach(view)
    assert all(view.had_enough.wait(PATIENCE) for view in views)
    (record,) = caplog.records
    assert "StoreError: the store is closed\n  Next: open it again" in record.message
    assert not record.exc_info


def test_what_is_done_between_updates_is_alone(scene):
    """A job between updates waits for the update that is under way."""
    inside, leave, done = threading.Event(), threading.Event(), threading.Event()
    view = Shown(act=lambda: (inside.set(), leave.wait(PATIENCE)))
    scene.attach(view)
    assert inside.wait(PATIENCE)
    other = threading.Thread(target=lambda: scene.between(done.set))
    other.start()
    assert not done.wait(0.05)
    leave.set()
    assert done.wait(PATIENCE)
    other.join()


def test_nothing_is_updated_after_detach_has_returned(scene):
    """Detaching waits for the update that is under way."""
    inside, leave, left = threading.Event(), threading.Event(), threading.Event()
    view = Shown(act=lambda: (inside.set(), leave.wait(PATIENCE)))
    scene.attach(view)
    assert inside.wait(PATIENCE)
    detaching = threading.Thread(target=lambda: (scene.detach(view), left.set()))
    detaching.start()
    assert not left.wait(0.05)
    leave.set()
    assert left.wait(PATIENCE)
    detaching.join()


def test_a_view_may_leave_in_its_own_turn(scene):
    """A view that detaches itself while it is updated does not wait for itself."""
    view = Shown()
    view.act = lambda: scene.detach(view)
    scene.attach(view)
    ended("nbgraph-views-trial")
    assert 1 == len(view.times)


def test_hands_do_one_job_after_the_other():
    """Jobs are done in the order in which they were given, one at a time."""
    hands, done, finished = Hands("hands-trial"), [], threading.Event()
    for number in range(5):
        hands.do(lambda number=number: done.append((number, threading.active_count())))
    hands.do(finished.set)
    assert finished.wait(PATIENCE)
    assert list(range(5)) == [number for number, _ in done]
    assert 1 == len({threads for _, threads in done})


def test_a_job_that_fails_is_followed_by_the_next(caplog):
    """What goes wrong in a job is a line in the log."""
    hands, finished = Hands("hands-trial"), threading.Event()
    hands.do(lambda: 1 / 0)
    hands.do(finished.set)
    assert finished.wait(PATIENCE)
    assert 1 == len(caplog.records)


def test_idle_hands_have_no_thread(monkeypatch):
    """The thread ends when there has been nothing to do for a while, and comes back with the next job."""
    monkeypatch.setattr(scenes, "_IDLE", 0.01)
    hands = Hands("hands-idle")
    for _ in range(2):
        finished = threading.Event()
        hands.do(finished.set)
        assert finished.wait(PATIENCE)
        ended("hands-idle")
