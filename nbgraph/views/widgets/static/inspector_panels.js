// What each tab of the inspector holds.
import { el } from "./dom.js";
import { durationWords } from "./timescale.js";
import { valueRow } from "./value.js";

const nothing = (text) => [el("div", { class: "faint ng-in-none", text })];

export const PANELS = { state: statePanel, changes: changesPanel, calls: callsPanel, output: outputPanel, events: eventsPanel, source: sourcePanel };

function statePanel(page, { ask, link }) {
  if (!page.fields.length && !page.sent.length) return nothing("The state is empty here.");
  const rows = page.fields.map((field, turn) => el("div", { class: "ng-in-field", data: { how: field.how } },
    el("div", { class: "ng-in-value" }, valueRow(field.name, field.value, { root: "state", path: [turn], ask, open: 6 })),
    el("div", { class: "ng-in-by" }, field.how ? el("span", { class: "ng-in-how", text: field.how }) : null, field.by ? link(field.by) : null)));
  const sent = page.sent.map(([name, node, place]) => el("div", { class: "ng-in-field" },
    el("div", { class: "ng-in-value" }, valueRow(name, node, { root: "before", path: [place], ask, open: 6 })), el("div", { class: "ng-in-by" }, el("span", { class: "faint", text: "sent to this task" }))));
  const more = page.more ? nothing(`and ${page.more} more fields; the search finds them`) : [];
  return [el("div", { class: "ng-in-legend faint" }, el("span", { text: page.step ? `after step ${page.step}` : "before the first step" }), el("span", { text: "written last by" })), ...rows, ...sent, ...more];
}

function changesPanel(page, { ask }) {
  if (!page.fields.length) return nothing(page.step ? "This task changed no field." : "Nothing was before the input.");
  return page.fields.map((field) => {
    const [before, after] = field.at;
    const side = (name, node, root, place) => node ? el("div", { class: `ng-in-side ng-in-${name}` }, valueRow(null, node, { root, path: [place], ask, open: 4 })) : null;
    const short = (node) => node && node.n === undefined && node.k !== "table" && node.s.length < 80;
    const small = field.parts ?? (short(field.before) && short(field.after) ? [["", field.before.s, field.after.s]] : []);
    const parts = small.map(([path, left, right]) => el("div", { class: "ng-in-part" }, path ? el("code", { text: path }) : null, el("del", { text: left }), "→", el("ins", { text: right })));
    const lines = field.lines ? el("pre", { class: "ng-in-diff" }, field.lines.map(([sign, text]) => el("span", { data: { sign }, text: `${text}\n` }))) : null;
    const gained = field.gained ? [el("div", { class: "faint", text: `${field.gained.n.toLocaleString("en")} added behind ${field.had.toLocaleString("en")}` }), el("div", { class: "ng-in-side ng-in-after" }, (field.gained.c ?? []).map(([, node], turn) => valueRow(String(field.had + turn), node, { root: "state", path: [after, field.had + turn], ask, open: 4 })),
      field.gained.m ? el("div", { class: "faint", text: `and ${field.gained.m} more` }) : null)] : [];
    const sides = parts.length ? parts : [side("before", field.before, "before", before), side("after", field.after, "state", after)];
    return el("div", { class: "ng-in-change" }, el("div", { class: "ng-in-name" }, el("b", { text: field.name }), el("span", { class: "ng-in-how", data: { how: field.how }, text: field.how === "same" ? "written, and the same as before" : field.how })), lines, gained, sides,
      field.m ? el("div", { class: "faint", text: `and ${field.m} more lines` }) : null);
  });
}

function callsPanel(page, { ask }) {
  if (!page.calls.length) return nothing("No call was recorded of this task.");
  return page.calls.map((call) => {
    const facts = [call.phase, call.seconds === null ? "" : durationWords(call.seconds), call.reused ? "served from the record" : "", call.attempt > 1 ? `attempt ${call.attempt}` : "", call.model, call.used].filter(Boolean);
    const cost = call.cost ? el("span", { class: "ng-in-cost", title: call.price, text: call.reused ? `${call.cost}, paid before` : call.cost }) : null;
    const sides = [["request", call.request], ["response", call.response]].filter(([, node]) => node);
    return el("div", { class: "ng-in-call", data: { phase: call.phase } },
      el("div", { class: "ng-in-name" }, el("b", { text: call.call }), el("span", { class: "faint", text: facts.join(" · ") }), cost),
      call.hint ? el("div", { class: "faint", text: `asks for ${call.hint}` }) : null,
      sides.map(([name, node]) => el("div", { class: "ng-in-io" }, el("span", { class: "ng-in-iolabel", text: call.call === "question" ? { request: "asked", response: call.by ? `answered by ${call.by}` : "answered" }[name] : name }), el("div", {}, valueRow(null, node, { root: `${call.seq}/${name}`, path: [], ask, open: 4 })))),
      call.error ? el("div", { class: "ng-in-wrong", text: call.error }) : null);
  });
}

function outputPanel(page) {
  const printed = page.printed.flatMap(([attempt, text, more]) => [
    page.printed.length > 1 ? el("div", { class: "faint", text: `attempt ${attempt}` }) : null, el("pre", { class: "ng-in-text", text }), more ? el("div", { class: "faint", text: `and ${more.toLocaleString("en")} more characters` }) : null]).filter(Boolean);
  const stream = page.stream ? [el("div", { class: "faint", text: "streamed" }), el("pre", { class: "ng-in-text", text: page.stream })] : [];
  return printed.length || stream.length ? [...printed, ...stream] : nothing("Nothing was printed.");
}

function eventsPanel(page, { go }) {
  if (!page.events.length) return nothing("Nothing else happened around this step.");
  const rows = page.events.map(([kind, node, step, time, text, own]) => el("tr", { class: own ? "ng-in-own" : null },
    el("td", { class: "faint", text: new Date(1000 * time).toLocaleTimeString("en-GB") }),
    el("td", {}, el("button", { type: "button", class: "ng-in-link", title: `Look at step ${step}`, onclick: () => go(step), text: String(step) })),
    el("td", { text: kind }), el("td", { text: node }), el("td", { class: "ng-in-told", text })));
  return [el("table", { class: "ng-in-events" }, el("thead", {}, el("tr", {}, ["time", "after step", "what", "node", ""].map((text) => el("th", { text })))), el("tbody", {}, rows))];
}

function sourcePanel(page) {
  if (!page.source) return nothing(page.step || page.node ? "The source of this node is not recorded." : "The input has no source.");
  const lines = page.source.split("\n").map((text, turn) => el("span", { class: turn + 1 === page.line ? "ng-in-line ng-in-failing" : "ng-in-line", data: { line: turn + 1 }, text: text || " " }));
  const trace = page.traceback ? [el("div", { class: "faint", text: "recorded traceback" }), el("pre", { class: "ng-in-text", text: page.traceback })] : [];
  return [el("pre", { class: "ng-in-code" }, lines), ...trace];
}
