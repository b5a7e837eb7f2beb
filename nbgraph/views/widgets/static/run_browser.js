// The runs of a store: all of them are here as plain lines, what is in sight is in the page.
import { el, sender, listen, whenGone } from "./dom.js";
import { shortDuration } from "./durations.js";
import { windowedRows, rowAfterKey } from "./rows.js";

const RUN_ROW = 30;
const RUN_COLUMNS = [
  ["id", "Run"], ["graph", "Graph"], ["status", "Status"], ["steps", "Steps"], ["created", "Created"], ["took", "Duration"], ["holder", "Driven by"],
];
const RUN_TIMES = [["", "any time"], ["3600", "last hour"], ["86400", "last 24 hours"], ["604800", "last 7 days"]];
const CAN_RESUME = new Set(["paused", "waiting", "failed", "cancelled", "interrupted"]);

function render({ model, el: root, signal }) {
  const say = sender(model, signal), looks = model.get("looks"), runs = new Map();
  whenGone(model, root, signal);
  const state = { sort: "created", down: true, chosen: "", sure: "", shown: [], known: false };

  const text = el("input", { type: "search", placeholder: "Search runs", "aria-label": "Search runs", class: "ng-runs-search" });
  const graph = el("select", { "aria-label": "Graph" }), status = el("select", { "aria-label": "Status" });
  const time = el("select", { "aria-label": "Created" }, RUN_TIMES.map(([value, name]) => el("option", { value }, name)));
  const count = el("span", { class: "faint ng-runs-count", "aria-live": "polite" });
  const heads = RUN_COLUMNS.map(([key, name]) => el("button", { type: "button", class: `ng-runs-head ng-runs-${key}`, role: "columnheader", onclick: () => sortBy(key) }, name));
  const list = windowedRows({
    height: RUN_ROW, most: 12 * RUN_ROW, signal, row: (item, place) => runRow(item, looks, item.run.id === state.chosen, `${state.grid}-${place}`),
    attributes: { role: "grid", "aria-label": "Runs", class: "ng-rows ng-runs-list" },
  });
  const empty = el("p", { class: "ng-runs-empty", hidden: true });
  const notice = el("p", { class: "ng-runs-notice", role: "status", hidden: true });
  const bar = el("div", { class: "ng-runs-bar", hidden: true });
  const slot = el("div", { class: "ng-runs-child" });
  state.grid = `runs-${model.get("view_id")}`;
  root.append(el("section", { class: "ng ng-runs", "aria-label": "Runs" },
    el("header", { class: "ng-runs-top" }, el("h3", {}, "Runs"), count, text, graph, status, time),
    el("div", { class: "ng-runs-table" }, el("div", { class: "ng-runs-heads", role: "row" }, heads), list.root, empty),
    bar, notice), slot);

  // -- which runs, in which order

  const draw = () => {
    state.shown = treeOf(wanted(), comparison(state.sort, state.down), runs);
    list.show(state.shown);
    list.root.setAttribute("aria-rowcount", state.shown.length);
    const of = state.shown.length === runs.size ? `${runs.size.toLocaleString("en")}` : `${state.shown.length.toLocaleString("en")} of ${runs.size.toLocaleString("en")}`;
    count.textContent = state.known && runs.size > 0 ? of : "";
    empty.hidden = state.shown.length > 0;
    list.root.hidden = state.shown.length === 0;
    empty.textContent = !state.known ? "Looking…" : runs.size === 0 ? "No runs in this store yet. One that is started shows here by itself."
      : "No run is like this. Change the filters above.";
    heads.forEach((head, place) => {
      const own = RUN_COLUMNS[place][0] === state.sort;
      head.setAttribute("aria-sort", own ? (state.down ? "descending" : "ascending") : "none");
    });
    mark();
    drawBar();
  };
  const wanted = () => {
    const words = text.value.trim().toLowerCase().split(/\s+/).filter((word) => word);
    const since = time.value === "" ? -Infinity : Date.now() / 1000 - Number(time.value);
    return [...runs.values()].filter((run) => (graph.value === "" || run.graph === graph.value)
      && (status.value === "" || run.status === status.value) && run.created >= since
      && words.every((word) => run.text.includes(word)));
  };
  const sortBy = (key) => {
    state.down = key === state.sort ? !state.down : key !== "id" && key !== "graph" && key !== "status";
    state.sort = key;
    draw();
  };
  const options = () => {
    const fill = (select, all, names) => {
      const values = [...names].sort();
      const same = values.length === select.options.length - 1 && values.every((value, place) => select.options[place + 1].value === value);
      if (same) return;
      const before = select.value;
      select.replaceChildren(el("option", { value: "" }, all), ...values.map((value) => el("option", { value }, value)));
      select.value = values.includes(before) ? before : "";
    };
    fill(graph, "all graphs", new Set([...runs.values()].map((run) => run.graph)));
    fill(status, "any status", new Set([...runs.values()].map((run) => run.status)));
  };
  for (const control of [text, graph, status, time]) control.addEventListener("input", () => { draw(); list.root.scrollTop = 0; });

  // -- the chosen one, and what can be done with it

  const choose = (id) => {
    if (state.chosen !== id) { state.chosen = id; state.sure = ""; list.again(); }
    mark();
    drawBar();
  };
  const mark = () => {
    const place = state.shown.findIndex((item) => item.run.id === state.chosen);
    if (place < 0) list.root.removeAttribute("aria-activedescendant");
    else list.root.setAttribute("aria-activedescendant", `${state.grid}-${place}`);
  };
  const drawBar = () => {
    const run = runs.get(state.chosen);
    bar.hidden = run === undefined;
    if (run === undefined) return;
    const act = (kind, name, can, why) => el("button", { type: "button", disabled: !can, title: can ? null : why, onclick: () => say(kind, { run: run.id }) }, name);
    const free = run.holder === "";
    const actions = state.sure === run.id
      ? [el("span", { class: "ng-runs-sure" }, `Delete ${run.id} for good, with its ${run.steps} steps?`),
        el("button", { type: "button", class: "ng-runs-delete", onclick: () => { state.sure = ""; say("delete", { run: run.id, sure: true }); drawBar(); } }, "Yes, delete it"),
        el("button", { type: "button", onclick: () => { state.sure = ""; drawBar(); list.root.focus(); } }, "Keep it")]
      : [act("open", "Open", true), act("resume", "Resume", free && CAN_RESUME.has(run.status), free ? `It is ${run.status}.` : `Driven by ${run.holder}.`),
        act("fork", "Fork", run.steps > 0, "It has no step yet."),
        el("button", { type: "button", disabled: !free, title: free ? null : `Driven by ${run.holder}.`, onclick: () => askTwice(run) }, "Delete…")];
    const origin = run.origin === "" ? "" : `a fork of ${run.origin} at step ${run.at}`;
    bar.replaceChildren(el("div", { class: "ng-runs-about" }, el("b", { text: run.id }), el("code", { text: `engine.open(${JSON.stringify(run.id)})` }),
      el("span", { class: "faint", text: [origin, run.error].filter((part) => part).join(" · ") })), el("div", { class: "ng-runs-actions" }, actions));
  };
  const askTwice = (run) => { state.sure = run.id; drawBar(); bar.querySelector(".ng-runs-actions button:last-child").focus(); };
  list.root.addEventListener("click", (event) => {
    const found = event.target.closest("[data-run]");
    if (found) choose(found.dataset.run);
  });
  list.root.addEventListener("dblclick", (event) => {
    const found = event.target.closest("[data-run]");
    if (found) say("open", { run: found.dataset.run });
  });
  list.root.addEventListener("keydown", (event) => {
    const place = state.shown.findIndex((item) => item.run.id === state.chosen);
    if (event.key === "Enter" && place >= 0) { event.preventDefault(); say("open", { run: state.chosen }); return; }
    if (event.key === "Delete" && place >= 0 && runs.get(state.chosen).holder === "") { event.preventDefault(); askTwice(runs.get(state.chosen)); return; }
    const to = rowAfterKey(event.key, place, state.shown.length, list.page());
    if (to < 0) return;
    event.preventDefault();
    choose(state.shown[to].run.id);
    list.reveal(to);
  });

  // -- what Python tells

  listen(model, signal, "msg:custom", (told) => {
    if (told.kind !== "runs") return;
    if (told.whole) runs.clear();
    told.gone.forEach((id) => runs.delete(id));
    told.rows.forEach((row) => { const run = runOf(row); runs.set(run.id, run); });
    state.known = true;
    options();
    draw();
  });
  const tell = () => {
    const told = model.get("notice");
    notice.hidden = !told.words;
    notice.textContent = told.words ?? "";
    notice.classList.toggle("ng-runs-refused", Boolean(told.refused));
  };
  listen(model, signal, "change:notice", tell);
  const open = () => showChild(model, slot, signal);
  listen(model, signal, "change:child", open);
  const clock = setInterval(() => list.again(), 30000);   // "3 min ago" grows old by itself
  signal.addEventListener("abort", () => clearInterval(clock));
  draw();
  tell();
  open();
  say("hello");
}

function runOf([id, graph, status, steps, created, updated, origin, at, holder, error]) {
  const text = `${id} ${graph} ${status} ${origin} ${holder} ${error}`.toLowerCase();
  return { id, graph, status, steps, created, took: updated - created, origin, at, holder, error, text };
}

function comparison(key, down) {
  const order = (one, other) => typeof one[key] === "number" ? one[key] - other[key] : one[key].localeCompare(other[key], "en", { numeric: true });
  return (one, other) => (down ? -order(one, other) : order(one, other)) || other.created - one.created;
}

// Forks stand below the run that they come from, if that is shown; the rest is sorted as wished.
function treeOf(wanted, order, runs) {
  const shown = new Set(wanted.map((run) => run.id)), forks = new Map(), roots = [];
  for (const run of wanted) {
    if (run.origin !== "" && shown.has(run.origin) && runs.get(run.origin) !== run) {
      if (!forks.has(run.origin)) forks.set(run.origin, []);
      forks.get(run.origin).push(run);
    } else roots.push(run);
  }
  const found = [], stack = roots.sort(order).reverse().map((run) => ({ run, depth: 0 }));
  while (stack.length) {
    const item = stack.pop();
    found.push(item);
    const below = (forks.get(item.run.id) ?? []).sort((one, other) => other.created - one.created);
    stack.push(...below.map((run) => ({ run, depth: item.depth + 1 })));
  }
  return found;
}

function runRow({ run, depth }, looks, chosen, id) {
  const [look, mark] = looks[run.status] ?? ["idle", ""];
  const cell = (key, ...children) => el("span", { class: `ng-runs-cell ng-runs-${key}`, role: "gridcell" }, ...children);
  const element = el("div", { class: "ng-runs-row", role: "row", id, data: { run: run.id }, "aria-selected": String(chosen) },
    cell("id", depth > 0 ? el("span", { class: "ng-runs-fork", "aria-hidden": "true" }, "↳ ") : run.origin === "" ? null : el("span", { class: "ng-runs-fork", title: `a fork of ${run.origin} at step ${run.at}` }, "↳ "), el("span", { text: run.id, title: run.id })),
    cell("graph", el("span", { text: run.graph, title: run.graph })),
    cell("status", el("span", { class: "ng-runs-chip", data: { look } }, el("span", { class: "ng-runs-mark", "aria-hidden": "true" }, mark), run.status)),
    cell("steps", String(run.steps)), cell("created", el("span", { text: whenText(run.created), title: new Date(run.created * 1000).toLocaleString() })),
    cell("took", run.took < 0.0005 ? "–" : shortDuration(run.took)), cell("holder", el("span", { text: run.holder, title: run.holder })));
  element.style.setProperty("--depth", Math.min(depth, 8));
  return element;
}

function whenText(time) {
  const seconds = Date.now() / 1000 - time;
  if (seconds < 45) return "just now";
  if (seconds < 5400) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h ago`;
  const date = new Date(time * 1000), pad = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${pad(date.getHours())}:${pad(date.getMinutes())}`;
}

// A widget that Python made for what was opened stands below the list, in the same output.
async function showChild(model, slot, signal) {
  const wish = model.get("child");
  slot.ngWish = wish;
  slot.ngView?.remove();
  slot.ngView = null;
  slot.replaceChildren();
  if (!wish) return;
  const manager = model.widget_manager;
  const view = await manager.get_model(wish.replace("IPY_MODEL_", "")).then((child) => manager.create_view(child)).catch(() => null);
  if (view === null) return;   // its kernel is gone
  if (signal.aborted || slot.ngWish !== wish) { view.remove(); return; }
  slot.ngView = view;
  slot.append(view.el);
  signal.addEventListener("abort", () => view.remove());
}

export default { render };
