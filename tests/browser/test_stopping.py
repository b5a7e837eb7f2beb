"""The stop button of a notebook, and Run All."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.acts import CHAIN, SETUP

pytestmark = pytest.mark.slow

WAITS = {
    "run": "engine.run(run_id='one')",
    "await run": "await engine.start(run_id='one')",
    "run.wait()": "engine.start(run_id='one').wait()",
}


@pytest.mark.parametrize("app", ["lab"])
@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
def test_stop_frees_the_cell_and_says_how_to_go_on(notebook, wait):
    """Pressing stop ends a waiting cell at once, with the words to resume; then the run completes."""
    shown = "import IPython.display as shown\nshown.display('waits')\n"
    lab = notebook(SETUP, CHAIN, shown + wait, "go.set()\nengine.resume('one').state['log']")
    lab.run_cells(0, 1)
    lab.start_cell(2)
    expect(lab.output(2)).to_contain_text("waits")
    lab.kernel_is("busy")
    # The kernel's share is 0.5 s at most (tests/engine/test_waiting.py); here page and server have theirs, beside other tests.
    assert lab.press_stop(2) < 3.0
    assert "nothing is lost: engine.resume('one') goes on" in lab.raised(2)
    assert "['first', 'held', 'last']" in lab.run_cell(3)
    lab.assert_clean()


FORMS = [
    SETUP + "%load_ext nbgraph",
    CHAIN + "go.set()",
    "blocked = engine.run(run_id='blocked')\nblocked",
    "started = engine.start(run_id='started')\nstarted.view()",
    "(await started).state['log']",
    "waited = engine.start(run_id='waited')\nwaited.wait().status",
    "awaited = await engine.arun(run_id='awaited')\nng.dashboard(awaited)",
    "half = engine.run(run_id='half', before='last')\nassert half.status == 'paused'\nhalf.step().status",
    "engine.replay('blocked')",
    "forked = engine.fork('blocked', step=1, update={'x': 5})\nblocked.diff(forked)",
    "%graph cells --state Log --store :memory:",
    '%%node only\nprint("in a node")\nreturn {"log": "only"}',
    "%ng run --id magic",
    "%ng start --id again\n%ng wait",
    "%ng runs",
    "%ng fork --step 0",
    "engine.browser()",
    "engine.inbox_form()",
    "print('the last cell', [each.status for each in (blocked, started, waited, awaited, half, forked)])",
]


def test_run_all_over_every_form_finishes(notebook):
    """A notebook that uses every way to run, wait, resume, replay, fork and look runs from end to end by Run All."""
    lab = notebook(*FORMS)
    lab.run_all()
    assert "" == "".join(lab.raised(i) for i in range(len(FORMS)))
    assert f"the last cell {['completed'] * 6}" == lab.shown(len(FORMS) - 1).strip()
    lab.assert_clean()
