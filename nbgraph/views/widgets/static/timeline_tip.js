// What is said of the span under the pointer.
import { el } from "./dom.js";
import { clockOf, durationWords } from "./timescale.js";
import { KINDS, LOOKS } from "./timeline_spans.js";

const SAID = { done: "done", reused: "kept from before", failed: "failed", retried: "failed, tried again", running: "running", waiting: "waiting for a person" };

export function tipOf(table, place, { facts, names, note, now }) {
  const kind = KINDS[table.kind(place)], status = LOOKS[table.status(place)], attempt = table.attempt(place), step = table.step(place);
  const end = table.end(place), over = end === end;
  const said = kind === "edit" ? "changed by hand" : kind === "ask" ? (over ? "a question, answered" : "waits for an answer") : SAID[status] ?? status;
  const lines = [el("b", { text: names[table.name(place)] ?? "" })];
  const parts = [kind === "call" ? `call, ${said}` : said];
  if (attempt > 1 || status === "retried") parts.push(`attempt ${attempt}`);
  if (facts.axis === "time") parts.push(durationWords(Math.max(0, (over ? end : now) - table.start(place))) + (over ? "" : " so far"));
  lines.push(el("div", { text: parts.join(" · ") }));
  if (facts.axis === "time" && facts.origin !== null) {
    const began = new Date(1000 * clockOf(facts.folds, facts.origin, table.start(place)));
    lines.push(el("div", { class: "faint", text: `${step ? `step ${step} · ` : ""}${began.toLocaleTimeString("en-GB")}.${String(began.getMilliseconds()).padStart(3, "0")}` }));
  } else if (step) lines.push(el("div", { class: "faint", text: `step ${step}` }));
  if (note) lines.push(el("div", { class: "ng-tl-told", text: note }));
  return lines;
}
