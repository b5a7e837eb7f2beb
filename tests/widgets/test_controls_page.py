"""The buttons on the page: what can be clicked, what is said, and what a click sends."""

from __future__ import annotations

import pytest

from nbgraph.views.widgets.steering import Standing, refused

HOSTILE = '"><img src=x onerror=alert(1)><b>'


def standing(status: str = "paused", *, elapsed: float = 3.44, at: int | None = None, **facts) -> dict:
    """Return what Python says of a run that stands so."""
    run = Standing(status, **{"steps": 12, **facts})
    shown = {**run._asdict(), "refused": refused(run), "going": run.live, "at": run.steps if at is None else at}
    return {**shown, "latest": at is None, "elapsed": elapsed}


@pytest.fixture
def controls(mount):
    """Mount the controls of a run that stands so."""

    def show(given=None, note=None, nodes=("a", "b"), **how):
        state = {"run_id": "r1", "standing": given or standing(), "nodes": list(nodes), "note": note or {}}
        return mount("controls", state=state, **how)

    return show


def button(mounted, name: str):
    """Return a button by what it says."""
    return mounted.page.get_by_role("button", name=name, exact=True)


def test_only_what_can_act_is_enabled(controls):
    """Of a run that stands still, pause and stop are off, with their reason as a title."""
    mounted = controls()
    off = [name for name in ("Resume", "Pause", "Step", "Stop", "Run to") if button(mounted, name).is_disabled()]
    assert ["Pause", "Stop"] == off
    assert "the run stands still" == button(mounted, "Pause").get_attribute("title")


def test_a_click_is_one_message_and_is_shown_at_once(controls):
    """Until Python answers, the page says what was asked for, and a second click sends nothing."""
    mounted = controls()
    button(mounted, "Resume").click()
    button(mounted, "Resume").click(force=True)
    assert [{"kind": "shown"}, {"kind": "resume"}] == mounted.sent
    assert "resuming…" == mounted.root.locator(".ng-word").text_content()
    mounted.set(standing=standing("running", live=True))
    assert "running" == mounted.root.locator(".ng-word").text_content()
    assert button(mounted, "Pause").is_enabled()


def test_a_button_that_is_off_sends_nothing(controls):
    """A click on what cannot be is no message."""
    mounted = controls()
    button(mounted, "Pause").click(force=True)
    assert [{"kind": "shown"}] == mounted.sent


def test_stop_works_while_a_pause_is_on_its_way(controls):
    """A person who cannot wait for the pause may still stop the run."""
    mounted = controls(standing("running", live=True))
    button(mounted, "Pause").click()
    button(mounted, "Stop").click()
    assert ["pause", "cancel"] == [said["kind"] for said in mounted.sent[1:]]


def test_run_to_sends_the_node_that_is_chosen(controls):
    """The node of the choice beside the button goes with the click."""
    mounted = controls()
    mounted.page.get_by_label("Run to node").select_option("b")
    button(mounted, "Run to").click()
    assert {"kind": "until", "node": "b"} == mounted.sent[-1]


def test_a_fork_is_from_the_step_that_is_looked_at(controls):
    """The cursor's step stands on the button and goes with the click."""
    mounted = controls(standing("completed", at=7))
    button(mounted, "Fork from step 7").click()
    assert {"kind": "fork", "step": 7} == mounted.sent[-1]


def test_buttons_are_worked_by_keys(controls):
    """Tab reaches the buttons in their order, and Enter is a click."""
    mounted = controls()
    for _ in range(3):
        mounted.page.keyboard.press("Tab")
    mounted.page.keyboard.press("Enter")
    assert {"kind": "step"} == mounted.sent[-1]


def test_a_run_without_steps_is_run_not_resumed(controls):
    """Before the first step the button says so."""
    assert button(controls(standing(steps=0)), "Run").is_visible()


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.0314, "31 ms"), (3.44, "3.4 s"), (125, "2 min 05 s"), (3725, "1 h 02 min")]
)
def test_the_time_is_said_in_few_words(controls, seconds, told):
    """Two or three digits of the time that the run was driven."""
    assert told == controls(standing(elapsed=seconds)).root.locator(".ng-clock").text_content()


def test_the_clock_goes_on_by_itself(controls):
    """While the run goes on, the page counts the seconds without a message."""
    mounted = controls(standing("running", live=True, elapsed=3.0))
    mounted.page.wait_for_function("() => document.querySelector('.ng-clock').textContent !== '3.0 s'")
    assert [{"kind": "shown"}] == mounted.sent


def test_an_error_is_said_with_what_to_do_and_can_be_dismissed(controls):
    """What went wrong, the line that says what to do, and a button that takes them away."""
    mounted = controls(note={"kind": "error", "text": "it broke", "todo": "mend it"})
    assert "it brokeNext: mend it" == mounted.page.get_by_role("alert").text_content()
    button(mounted, "Dismiss").click()
    assert {"kind": "dismiss"} == mounted.sent[-1]
    mounted.set(note={})
    assert mounted.page.get_by_role("alert").is_hidden()


def test_a_fork_that_was_made_can_be_opened(controls):
    """In a dashboard a button goes to the fork; elsewhere the line that opens it is shown."""
    forked = {"kind": "forked", "run": "r2", "step": 7}
    mounted = controls(note={**forked, "opens": True})
    button(mounted, "Open it here").click()
    assert {"kind": "open"} == mounted.sent[-1]
    mounted.set(note={**forked, "opens": False})
    assert 'engine.open("r2").view()' in mounted.page.get_by_role("alert").text_content()


def test_hostile_texts_are_texts(controls):
    """Names, holders and errors add no element to the page, whatever they hold."""
    plain, hostile = "r1", HOSTILE
    counts = []
    for text in (plain, hostile):
        note = {"kind": "error", "text": text, "todo": text}
        mounted = controls(standing("running", holder=text), note=note, nodes=[text, "b"])
        counts.append(mounted.elements())
        assert text in mounted.root.text_content()
        mounted.remove()
    assert counts[0] == counts[1]


def test_a_removed_widget_leaves_nothing(controls):
    """No listener, no timer, and Python is told that nobody looks any more."""
    mounted = controls(standing("running", live=True))
    mounted.remove()
    mounted.frame()
    assert (0, "hidden") == (mounted.listeners, mounted.sent[-1]["kind"])


@pytest.mark.parametrize("width", [1080, 700, 420])
def test_nothing_sticks_out(controls, width):
    """At every width all buttons are inside."""
    mounted = controls(standing("running", holder="kernel 4711 on a laptop with a long name"), width=width)
    wide = "(e) => [...e.querySelectorAll('*')].every((c) => c.getBoundingClientRect().right <= e.getBoundingClientRect().right)"
    assert mounted.root.evaluate(wide)


def test_beside_a_side_bar_the_buttons_stand_in_one_line(controls):
    """At 847 pixels, what JupyterLab leaves of 1280, nothing wraps; a button keeps its whole name for a screen reader."""
    mounted = controls(standing("completed", at=7, steps=10_000, elapsed=65.0), width=847)
    boxes = [each.bounding_box() for each in mounted.root.locator("button[data-verb], .ng-clock").all()]
    assert 10 > max(box["y"] for box in boxes) - min(box["y"] for box in boxes)
    assert button(mounted, "Fork from step 7").is_visible()


def test_without_its_kernel_a_page_claims_nothing(controls):
    """After a restart nothing is said to run, no button acts, the clock stands, and what to do is written above."""
    mounted = controls(standing("running", live=True))
    mounted.lose_kernel()
    assert "its kernel is gone" == mounted.page.locator(".ng-word").text_content()
    assert [True] * 6 == [each.is_disabled() for each in mounted.page.locator("button[data-verb]").all()]
    assert 0 == mounted.page.locator(".ng-going").count()
    assert "run the cell again" in mounted.page.get_by_role("alert").first.inner_text()


def test_on_a_narrow_page_how_the_run_stands_has_a_line_of_its_own(controls):
    """At 566 pixels status, steps and time stand above the buttons, side by side, and the buttons in one line."""
    mounted = controls(standing("completed", elapsed=0.36), nodes=("discover", "read"), width=566)
    tells = [mounted.root.locator(f".ng-{part}").bounding_box() for part in ("word", "steps", "clock")]
    assert 4 > max(box["y"] for box in tells) - min(box["y"] for box in tells)
    assert all(
        tells[0]["y"] + 10 < each.bounding_box()["y"] for each in mounted.root.locator("button[data-verb]").all()
    )
