// What all widgets share on the page. Text only ever becomes a text node: no markup is parsed here.

const SVG = "http://www.w3.org/2000/svg";

// el("button", { class: "go", title: "Run", onclick: f, data: { kind: "run" } }, "text", child, ...)
export function el(name, attributes, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function svg(name, attributes, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "data") Object.assign(element.dataset, value);
    else if (key === "text") element.textContent = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

// The widget's way to Python: a message for this view, on the channel that only the browser writes.
// Messages that come before the channel is there are sent when it is, in order. With a signal, Python learns when
// the view is off the page, so that it need not publish what nobody sees.
export function sender(model, signal) {
  const reference = model.get("channel") ?? "";
  const to = model.get("view_id");
  const channel = model.widget_manager.get_model(reference.replace("IPY_MODEL_", ""));
  let last = Promise.resolve();
  const say = (kind, facts = {}) => {
    last = last.then(() => channel).then((found) => found.send({ ...facts, to, kind }))
      .catch(() => {});   // the kernel is gone: the page keeps what it has
    return last;
  };
  if (signal) {
    keepKeys(signal);
    say("shown");
    signal.addEventListener("abort", () => say("hidden"), { once: true });
  }
  return say;
}

// Plain keys are the widget's while the focus is in it, and not a notebook's short-cuts: Notebook 7 takes keys before any
// element sees them, except from one that asks it not to. Ctrl+S and its like, and Shift+Enter, stay the notebook's.
function keepKeys(signal) {
  addEventListener("keydown", ({ target, key, ctrlKey, metaKey, altKey, shiftKey }) => {
    if (ctrlKey || metaKey || altKey || (shiftKey && key === "Enter") || !target.closest?.(".ng")) return;
    target.dataset.lmSuppressShortcuts = "true";
    setTimeout(() => delete target.dataset.lmSuppressShortcuts);
  }, { capture: true, signal });
}

// Calls `draw` at the next frame, once, however often it was asked for until then.
export function coalesced(draw, signal) {
  let asked = 0;
  const ask = () => { if (!asked) asked = requestAnimationFrame(() => { asked = 0; draw(); }); };
  signal?.addEventListener("abort", () => cancelAnimationFrame(asked));
  return ask;
}

// Listens to traits and messages of the model until the view is gone.
export function listen(model, signal, names, handler) {
  model.on(names, handler);
  signal.addEventListener("abort", () => model.off(names, handler));
}

const KERNEL_GONE = "The kernel that showed this is gone. Below is what it said last; run the cell again for what is so now.";

// A page outlives its kernel: what stands there may not be so any more. Says so above the widget, once for a whole dashboard,
// and calls `act`. Notebooks tell a model when its kernel restarts; from a new kernel come new models.
export function whenGone(model, host, signal, act = () => {}) {
  const note = el("div", { class: "ng ng-gone", role: "alert", text: KERNEL_GONE });
  listen(model, signal, "comm_live_update", () => {
    if (!host.closest(".ng-dash")) host.prepend(note);
    act();
  });
}
