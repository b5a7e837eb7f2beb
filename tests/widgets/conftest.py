"""What tests of widgets share: a browser, a blank page, a widget in it, and a wire in place of a kernel's comms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.widgets.alone import ARGS, CHROMIUM, Mounted, Pair, plain
from tests.widgets.wire import Wire, laid


# Scope "module", not "session": while Playwright's sync API is open its event loop counts as running in this
# thread, and asyncio.run() in any other test of the process fails. Opening it again costs about a second.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium; without one the tests that need it are left out."""
    sync_api = pytest.importorskip("playwright.sync_api")
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no browser at {CHROMIUM}; set CHROMIUM=/path/to/chromium")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS, headless=True)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def _context(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1080, "height": 760}, reduced_motion="reduce")
    context.set_default_timeout(5_000)
    yield context
    context.close()


@pytest.fixture
def page(_context: Any) -> Iterator[Any]:
    """A blank page; what it logs as an error fails the test."""
    page = _context.new_page()
    yield page
    page.close()


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """All that widgets send from now on."""
    return laid(monkeypatch)


@pytest.fixture
def mount(page: Any, request: pytest.FixtureRequest) -> Iterator[Callable[..., Mounted]]:
    """``mount("graph_view", state={...})`` or ``mount(widget)``: put a widget in the page, looked after until the end."""
    mounted: list[Mounted] = []

    def put(
        what: Any,
        css: str | None = None,
        state: Mapping[str, Any] | None = None,
        *,
        theme: str = "light",
        width: int | None = None,
    ) -> Mounted:
        if width is not None:
            page.set_viewport_size({"width": width, "height": 760})
        if isinstance(what, str):
            one = Mounted(page, None, plain(what, what if css is None else css, state or {}), "widget", theme)
        else:
            one = Pair(page, what, request.getfixturevalue("wire"), theme)
        mounted.append(one)
        return one

    yield put
    for one in mounted:
        assert [] == [*one.problems, *page.evaluate("() => window.alone?.failed ?? []")]
