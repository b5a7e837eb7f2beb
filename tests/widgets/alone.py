"""A widget's page side alone: its ES module in a blank page of a real browser, with a stand-in for the kernel's models.

Owns the stand-in, in both senses: ``Mounted`` drives the page of one widget from plain state; with a real widget the
messages of both sides are carried over by ``pump``. Knows nothing of any one widget.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nbgraph.views.widgets.modules import module, stylesheet

# What JupyterLab and Notebook 7 say of everything in an output. It counts more than a single class, so a widget that
# leans on the browser's own look of these elements looks otherwise there: it stands here too, after the widget's rules.
NOTEBOOK = """
.jp-OutputArea-output dl, .jp-OutputArea-output dt, .jp-OutputArea-output dd { display: block; }
.jp-OutputArea-output dl { width: 100%; overflow: hidden; padding: 0; margin: 0; }
.jp-OutputArea-output dt { font-weight: bold; float: left; width: 20%; padding: 0; margin: 0; }
.jp-OutputArea-output dd { float: left; width: 80%; padding: 0; margin: 0; }
.jp-OutputArea-output pre { border: none; margin: 0; padding: 0; overflow: auto; word-break: break-all;
  overflow-wrap: break-word; white-space: pre-wrap; }
"""
# One model per widget, as anywidget hands it to `render`: get, set, on, off, send, save_changes, widget_manager.
# What a page may not know is not there, so that a widget which needs more fails here and not in one front end only.
STAND_IN = """async ([models, root, look, rules]) => {
  const made = new Map(), sent = [], views = new Set(), failed = [];
  const bytes = (text) => {
    const raw = atob(text), room = new Uint8Array(raw.length + 4);       // off by 4: real buffers are views too
    for (let i = 0; i < raw.length; i++) room[i + 4] = raw.charCodeAt(i);
    return new DataView(room.buffer, 4);
  };
  const manager = {
    get_model: async (id) => { if (!made.has(id)) throw new Error(`no model ${id}`); return made.get(id); },
    create_view: async (model) => {
      const el = document.createElement('div'), abort = new AbortController();
      const url = URL.createObjectURL(new Blob([model.esm], { type: 'text/javascript' }));
      const widget = (await import(url)).default;
      URL.revokeObjectURL(url);
      if (model.css && !document.getElementById(model.kind)) {
        const sheet = document.createElement('style');
        sheet.id = model.kind; sheet.textContent = model.css; document.head.append(sheet);
      }
      const cleanup = await widget.render({ model, el, signal: abort.signal });
      const view = { el, model, remove() { views.delete(view); abort.abort(); cleanup?.(); el.remove(); } };
      views.add(view);
      return view;
    },
  };
  for (const [id, { state, esm, css, kind }] of Object.entries(models)) {
    const listeners = new Map();
    const model = {
      esm, css, kind, state, listeners, widget_manager: manager,
      get: (key) => state[key],
      set: (key, value) => { state[key] = value; },
      save_changes: () => { throw new Error('a page writes no traits'); },
      send: (content) => {
        if ('view_id' in state) throw new Error('a page speaks through the channel');
        sent.push({ by: id, content });
      },
      on: (names, f) => names.split(' ').forEach((name) => listeners.set(name, [...(listeners.get(name) ?? []), f])),
      off: (names, f) => names.split(' ').forEach((name) =>
        listeners.set(name, (listeners.get(name) ?? []).filter((other) => other !== f))),
      fire: (name, ...facts) => (listeners.get(name) ?? []).slice().forEach((f) => f(...facts)),
      take: (news) => {                                                  // all written, then told, as a real model does
        Object.assign(state, news);
        Object.keys(news).forEach((key) => model.fire('change:' + key));
        model.fire('change');
      },
      hear: (content, buffers) => model.fire('msg:custom', content, buffers.map(bytes)),
    };
    made.set(id, model);
  }
  addEventListener('unhandledrejection', (event) => failed.push(String(event.reason)));
  document.body.style.margin = '0';
  document.body.dataset.jpThemeLight = look.theme === 'dark' ? 'false' : 'true';
  document.body.style.background = look.theme === 'dark' ? '#111' : '#fff';
  document.body.className = 'jp-OutputArea-output';
  const view = await manager.create_view(made.get(root));
  const notebook = document.createElement('style');
  notebook.textContent = rules;
  document.head.append(notebook);
  document.body.append(view.el);
  window.alone = { made, sent, failed, view, views };
}"""


class Mounted:
    """A widget in a page. ``root`` finds things in it; traits and messages go in, what it says comes out."""

    def __init__(self, page: Any, widget: Any, models: Mapping[str, Any], root: str, theme: str) -> None:
        self.page, self.widget, self.name = page, widget, root
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.evaluate(STAND_IN, [models, root, {"theme": theme}, NOTEBOOK])
        self.root = page.locator(".ng").first

    def set(self, **traits: Any) -> None:
        """Have Python write traits."""
        page = "([name, news]) => alone.made.get(name).take(news)"
        self.page.evaluate(page, [self.name, traits])

    def message(self, content: Any, buffers: Sequence[bytes] = ()) -> None:
        """Have Python send a message to the widget."""
        packed = [base64.b64encode(buffer).decode() for buffer in buffers]
        page = "([name, content, buffers]) => alone.made.get(name).hear(content, buffers)"
        self.page.evaluate(page, [self.name, content, packed])

    @property
    def sent(self) -> list[dict[str, Any]]:
        """What the page said on the channel so far, oldest first, without whom it is to."""
        page = "() => alone.sent.map(({ content }) => content)"
        return [{key: value for key, value in said.items() if key != "to"} for said in self.page.evaluate(page)]

    @property
    def listeners(self) -> int:
        """How many listeners the widget's models have now."""
        page = "() => [...alone.made.values()].flatMap((model) => [...model.listeners.values()].flat()).length"
        return self.page.evaluate(page)

    def frame(self) -> None:
        """Let the page draw what it has in mind."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def elements(self) -> list[str]:
        """Return the names of all elements of the widget, as a document has them."""
        return self.page.evaluate("() => [...alone.view.el.querySelectorAll('*')].map((e) => e.localName)")

    def lose_kernel(self) -> None:
        """Have the kernel go away, as a restart does: notebooks tell every model."""
        self.page.evaluate("() => { for (const model of alone.made.values()) model.fire('comm_live_update'); }")

    def remove(self) -> None:
        """Take the widget off the page, as a cell that is cleared does."""
        self.page.evaluate("() => alone.view.remove()")

    def shot(self, path: Path | str) -> None:
        """Write a picture of the page as it is."""
        self.frame()
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(path), full_page=True)


class Pair(Mounted):
    """A real widget and its page. Nothing is carried over by itself: ``pump`` does it, both ways, until it is quiet."""

    def __init__(self, page: Any, widget: Any, wire: Any, theme: str) -> None:
        self._wire, self._heard = wire, 0
        self._told = len(wire.messages)
        models = {each.model_id: real(each) for each in below(widget)}
        super().__init__(page, widget, models, widget.model_id, theme)

    def pump(self) -> None:
        """Carry over what both sides said since the last time."""
        self._page_to_kernel()
        news, self._told = self._wire.messages[self._told :], len(self._wire.messages)
        for told in news:
            data = told.data
            if data.get("method") == "custom":
                packed = [base64.b64encode(buffer).decode() for buffer in told.buffers]
                page = "([name, content, buffers]) => alone.made.get(name)?.hear(content, buffers)"
                self.page.evaluate(page, [told.comm, data["content"], packed])
            elif data.get("method") == "update":
                page = "([name, news]) => alone.made.get(name)?.take(news)"
                self.page.evaluate(page, [told.comm, data["state"]])
        self.frame()

    def _page_to_kernel(self) -> None:
        said = self.page.evaluate("() => alone.sent")[self._heard :]
        self._heard += len(said)
        channel = self.widget.channel
        for told in said:
            channel._handle_custom_msg(told["content"], [])


def below(widget: Any) -> Iterator[Any]:
    """Yield a widget, its channel and its children."""
    yield widget
    if hasattr(widget, "channel"):
        yield widget.channel
    for child in getattr(widget, "children", ()):
        yield from below(child)


def real(widget: Any) -> dict[str, Any]:
    """Return what the page is given of a real widget."""
    state = widget.get_state()
    esm, css = state.pop("_esm", ""), state.pop("_css", "")
    return {"state": state, "esm": esm, "css": css, "kind": state.get("_anywidget_id", "")}


def plain(name: str, css: str, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the models of a page side that has no Python side here: the module ``name`` and its channel."""
    own = {"view_id": "view", "channel": "IPY_MODEL_channel", **state}
    esm = name if "export default" in name else module(name)
    sheet = css if "{" in css else stylesheet(*css.split())
    return {
        "widget": {"state": own, "esm": esm, "css": sheet, "kind": name},
        "channel": {"state": {}, "esm": module("channel"), "css": "", "kind": "channel"},
    }
