// What a run costs: bars that compare nodes, sums, and the chart of how it grew, which Python draws.
import { el, listen, sender, whenGone } from "./dom.js";
import { grow } from "./drawing.js";
import { shortDuration } from "./durations.js";

function render({ model, el: host, signal }) {
  sender(model, signal);
  whenGone(model, host, signal);
  const title = el("h3", {}, "Costs"), run = el("span", { class: "faint" });
  const sums = el("dl", { class: "ng-costs-sums" });
  const table = el("table", { class: "ng-costs-table" }), chart = el("figure", { class: "ng-costs-chart" });
  const empty = el("p", { class: "ng-costs-empty" }, "No calls yet. What a node calls through its context shows here, with what it used.");
  const notes = el("ul", { class: "faint ng-costs-notes" });
  host.append(el("section", { class: "ng ng-costs", "aria-label": "Costs" }, el("header", { class: "ng-costs-top" }, title, run, sums), empty,
    el("div", { class: "ng-costs-wide" }, table), notes, chart));

  const draw = () => {
    const head = model.get("head"), rows = model.get("rows");
    run.textContent = `${head.graph} · ${head.run}`;
    empty.hidden = head.calls > 0;
    sums.replaceChildren(...(head.calls ? totals(head) : []).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", { class: value === "unknown" ? "faint" : null }, value))));
    drawTable(table, head, rows);
    const said = head.calls ? told(head) : [];
    notes.replaceChildren(...said.map((line) => el("li", {}, line)));
    notes.hidden = said.length === 0;
  };
  const picture = () => {
    const trees = Object.entries(model.get("chart"));
    chart.hidden = trees.length === 0;
    chart.replaceChildren(...trees.map(([room, tree]) => el("div", { class: `ng-costs-${room}-chart` }, grow(tree, new Map()))));
  };
  listen(model, signal, "change:head change:rows", draw);
  listen(model, signal, "change:chart", picture);
  draw();
  picture();
}

function totals(head) {
  return [["calls", countText(head.calls)], ["tokens", countText(head.input + head.output)], ["cost", head.cost], ["saved", head.saved], ["budget", head.budget]].filter(([, value]) => value && value !== "–" && value !== "0");
}

function told(head) {
  const calls = (count) => count === 1 ? "1 call" : `${countText(count)} calls`;
  return [head.more ? `${countText(head.more)} smaller rows are not shown.` : "", head.reused ? `${calls(head.reused)} came from the record and cost nothing here.` : "",
    head.unknown ? `${calls(head.unknown)} of unknown cost: not in the sums.` : "", ...head.prices].filter((part) => part);
}

function drawTable(table, head, rows) {
  table.hidden = rows.length === 0;
  if (table.hidden) { table.replaceChildren(); return; }
  const cached = rows.some((row) => row[6]);
  const bar = (share) => { const box = el("span", { class: "ng-costs-bar", "aria-hidden": "true" }); box.style.width = `${Math.max(share > 0 ? 1.5 : 0, share * 100)}%`; return box; };
  const number = (text, kind = "") => el("td", { class: `ng-costs-number ${kind}` }, text);
  const money = (text) => number(text, text === "unknown" ? "faint" : "");
  const line = ([node, model, calls, reused, input, output, cacheRead, seconds, cost, length, share]) => el("tr", {}, el("td", {}, node), el("td", { class: "faint" }, model || "not said"), money(cost),
    el("td", { class: "ng-costs-share" }, el("span", { class: "ng-costs-track" }, bar(length)), el("span", { class: "ng-costs-part" }, share)), number(countText(calls), reused ? "ng-costs-reused" : ""), number(tokensText(input, input + output)),
    cached ? number(cacheRead ? countText(cacheRead) : "") : null, number(tokensText(output, input + output)), number(shortDuration(seconds), "ng-costs-time"));
  const heads = [["node"], ["model"], ["cost", 1], ["share"], ["calls", 1], ["tokens in", 1], ...(cached ? [["cached", 1]] : []), ["tokens out", 1], ["time", 1, "ng-costs-time"]];
  const total = el("tr", { class: "ng-costs-total" }, el("td", {}, "all"), el("td"), money(head.cost), el("td"), number(countText(head.calls)), number(countText(head.input)), cached ? number(countText(head.cached)) : null, number(countText(head.output)), number(shortDuration(head.seconds), "ng-costs-time"));
  table.replaceChildren(el("thead", {}, el("tr", {}, heads.map(([text, count, kind]) => el("th", { scope: "col", class: [count ? "ng-costs-number" : "", kind ?? ""].join(" ").trim() || null }, text)))), el("tbody", {}, rows.map(line)), rows.length > 1 ? el("tfoot", {}, total) : el("tfoot", {}));
}

// A call that does not say what it used has not used nothing.
function tokensText(count, all) { return all ? countText(count) : "–"; }

function countText(count) { return count.toLocaleString("en"); }

export default { render };
