"""What tests of widgets share: a browser, a blank page, a widget in it, and a wire in place of a kernel's comms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from nbgraph.views.widgets import scene
from tests.chromium import PATIENCE, opened
from tests.widgets.alone import Mounted, Pair, plain
from tests.widgets.wire import Wire, laid

browser = pytest.fixture(scope="module")(opened)


@pytest.fixture(scope="module")
def _context(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1080, "height": 760}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
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
    """All that widgets send from now on. They are updated more often than people need, so that tests are quick."""
    monkeypatch.setattr(scene, "TICK", 0.01)
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
        one.frame()  # it learns its size with the first frame, as a person never sees it without
        mounted.append(one)
        return one

    yield put
    for one in mounted:
        assert [] == [*one.problems, *page.evaluate("() => window.alone?.failed ?? []")]
