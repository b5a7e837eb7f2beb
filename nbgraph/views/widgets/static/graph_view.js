// The graph of a run, or by itself: coloured as it happens; click or press Enter for a node's card.
import { coalesced, el, listen, sender, whenGone } from "./dom.js";
import { icon } from "./icons.js";
import { grow, paint } from "./drawing.js";
import { camera } from "./camera.js";
import { cardOf } from "./card.js";

const TALLEST = 640, LOWEST = 120, GUTTER = 11;

function render({ model, el: host, signal }) {
  const say = sender(model, signal);
  const keyed = new Map();
  let nodes = new Map(), focused = "";

  const title = el("b", { class: "ng-title" }), state = el("span", { class: "ng-state" });
  const back = el("button", { type: "button", class: "ng-back", text: "Back to the latest", hidden: true, onclick: () => say("cursor", { step: null }) });
  const stage = el("div", { class: "ng-stage" });
  const note = el("div", { class: "ng-graph-note", role: "alert", hidden: true });
  const look = camera(stage, signal);
  const tool = (name, label, act) => el("button", { type: "button", class: "ng-tool", title: label, "aria-label": label, onclick: act }, icon(name));
  const tools = el("div", { class: "ng-tools" },
    tool("plus", "Zoom in (+)", () => look.zoom(1.25)), tool("minus", "Zoom out (-)", () => look.zoom(0.8)), tool("fit", "Fit (0)", () => look.fit()));
  const card = cardOf({ close: () => choose(""), stop: (node) => say("stop", { node }), go: (step) => say("cursor", { step }) });
  const body = el("div", { class: "ng-body" }, el("div", { class: "ng-frame" }, stage, tools), card.element);
  const root = el("div", { class: "ng ng-graph-view" }, el("div", { class: "ng-head-line" }, title, state, back), note, body);
  host.replaceChildren(root);
  whenGone(model, host, signal);

  // -- drawing

  function draw() {
    const { tree, width, height } = model.get("drawing");
    if (!tree) return;
    keyed.clear();
    const picture = grow(tree, keyed);
    picture.setAttribute("role", "group");
    stage.replaceChildren(picture);
    nodes = new Map([...picture.querySelectorAll("[data-node]")].map((node) => [node.dataset.node, node]));
    for (const node of nodes.values()) { node.setAttribute("role", "button"); node.setAttribute("tabindex", "-1"); }
    focusable(nodes.has(focused) ? focused : nodes.keys().next().value ?? "");
    root.style.setProperty("--ng-wanted", `${wanted(width, height)}px`);
    look.show(picture, width, height);
    colour();
    mark();
  }

  // As high as the drawing needs at this width, within reason and within the window; a dashboard gives its own height.
  function wanted(width, height) {
    const room = Math.max(1, stage.clientWidth - 20);
    return Math.round(Math.min(TALLEST, 0.8 * innerHeight, Math.max(LOWEST, height * Math.min(1, room / width) + 20)));
  }

  function colour() {
    paint(keyed, model.get("whole"));
    paint(keyed, model.get("since"));
  }

  function heading() {
    const head = model.get("head");
    const past = head.at >= 0;
    title.textContent = head.title ?? "";
    state.dataset.status = head.status ?? "";
    const steps = head.steps === 1 ? "1 step" : `${head.steps ?? 0} steps`;
    state.textContent = head.nodes !== undefined ? `${head.nodes} nodes` : past ? `as of step ${head.at} of ${head.steps}` : `run ${head.run} · ${steps}`;
    back.hidden = !past;
    root.classList.toggle("ng-stoppable", Boolean(head.stoppable));
    note.hidden = !head.note;
    note.textContent = head.note ?? "";
  }

  // -- choosing

  function choose(name) {
    focusable(name || focused);
    say("card", { node: name });
    if (!name) nodes.get(focused)?.focus({ preventScroll: true });
  }

  function mark() {
    const chosen = model.get("card").node ?? "";
    for (const [name, node] of nodes) node.toggleAttribute("data-chosen", name === chosen);
    body.classList.toggle("ng-with-card", chosen !== "");
    card.show(model.get("card"), model.get("head").stoppable);
  }

  // One node can be tabbed to; the arrows go on from there.
  function focusable(name) {
    nodes.get(focused)?.setAttribute("tabindex", "-1");
    focused = name;
    nodes.get(name)?.setAttribute("tabindex", "0");
  }

  function move(name) {
    const node = nodes.get(name);
    if (!node) return;
    focusable(name);
    look.reveal(node.getBBox());
    node.focus({ preventScroll: true });
  }

  stage.addEventListener("focusin", (event) => {
    const node = event.target.closest("[data-node]");
    if (node && node.dataset.node !== focused) focusable(node.dataset.node);
  }, { signal });

  stage.addEventListener("click", (event) => {
    const node = event.target.closest("[data-node]");
    if (!node) return;
    const name = node.dataset.node;
    node.focus({ preventScroll: true });
    if (model.get("head").stoppable && inGutter(node, look.at(event))) say("stop", { node: name });
    else choose(model.get("card").node === name ? "" : name);
  }, { signal });

  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && model.get("card").node) { event.preventDefault(); event.stopPropagation(); choose(""); return; }
    if (!event.target.closest(".ng-stage, .ng-tools")) return;
    const name = event.target.closest("[data-node]")?.dataset.node;
    const act = keys(name)[event.key];
    if (act) { event.preventDefault(); event.stopPropagation(); act(); }   // a notebook has keys of its own
  }, { signal });

  function keys(name) {
    const all = { "+": () => look.zoom(1.25), "=": () => look.zoom(1.25), "-": () => look.zoom(0.8), 0: () => look.fit() };
    if (name === undefined) return all;
    const to = (dx, dy) => () => move(next(name, dx, dy));
    return {
      ...all, ArrowDown: to(0, 1), ArrowUp: to(0, -1), ArrowLeft: to(-1, 0), ArrowRight: to(1, 0),
      Enter: () => choose(name), " ": () => choose(name),
      b: () => { if (model.get("head").stoppable) say("stop", { node: name }); },
    };
  }

  // The next node that way: along an edge if one leads there, else the nearest one.
  function next(name, dx, dy) {
    const here = middleOf(nodes.get(name));
    const linked = neighbours(name);
    let best = "", least = Infinity;
    for (const [other, node] of nodes) {
      const there = middleOf(node), ahead = (there.x - here.x) * dx + (there.y - here.y) * dy;
      if (other === name || ahead < 4) continue;
      const aside = Math.abs((there.x - here.x) * dy) + Math.abs((there.y - here.y) * dx);
      if (aside > 3 * ahead && !(linked.has(other) && dy)) continue;
      const far = ahead + 2 * aside - (linked.has(other) && dy ? 1e5 : 0);
      if (far < least) [best, least] = [other, far];
    }
    return best;
  }

  function neighbours(name) {
    const found = new Set(), { links = [] } = model.get("drawing");
    for (const [src, dst] of links) { if (src === name) found.add(dst); if (dst === name) found.add(src); }
    return found;
  }

  listen(model, signal, "change:drawing", draw);
  listen(model, signal, "change:whole change:since", coalesced(colour, signal));
  listen(model, signal, "change:head", () => { heading(); mark(); });
  listen(model, signal, "change:card", mark);
  const sized = new ResizeObserver(() => {
    const { width, height } = model.get("drawing");
    if (width) root.style.setProperty("--ng-wanted", `${wanted(width, height)}px`);
  });
  sized.observe(body);
  signal.addEventListener("abort", () => sized.disconnect());
  heading();
  draw();
}

const middleOf = (node) => { const box = node.getBBox(); return { x: box.x + box.width / 2, y: box.y + box.height / 2 }; };

// The corner of a node's box where a breakpoint is set and taken away.
function inGutter(node, { x, y }) {
  const box = node.querySelector(".ng-box").getBBox();
  return x < box.x + GUTTER && y < box.y + GUTTER;
}

export default { render };
