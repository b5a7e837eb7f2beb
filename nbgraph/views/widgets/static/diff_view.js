// Two runs side by side. A task is a row with two bars; a difference is looked at one by one, its values come when asked.
import { el, sender, listen, whenGone } from "./dom.js";
import { grow, paint } from "./drawing.js";
import { shortDuration } from "./durations.js";
import { windowedRows, rowAfterKey } from "./rows.js";

const DIFF_ROW = 24;

function render({ model, el: host, signal }) {
  const say = sender(model, signal), head = model.get("head");
  const state = { lines: [], differences: [], at: -1, row: -1, scale: 1, id: `diff-${model.get("view_id")}`, nodes: new Map() };
  const name = (side) => el("span", { class: `ng-diff-name ng-diff-${side}`, text: head[side] });

  // -- head: who, how much, and the way through

  const where = el("span", { class: "faint ng-diff-where", "aria-live": "polite" });
  const button = (text, title, go) => el("button", { type: "button", title, onclick: go, disabled: head.same }, text);
  const way = el("div", { class: "ng-diff-way" },
    button("First divergence", "Where the two part (f)", () => look(0)), button("‹ Previous", "The difference before (p)", () => look(state.at - 1)),
    button("Next ›", "The difference after (n)", () => look(state.at + 1)), where);
  const [first, ...rest] = head.summary.split("\n");
  const legend = el("div", { class: "ng-diff-legend" }, Object.entries(head.looks).filter(([outcome]) => head.counts[outcome]).map(([outcome, [kind, mark]]) =>
    el("span", { class: "ng-diff-chip", data: { look: kind } }, `${mark} ${head.counts[outcome]} ${outcomeText(outcome, head)}`)));

  // -- rows

  const list = windowedRows({
    height: DIFF_ROW, most: 15 * DIFF_ROW, signal, row: (line, place) => diffRow(line, place, state, head),
    attributes: { role: "listbox", "aria-label": "Tasks of both runs", class: "ng-rows ng-diff-list" },
  });
  const scale = (side) => el("span", { class: "ng-diff-scale" }, el("b", { text: head[side] }), el("span", { class: "faint", title: "Time in which nothing ran is left out", data: { scale: side } }));
  const heads = el("div", { class: "ng-diff-heads", "aria-hidden": "true" }, el("span"), el("span", {}, "task"), scale("left"), scale("right"));
  const graph = el("div", { class: "ng-diff-graph" }), panel = el("div", { class: "ng-diff-panel", role: "region", "aria-label": "Difference", "aria-live": "polite" });
  const root = el("section", { class: "ng ng-diff", "aria-label": `${head.left} and ${head.right} compared` },
    el("header", { class: "ng-diff-top" }, el("h3", {}, name("left"), el("span", { class: "faint" }, " and "), name("right")), way),
    el("p", { class: "ng-diff-summary" }, first, ...rest.map((line) => el("span", { class: "faint", text: line }))), legend,
    el("div", { class: "ng-diff-body" }, graph, el("div", { class: "ng-diff-tasks" }, heads, list.root)), panel);
  host.append(root);
  whenGone(model, host, signal);

  const keyed = new Map(), drawn = model.get("drawing");
  if (drawn.tree) {
    const picture = grow(drawn.tree, keyed);
    paint(keyed, model.get("patches"));
    graph.append(picture);
    for (const node of picture.querySelectorAll("[data-node]")) {
      state.nodes.set(node.dataset.node, node);
      node.addEventListener("click", () => {
        const own = state.lines.map((line, place) => [line, place]).filter(([line]) => line.node === node.dataset.node);
        const found = own.find(([line]) => line.first >= 0) ?? own[0];
        if (found) choose(found[1]);
      });
    }
  } else graph.hidden = true;
  root.classList.toggle("ng-diff-alone", !drawn.tree);

  // -- looking at one

  const choose = (place) => {
    const line = state.lines[place];
    if (line === undefined) return;
    state.row = place;
    list.again();
    list.reveal(place);
    list.root.setAttribute("aria-activedescendant", `${state.id}-${place}`);
    for (const [node, element] of state.nodes) element.classList.toggle("ng-diff-chosen", node === line.node);
    if (line.first >= 0) look(line.first, false);
    else { state.at = -1; drawPanel(null); drawWhere(); }
  };
  const look = (place, follow = true) => {
    if (place < 0 || place >= state.differences.length) return;
    state.at = place;
    drawWhere();
    drawPanel(state.differences[place]);
    say("look", { place });
    if (!follow) return;
    const row = rowOfDifference(place);
    if (row >= 0) { state.row = row; list.again(); list.reveal(row); }
    for (const [node, element] of state.nodes) element.classList.toggle("ng-diff-chosen", node === state.differences[place].node);
  };
  // A task's differences stand together; those of the whole states have no row.
  const rowOfDifference = (place) => {
    const { node, left, right } = state.differences[place];
    return state.lines.findIndex((line) => line.node === node && line.first >= 0 && line.first <= place
      && (line.left?.[0] ?? null) === left && (line.right?.[0] ?? null) === right);
  };
  const drawWhere = () => {
    const many = state.differences.length + head.more;
    const more = head.more ? ` (the first ${state.differences.length.toLocaleString("en")} are listed)` : "";
    where.textContent = head.same ? "no difference" : state.at < 0 ? `${many.toLocaleString("en")} difference${many === 1 ? "" : "s"}${more}` : `${state.at + 1} of ${many.toLocaleString("en")}${more}`;
    const [, before, after] = way.querySelectorAll("button");
    before.disabled = state.at <= 0;
    after.disabled = state.at + 1 >= state.differences.length;
  };
  const drawPanel = (difference) => {
    panel.hidden = difference === null && (head.same || state.row < 0);
    if (difference === null) {
      const line = state.lines[state.row];
      panel.replaceChildren(...(line ? [el("p", { class: "faint" }, `${line.node}: the same on both sides.`)] : []));
      return;
    }
    const side = (key, text) => el("div", { class: `ng-diff-value ng-diff-of-${key}` }, el("span", { class: "faint" }, el("b", { text: head[key] }), stepText(difference[key])), el("code", { text }));
    panel.replaceChildren(
      el("p", { class: "ng-diff-said" }, el("b", { text: difference.node }), difference.field === difference.what ? null : el("code", { text: difference.field }),
        el("span", { class: "faint", text: whatText(difference.what) }), state.at === 0 ? el("span", { class: "ng-diff-chip", data: { look: "retried" } }, "first divergence") : null),
      el("div", { class: "ng-diff-values" }, side("left", difference.one), side("right", difference.other)), state.whole = el("div", { class: "ng-diff-whole" }));
  };

  list.root.addEventListener("click", (event) => {
    const found = event.target.closest("[data-place]");
    if (found) choose(Number(found.dataset.place));
  });
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
    const to = event.target === list.root ? rowAfterKey(event.key, state.row, state.lines.length, list.page()) : -1;
    const act = to >= 0 ? () => choose(to) : { n: () => look(state.at + 1), p: () => look(state.at - 1), f: () => look(0) }[event.key];
    if (act) { event.preventDefault(); event.stopPropagation(); act(); }   // a notebook has keys of its own
  });

  listen(model, signal, "msg:custom", (told) => {
    if (told.kind === "tasks") {
      state.lines = told.lines.map(([node, outcome, left, right, first]) => ({ node, outcome, left, right, first }));
      state.differences = told.differences.map(([node, what, field, left, right, one, other]) => ({ node, what, field, left, right, one, other }));
      const end = (side) => Math.max(0, ...state.lines.map((line) => line[side] === null ? 0 : line[side][1] + line[side][2]));
      state.scale = Math.max(end("left"), end("right")) || 1;
      for (const side of ["left", "right"]) heads.querySelector(`[data-scale=${side}]`).textContent = head.times ? ` ${shortDuration(end(side))}` : "";
      list.show(state.lines);
      drawWhere();
      if (state.at < 0 && !head.same) look(0);
    } else if (told.kind === "difference" && told.place === state.at) drawWhole(told, state);
  });
  drawPanel(null);
  drawWhere();
  say("hello");
}

// The change of a value in one text, what is gone struck out; folded where it is long.
function drawWhole(told, state) {
  const size = told.pieces.reduce((sum, [, text]) => sum + text.length, 0);
  const { one, other } = state.differences[told.place];
  if (told.absent.some((absent) => absent) ? size <= Math.max(one.length, other.length) : size <= 60) return;
  const text = el("pre", {}, told.pieces.map(([how, piece]) => how === "=" ? piece : el(how === "-" ? "del" : "ins", { text: piece })));
  const fold = el("details", { open: size <= 1500 }, el("summary", {}, told.absent.some((absent) => absent) ? "The whole value" : "What changed in it"), text);
  state.whole.replaceChildren(fold);
}

function diffRow(line, place, state, head) {
  const [kind, mark] = head.looks[line.outcome];
  const lane = (side) => {
    const bar = line[side];
    if (bar === null) return el("span", { class: "ng-diff-lane" });
    const [step, start, seconds] = bar, box = el("span", { class: "ng-diff-bar", data: { look: kind }, title: `step ${step}${head.times ? `, ${shortDuration(seconds)}` : ""}` });
    const wide = Math.max(seconds / state.scale * 100, 0.4);
    box.style.left = `min(${start / state.scale * 100}%, 100% - 5px)`;
    box.style.width = `${wide}%`;
    return el("span", { class: "ng-diff-lane" }, box);
  };
  const step = (line.left ?? line.right)?.[0];
  return el("div", {
    class: "ng-diff-row", role: "option", id: `${state.id}-${place}`, data: { place: String(place), outcome: line.outcome }, "aria-selected": String(place === state.row),
    "aria-label": `${line.node}${step === undefined ? "" : `, step ${step}`}: ${outcomeText(line.outcome, head)}`,
  }, el("span", { class: "ng-diff-mark", data: { look: kind }, title: outcomeText(line.outcome, head) }, mark),
  el("span", { class: "ng-diff-task", title: line.node }, line.node, step === undefined ? null : el("span", { class: "faint" }, ` ${step}`)), lane("left"), lane("right"));
}

function outcomeText(outcome, head) {
  return { "only left": `only in ${head.left}`, "only right": `only in ${head.right}` }[outcome] ?? (outcome === "same" ? "the same" : outcome);
}

function stepText(step) {
  return step === null ? "" : ` step ${step}`;
}

function whatText(what) {
  return { update: "in what it returned", result: "as its reducer made it", gather: "as it was gathered", route: "where it led", status: "how it ended",
    task: "whether it ran", edit: "set by hand", input: "in the input", final: "in the final state" }[what] ?? what;
}

export default { render };
