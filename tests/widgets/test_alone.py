"""The stand-in for a notebook's page: what it lets a widget do, and what it does not."""

from __future__ import annotations

import pytest

PAGE = """
import { el, sender, listen } from "./dom.js";

function render({ model, el: root, signal }) {
  const said = el("b", { class: "said" });
  const say = sender(model);
  const draw = () => { said.textContent = model.get("word"); };
  listen(model, signal, "change:word", draw);
  listen(model, signal, "msg:custom", (told, buffers) => {
    said.textContent = `${told.kind} ${new Float64Array(buffers[0].buffer.slice(buffers[0].byteOffset))[0]}`;
  });
  root.append(el("div", { class: "ng" }, said, el("button", { onclick: () => say("go", { n: 1 }) }, "Go")));
  draw();
}
export default { render };
"""


@pytest.fixture
def mounted(mount):
    """A small widget that uses everything."""
    from nbgraph.views.widgets.modules import joined

    return mount(joined(PAGE), "", {"word": "one"})


def test_traits_reach_the_page(mounted):
    """A trait that Python writes is on the page at once."""
    assert "one" == mounted.root.locator(".said").text_content()
    mounted.set(word="two")
    assert "two" == mounted.root.locator(".said").text_content()


def test_messages_reach_the_page_with_their_buffers(mounted):
    """A message brings its buffers as views at any offset, as a real front end does."""
    import struct

    mounted.message({"kind": "number"}, [struct.pack("<d", 2.5)])
    assert "number 2.5" == mounted.root.locator(".said").text_content()


def test_what_the_page_says_comes_back(mounted):
    """A page speaks through the channel; the address is the harness's business."""
    mounted.page.get_by_role("button", name="Go").click()
    assert [{"kind": "go", "n": 1}] == mounted.sent


def test_a_removed_widget_listens_to_nothing(mounted):
    """A widget that is taken off the page leaves no listener on any model."""
    assert 2 == mounted.listeners
    mounted.remove()
    assert (0, 0) == (mounted.listeners, mounted.page.locator(".ng").count())


@pytest.mark.parametrize("saboteur", ["model.save_changes()", 'model.send({ kind: "go" })'])
def test_a_page_that_writes_traits_or_its_own_comm_is_noticed(page, saboteur: str):
    """Only Python writes a view: a page that tries to fails here."""
    from tests.widgets.alone import Mounted, plain

    broken = plain(f"export default {{ render({{ model }}) {{ {saboteur}; }} }};", ".ng {}", {})
    with pytest.raises(Exception, match="a page"):
        Mounted(page, None, broken, "widget", "light")
