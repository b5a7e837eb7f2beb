// The timeline of a run: spans on a canvas, axis and cursor over it, and a scrubber that moves the cursor.
import { coalesced, el, listen, sender, whenGone } from "./dom.js";
import { icon } from "./icons.js";
import { playerOf, showFork } from "./timeline_acts.js";
import { axisOf, gapsOf } from "./timeline_axis.js";
import { paint, themeOf } from "./timeline_paint.js";
import { SpanTable } from "./timeline_spans.js";
import { tipOf } from "./timeline_tip.js";

const TALL = 300, LEAST = 1e-7;

function render({ model, el: host, signal }) {
  const say = sender(model, signal);
  let table = new SpanTable(), open = new SpanTable();
  let names = [], notes = new Map(), order = [], lanes = [], height = 0;
  let facts = { folds: [], labels: [], end: 0, latest: 0, status: "", going: false, axis: model.get("axis"), by: model.get("by") };
  let heard = performance.now(), shown = null;      // shown: [from, to] when a person zoomed, null: all of it
  let cursor = model.get("at"), theme = null, moved = -Infinity;

  // -- what there is to see

  const canvas = el("canvas", { class: "ng-tl-canvas", "aria-hidden": "true" });
  const lane_names = el("div", { class: "ng-tl-names" });
  const inner = el("div", { class: "ng-tl-inner" }, lane_names, canvas);
  const scroller = el("div", { class: "ng-tl-scroller" }, inner);
  const line = el("div", { class: "ng-tl-cursor" });
  const gaps = el("div", { class: "ng-tl-gaps", "aria-hidden": "true" });
  const axis = el("div", { class: "ng-tl-axis", "aria-hidden": "true" });
  const tip = el("div", { class: "ng-tl-tip", role: "tooltip", hidden: true });
  const plot = el("div", { class: "ng-tl-plot", tabindex: "0", role: "group", "aria-label": "Spans of the run. Left and right move by step, plus and minus zoom, zero fits." }, gaps, scroller, line, tip);
  const range = el("input", { type: "range", class: "ng-tl-range", min: "0", max: "0", step: "1", value: "0", "aria-label": "Step" });
  const where = el("output", { class: "ng-tl-where" });
  const play = button("Play", "resume", () => toggle());
  const live = el("button", { type: "button", class: "ng-tl-live", title: "Follow the latest step", "aria-pressed": "true", text: "Latest", onclick: () => go(null) });
  const by = choice("Lanes", [["node", "by node"], ["branch", "by branch"]], (value) => say("by", { value }));
  const on = choice("Axis", [["time", "on time"], ["order", "in order"]], (value) => { shown = null; say("axis", { value }); });
  const fork = el("button", { type: "button", class: "ng-tl-fork", onclick: () => forkHere() }, icon("fork"), el("span", { text: "Fork" }));
  const note = el("div", { class: "ng-tl-note", role: "status", hidden: true });
  const zoom = el("div", { class: "ng-tl-group ng-tl-zoom" }, button("Zoom out", "minus", () => zoomed(0.5)), button("Zoom in", "plus", () => zoomed(2)), button("Show all", "fit", () => fit()));
  const root = el("div", { class: "ng ng-timeline", role: "region", "aria-label": `Timeline of run ${model.get("run_id")}` },
    el("div", { class: "ng-tl-head" }, el("div", { class: "ng-tl-group" }, play, live), where, el("div", { class: "ng-tl-group ng-tl-right" }, by, on), zoom, fork),
    plot, axis, el("div", { class: "ng-tl-foot" }, range), note);
  host.replaceChildren(root);
  whenGone(model, host, signal, () => { facts = { ...facts, end: now(), going: false }; ask(); });

  function button(label, name, act) {
    return el("button", { type: "button", class: "ng-tl-icon", title: label, "aria-label": label, onclick: act }, icon(name));
  }
  function choice(label, options, act) {
    const select = el("select", { "aria-label": label, title: label }, options.map(([value, text]) => el("option", { value, text })));
    select.addEventListener("change", () => act(select.value));
    return select;
  }

  // -- what Python sends

  function hear(message, buffers) {
    if (message.kind !== "whole" && message.kind !== "more") return;
    if (message.kind === "whole") { table = new SpanTable(); names = []; notes = new Map(); order = []; }
    else if (message.first !== table.length || message.axis !== facts.axis) { say("hello"); return; }
    table.append(buffers.slice(0, 3));
    open = new SpanTable();
    open.append(buffers.slice(3, 6));
    names.length = message.named;
    names.push(...message.names);
    for (const [place, text] of message.notes) notes.set(place, text);
    facts = { ...message, labels: message.labels ?? facts.labels };
    heard = performance.now();
    arrange(message.kind === "whole");
    by.value = message.by;
    on.value = message.axis;
    range.max = String(message.latest);
    ask();
  }

  // The place of each lane: by where it begins when all are new, else behind those that are there.
  function arrange(whole) {
    const count = Math.max(table.heights.length, open.heights.length);
    const begin = (lane) => Math.min(table.begins[lane] ?? Infinity, open.begins[lane] ?? Infinity);
    const placed = new Set(order), fresh = [...Array(count).keys()].filter((lane) => !placed.has(lane));
    if (whole && facts.axis === "time") fresh.sort((one, other) => begin(one) - begin(other) || one - other);
    order.push(...fresh);
    lanes = [];
    let y = 0;
    for (const lane of order) {
      const rows = Math.max(table.heights[lane] ?? 1, open.heights[lane] ?? 1);
      const row = rows <= 6 ? 16 : rows <= 10 ? 11 : rows <= 20 ? 7 : 5;
      lanes[lane] = { y: y + 4, row, rows, height: rows * row + 8 };
      y += lanes[lane].height;
    }
    height = Math.max(y, 24);
    label();
  }

  function label() {
    while (lane_names.children.length > order.length) lane_names.lastChild.remove();
    while (lane_names.children.length < order.length) lane_names.append(el("div", { class: "ng-tl-name" }));
    order.forEach((lane, turn) => {
      const name = lane_names.children[turn], text = facts.labels[lane] ?? "";
      if (name.textContent !== text) { name.textContent = text; name.title = text; }
      name.style.height = `${lanes[lane].height}px`;
    });
    inner.style.height = `${height}px`;
    scroller.style.height = `${Math.min(height, TALL)}px`;
  }

  // -- where things are

  const now = () => facts.end + (facts.going && facts.axis === "time" ? (performance.now() - heard) / 1000 : 0);
  function stretch() {
    const last = Math.max(table.last, now(), LEAST), rest = open.length && !facts.going ? last * 0.05 + 0.01 : last * 0.01;
    return shown ?? [0, last + rest];
  }
  function view() {
    const [t0, t1] = stretch(), width = canvas.clientWidth || 1;
    const end = facts.going ? now() : Math.max(table.last, facts.end) * 1.05 + 0.01;
    return { t0, t1, width, scale: width / (t1 - t0), top: scroller.scrollTop, bottom: scroller.clientHeight, lanes, now: end, named: facts.by === "branch", names };
  }
  function timeOf(step) {
    if (step === null) return facts.going ? now() : Math.max(table.last, 0);
    const place = table.ends.get(step);
    return place === undefined ? 0 : table.end(place);
  }

  function draw() {
    const ratio = devicePixelRatio || 1, tall = Math.min(height, TALL), broad = scroller.clientWidth - lane_names.offsetWidth;
    if (broad < 20) return;
    if (canvas.width !== Math.round(broad * ratio) || canvas.height !== Math.round(tall * ratio)) {
      canvas.width = Math.round(broad * ratio);
      canvas.height = Math.round(tall * ratio);
      canvas.style.width = `${broad}px`;
      canvas.style.height = `${tall}px`;
    }
    theme ??= themeOf(root);
    const pen = canvas.getContext("2d"), seen = view();
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, broad, tall);
    const left = lane_names.offsetWidth;
    axis.style.setProperty("--ng-tl-left", `${left}px`);
    axisOf(axis, pen, facts, seen, theme, left, tall);
    paint(pen, table, open, seen, theme);
    gapsOf(gaps, facts, seen, left);
    const x = (timeOf(cursor) - seen.t0) * seen.scale;
    line.hidden = x < -1 || x > seen.width + 1;
    line.style.transform = `translateX(${Math.round(left + Math.min(x, seen.width - 1))}px)`;
    stand();
  }
  const ask = coalesced(draw, signal);

  function stand() {
    const step = cursor ?? facts.latest, place = table.ends.get(step), node = place === undefined ? "" : names[table.name(place)];
    if (document.activeElement !== range || Number(range.value) !== step) range.value = String(step);
    const stands = cursor === null && !["", "completed", "running"].includes(facts.status) ? ` · run ${facts.status}` : "";
    where.textContent = step === 0 ? "the input" : `step ${step} of ${facts.latest}${node ? ` · ${node}` : ""}${stands}`;
    range.setAttribute("aria-valuetext", where.textContent);
    live.setAttribute("aria-pressed", String(cursor === null));
    const refused = model.get("refused");
    fork.setAttribute("aria-disabled", String(Boolean(refused)));
    fork.title = refused || "Start a new run that shares the past up to this step; this run is not touched";
    fork.lastChild.textContent = `Fork from ${step}`;
  }

  // -- moving

  let told, last = 0, waits = 0;
  function go(step) {
    cursor = step === null ? null : Math.max(0, Math.min(facts.latest, step));
    moved = performance.now();
    ask();
    const rest = 100 - (performance.now() - last);
    clearTimeout(waits);
    if (rest <= 0) tell(); else waits = setTimeout(tell, rest);
  }
  function tell() {
    last = performance.now();
    if (told !== cursor) { told = cursor; say("cursor", { value: cursor }); }
  }
  function stepped(steps) { stop(); go((cursor ?? facts.latest) + steps); }

  // Another view's step. While this one moves, what it said itself comes back late: that is looked at afterwards.
  let later = 0;
  function adopt() {
    const rest = 400 - (performance.now() - moved);
    clearTimeout(later);
    if (rest > 0) { later = setTimeout(adopt, rest); return; }
    if (model.get("at") === cursor) return;
    told = cursor = model.get("at");
    ask();
  }

  const player = playerOf(play, () => [cursor ?? facts.latest, facts.latest], go);
  const stop = player.stop, toggle = player.toggle;

  function fit() { shown = null; ask(); }
  function zoomed(factor, x = canvas.clientWidth / 2) {
    const { t0, t1, scale } = view(), at = t0 + x / scale, whole = Math.max(table.last, now(), LEAST);
    const wide = Math.max(LEAST * 10, (t1 - t0) / factor);
    shown = wide >= whole * 1.2 ? null : [at - x / scale / factor, at - x / scale / factor + wide];
    ask();
  }
  function panned(pixels) {
    const { t0, t1, scale } = view(), whole = Math.max(table.last, now()), wide = t1 - t0;
    const from = Math.max(-wide / 2, Math.min(whole - wide / 2, t0 - pixels / scale));
    if (shown || Math.abs(pixels) > 0) shown = [from, from + wide];
    ask();
  }

  // -- the pointer

  function spot(event) {
    const box = canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top, seen = view();
    if (x < 0) return null;
    const lane = order.find((each) => y + seen.top >= lanes[each].y - 4 && y + seen.top < lanes[each].y - 4 + lanes[each].height);
    if (lane === undefined) return null;
    const inLane = y + seen.top - lanes[lane].y, row = Math.max(0, Math.min(lanes[lane].rows - 1, Math.floor(inLane / lanes[lane].row)));
    const time = seen.t0 + x / seen.scale, low = inLane - row * lanes[lane].row > lanes[lane].row * 0.65;
    for (const from of [open, table]) {
      const near = from === open ? Infinity : 4 / seen.scale;
      const place = from.find(lane, row, time, near, low);
      if (place >= 0 && (from !== open || time >= from.start(place))) return { from, place };
    }
    return null;
  }

  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    drag = { x: event.clientX, far: 0 };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drag) { hover(event); return; }
    const by = event.clientX - drag.x;
    drag.far += Math.abs(by);
    drag.x = event.clientX;
    if (drag.far > 3) { tip.hidden = true; root.classList.add("ng-tl-panning"); panned(by); }
  });
  canvas.addEventListener("pointerup", (event) => {
    const clicked = drag && drag.far <= 3;
    drag = null;
    root.classList.remove("ng-tl-panning");
    if (!clicked) return;
    const hit = spot(event);
    if (!hit) return;
    stop();
    go(hit.from.step(hit.place) || null);
  });
  canvas.addEventListener("pointercancel", () => { drag = null; root.classList.remove("ng-tl-panning"); });
  canvas.addEventListener("pointerleave", () => { tip.hidden = true; });
  function hover(event) {
    const hit = spot(event);
    canvas.style.cursor = hit ? "pointer" : "";
    tip.hidden = !hit;
    if (!hit) return;
    tip.replaceChildren(...tipOf(hit.from, hit.place, { facts, names, note: hit.from === table ? notes.get(hit.place) : "", now: now() }));
    const box = plot.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    tip.style.left = `${Math.max(4, Math.min(x + 12, box.width - tip.offsetWidth - 4))}px`;
    const low = root.getBoundingClientRect().bottom - event.clientY < tip.offsetHeight + 22;
    tip.style.top = `${low ? y - tip.offsetHeight - 8 : y + 16}px`;
  }
  plot.addEventListener("wheel", (event) => {
    if (event.ctrlKey || event.metaKey) zoomed(Math.exp(-event.deltaY / 300), event.clientX - canvas.getBoundingClientRect().left);
    else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) panned(-(event.deltaX || event.deltaY));
    else return;
    event.preventDefault();
  }, { passive: false });
  scroller.addEventListener("scroll", ask);

  // -- keys

  const KEYS = {
    ArrowLeft: () => stepped(-1), ArrowRight: () => stepped(1), Home: () => { stop(); go(0); }, End: () => { stop(); go(facts.latest); },
    PageUp: () => stepped(-10), PageDown: () => stepped(10), "+": () => zoomed(2), "=": () => zoomed(2), "-": () => zoomed(0.5), 0: fit, " ": toggle,
  };
  plot.addEventListener("keydown", (event) => {
    const act = event.ctrlKey || event.metaKey || event.altKey ? null : KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
  range.addEventListener("input", () => { stop(); go(Number(range.value)); });
  range.addEventListener("change", () => { clearTimeout(waits); tell(); });
  range.addEventListener("keydown", (event) => event.stopPropagation());

  // -- a fork

  function forkHere() {
    if (fork.getAttribute("aria-disabled") !== "true") say("fork", { value: cursor ?? facts.latest });
  }
  const showNote = () => showFork(note, model.get("note") ?? {}, () => say("dismiss"));

  // -- keeping up

  const repaint = () => { theme = null; ask(); };
  const themes = new MutationObserver(repaint);
  themes.observe(document.body, { attributes: true });
  themes.observe(root, { attributes: true, attributeFilter: ["data-theme"] });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", repaint, { signal });
  const sizes = new ResizeObserver(ask);
  sizes.observe(root);
  const ticking = setInterval(() => { if (facts.going && facts.axis === "time" && !document.hidden) ask(); }, 100);
  signal.addEventListener("abort", () => {
    themes.disconnect();
    sizes.disconnect();
    clearInterval(ticking);
    stop();
    clearTimeout(waits);
    clearTimeout(later);
  });
  listen(model, signal, "msg:custom", hear);
  listen(model, signal, "change:at", adopt);
  listen(model, signal, "change:note", showNote);
  listen(model, signal, "change:refused", ask);
  stop();
  showNote();
  stand();
  say("hello");
}

export default { render };
