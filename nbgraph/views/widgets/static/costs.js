// What a run costs: bars that compare nodes, sums, and a line of how it grew.
import { el, svg, listen, sender, whenGone } from "./dom.js";
import { shortDuration } from "./durations.js";

const CHART_WIDE = 640, CHART_HIGH = 150, CHART_LEFT = 58, CHART_BELOW = 22;

function render({ model, el: host, signal }) {
  sender(model, signal);
  whenGone(model, host, signal);
  const title = el("h3", {}, "Costs"), run = el("span", { class: "faint" });
  const sums = el("dl", { class: "ng-costs-sums" });
  const table = el("table", { class: "ng-costs-table" }), chart = el("figure", { class: "ng-costs-chart" });
  const empty = el("p", { class: "ng-costs-empty" }, "No calls yet. What a node calls through its context shows here, with what it used.");
  const note = el("p", { class: "faint ng-costs-note" });
  host.append(el("section", { class: "ng ng-costs", "aria-label": "Costs" }, el("header", { class: "ng-costs-top" }, title, run, sums), empty,
    el("div", { class: "ng-costs-wide" }, table), note, chart));

  const draw = () => {
    const head = model.get("head"), rows = model.get("rows"), points = model.get("points");
    run.textContent = `${head.graph} · ${head.run}`;
    empty.hidden = head.calls > 0;
    sums.replaceChildren(...(head.calls ? [["calls", countText(head.calls)], ["tokens", countText(head.input + head.output)], ["cost", head.cost]] : [])
      .map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", { class: value === "unknown" ? "faint" : null }, value))));
    drawTable(table, head, rows);
    const lacking = points.length ? points[points.length - 1][3] : 0;
    note.textContent = [head.more ? `${head.more} smaller rows are not shown.` : "", head.reused ? `${head.reused === 1 ? "1 call" : `${countText(head.reused)} calls`} came from the record and cost nothing here.` : "",
      lacking ? `${lacking === 1 ? "1 call has" : `${countText(lacking)} calls have`} no known price.` : ""].filter((part) => part).join(" ");
    note.hidden = note.textContent === "";
    drawChart(chart, points);
  };
  listen(model, signal, "change:head change:rows change:points", draw);
  draw();
}

function drawTable(table, head, rows) {
  table.hidden = rows.length === 0;
  if (table.hidden) { table.replaceChildren(); return; }
  const most = Math.max(1, ...rows.map((row) => row[4] + row[5])), priced = Math.max(...rows.map((row) => row[8] ?? 0));
  const bar = (share) => { const box = el("span", { class: "ng-costs-bar", "aria-hidden": "true" }); box.style.width = `${Math.max(share > 0 ? 1.5 : 0, share * 100)}%`; return box; };
  const number = (text, kind = "") => el("td", { class: `ng-costs-number ${kind}` }, text);
  const line = ([node, model, calls, reused, input, output, seconds, cost, known]) => el("tr", {}, el("td", {}, node), el("td", { class: "faint" }, model || "not said"), number(countText(calls), reused ? "ng-costs-reused" : ""),
    el("td", { class: "ng-costs-tokens" }, bar(priced > 0 && known !== null ? known / priced : (input + output) / most)), number(tokensText(input, input + output)), number(tokensText(output, input + output)), number(shortDuration(seconds)), number(cost, cost === "unknown" ? "faint" : ""));
  const heads = ["node", "model", "calls", "", "tokens in", "tokens out", "time", "cost"];
  const total = el("tr", { class: "ng-costs-total" }, el("td", {}, "all"), el("td"), number(countText(head.calls)), el("td"), number(countText(head.input)), number(countText(head.output)), number(shortDuration(head.seconds)), number(head.cost, head.cost === "unknown" ? "faint" : ""));
  table.replaceChildren(el("thead", {}, el("tr", {}, heads.map((text, place) => el("th", { scope: "col", class: place > 1 && place !== 3 ? "ng-costs-number" : null }, text)))), el("tbody", {}, rows.map(line)), el("tfoot", {}, total));
}

// Of cost where any is known, else of tokens.
function drawChart(chart, points) {
  chart.hidden = points.length < 2;
  if (chart.hidden) { chart.replaceChildren(); return; }
  const last = points[points.length - 1], costs = last[2] > 0, value = (point) => costs ? point[2] : point[1];
  const top = niceTop(Math.max(...points.map(value)) || 1), right = last[0];
  const x = (calls) => CHART_LEFT + calls / right * (CHART_WIDE - CHART_LEFT - 12), y = (amount) => 10 + (1 - amount / top) * (CHART_HIGH - 10 - CHART_BELOW);
  const path = `M${x(0)},${y(0)} ` + points.map((point) => `L${x(point[0]).toFixed(1)},${y(value(point)).toFixed(1)}`).join(" ");
  const name = `${costs ? "Cost" : "Tokens"} so far, call by call: ${costs ? moneyText(last[2]) : countText(last[1])} after ${countText(right)} calls`;
  const label = (amount) => costs ? moneyText(amount) : compactText(amount);
  chart.replaceChildren(el("figcaption", { class: "faint" }, costs ? "Cost so far, call by call" : "Tokens so far, call by call"),
    svg("svg", { viewBox: `0 0 ${CHART_WIDE} ${CHART_HIGH}`, role: "img", "aria-label": name },
      [0, top / 2, top].flatMap((amount) => [svg("line", { class: "ng-costs-grid", x1: CHART_LEFT, x2: CHART_WIDE - 12, y1: y(amount), y2: y(amount) }), svg("text", { class: "ng-costs-label", x: CHART_LEFT - 8, y: y(amount) + 4, "text-anchor": "end" }, label(amount))]),
      [0, right].map((calls) => svg("text", { class: "ng-costs-label", x: x(calls), y: CHART_HIGH - 4, "text-anchor": calls ? "end" : "start" }, calls ? `${countText(calls)} calls` : "0")),
      svg("path", { class: "ng-costs-area", d: `${path} L${x(right)},${y(0)} Z` }), svg("path", { class: "ng-costs-line", d: path }),
      svg("circle", { class: "ng-costs-dot", cx: x(right), cy: y(value(last)), r: 3.5 })));
}

function niceTop(most) {
  const size = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 4, 5, 10].map((step) => step * size).find((top) => top >= most) ?? most;
}

// A call that does not say what it used has not used nothing.
function tokensText(count, all) { return all ? countText(count) : "–"; }

function countText(count) { return count.toLocaleString("en"); }

function compactText(count) { return count >= 10000 ? count.toLocaleString("en", { notation: "compact", maximumFractionDigits: 1 }) : countText(Math.round(count)); }

function moneyText(amount) { return `$${amount >= 1 || amount === 0 ? amount.toFixed(2) : amount.toPrecision(2)}`; }

export default { render };
