// A value as a tree on the page: folded where it is long, opened piece by piece. Text only ever becomes text.
//
// valueRows([[label, node], ...], { root, path, ask }) builds rows; a node is what nbgraph/views/inspector/values.py makes.
// ask(root, path, first) asks Python for more and resolves to { c, rows or s, m }; without it what is folded stays so.
import { el } from "./dom.js";

const NAMES = { list: "[]", tuple: "()", set: "{}" };

export function valueRows(parts, how, first = 0) {
  return parts.map(([label, node], turn) => valueRow(label, node, { ...how, path: [...how.path, first + turn] }));
}

export function valueRow(label, node, how) {
  const name = label === null ? [] : [el("span", { class: "ng-v-label", text: label })];
  if (node.n !== undefined && (node.c || node.m) && node.k !== "text" && node.k !== "bytes") return branch(name, node, how);
  if (node.k === "table") return el("div", { class: "ng-v-row ng-v-tall" }, name, tableView(node, how));
  return el("div", { class: node.k === "text" && node.n > 60 ? "ng-v-row ng-v-tall" : "ng-v-row" }, name, valueLeaf(node, how));
}

// A leaf: its text in the colour of its kind; a long text can be unfolded.
export function valueLeaf(node, how) {
  if (node.k !== "text") return el("span", { class: `ng-v-leaf ng-v-${node.k}`, title: node.t, text: node.n === 0 ? empty(node) : node.s });
  const text = el("span", { class: "ng-v-leaf ng-v-text" }, node.s);
  if (!node.m) return text;
  const more = el("button", { type: "button", class: "ng-v-more", text: `… ${node.m.toLocaleString("en")} more characters` });
  let shown = node.n - node.m;
  more.addEventListener("click", () => how.ask?.(how.root, how.path, shown).then((part) => {
    text.append(part.s);
    shown = node.n - part.m;
    more.textContent = `… ${part.m.toLocaleString("en")} more characters`;
    if (!part.m) more.remove();
  }));
  return el("span", { class: "ng-v-long" }, text, more);
}

function empty(node) {
  return node.k === "record" || node.k === "dict" ? `${node.k === "dict" ? "" : node.t} {}` : NAMES[node.k] ?? "";
}

function branch(name, node, how) {
  const body = el("div", { class: "ng-v-body" });
  const hint = el("span", { class: "ng-v-hint", text: preview(node) });
  const twig = el("details", { class: "ng-v-branch" }, el("summary", {}, name, el("span", { class: "ng-v-type", text: `${node.t} · ${node.n.toLocaleString("en")}` }), hint), body);
  let filled = false;
  const fill = () => {
    if (filled) return;
    filled = true;
    body.append(...valueRows(node.c ?? [], how));
    if (node.m) remainder(body, node.c?.length ?? 0, node.m, how, !node.c);
  };
  twig.addEventListener("toggle", () => { if (twig.open) fill(); });
  if (how.open && (node.c?.length ?? 0) && !node.m && node.n <= how.open) { fill(); twig.open = true; }
  return twig;
}

// The first parts of a closed value in a line, where they say something by themselves.
function preview(node) {
  const parts = [];
  let room = 64;
  for (const [label, child] of node.c ?? []) {
    const said = child.k === "text" ? JSON.stringify(child.s) : child.n === undefined || child.k === "bytes" ? child.s ?? "" : inShort(child);
    const text = node.k === "dict" || node.k === "record" ? `${label}: ${said}` : said;
    if (text.length > room) { parts.push(parts.length ? "…" : `${text.slice(0, room)}…`); break; }
    room -= text.length + 2;
    parts.push(text);
  }
  return parts.join(", ");
}

function inShort(node) {
  const named = (node.k === "dict" || node.k === "record") && node.c;
  return named ? `{${node.c.map(([label]) => label).join(", ")}}` : `${node.t} · ${node.n}`;
}

function remainder(body, first, left, how, now) {
  if (!how.ask) return;
  const more = el("button", { type: "button", class: "ng-v-more", text: `${left.toLocaleString("en")} more` });
  const load = () => how.ask(how.root, how.path, first).then((part) => {
    more.remove();
    body.append(...valueRows(part.c ?? [], how, first));
    if (part.m) remainder(body, first + (part.c?.length ?? 0), part.m, how, false);
  });
  more.addEventListener("click", load);
  body.append(more);
  if (now) load();
}

function tableView(node, how) {
  const body = el("tbody", {}, node.rows.map(tableRow));
  const head = el("thead", {}, el("tr", {}, node.head.map((name, turn) => el("th", { title: node.types[turn] || null, text: name }))));
  const more = el("button", { type: "button", class: "ng-v-more" });
  let left = node.m;
  const say = () => { more.textContent = `${left.toLocaleString("en")} more rows`; if (!left || !how.ask) more.remove(); };
  more.addEventListener("click", () => how.ask(how.root, how.path, body.children.length).then((part) => {
    body.append(...(part.rows ?? []).map(tableRow));
    left = part.m;
    say();
  }));
  const wide = node.wide ? el("span", { class: "ng-v-hint", text: `and ${node.wide} more columns` }) : null;
  const all = el("div", { class: "ng-v-frame" }, el("div", { class: "ng-v-type", text: `${node.t} · ${node.s}` }),
    el("div", { class: "ng-v-scroll", tabindex: "0", role: "group", "aria-label": `${node.t}, ${node.s}` }, el("table", {}, head, body)), wide, more);
  say();
  return all;
}

function tableRow(cells) {
  return el("tr", {}, cells.map((cell, turn) => el(turn ? "td" : "th", { class: turn && /^-?[\d.]+(e[+-]?\d+)?$/.test(cell) ? "ng-v-figure" : null, text: cell })));
}
