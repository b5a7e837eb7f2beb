// The card of one node: what it was given, what it made of it, its tasks, its code.
import { el } from "./dom.js";
import { shortDuration } from "./durations.js";
import { icon } from "./icons.js";

const MARKS = { done: "✓", caught: "✗", edited: "✎", migrated: "↻" };

// Returns { element, show }. Sections are only built anew when what they say is new, so that one can read on.
export function cardOf({ close, stop, go }) {
  const element = el("section", { class: "ng-card", "aria-label": "Node", hidden: true });
  let plain = false;             // a node that has not run has nothing but its code to show
  const opened = new Map([["error", true], ["prints", true], ["given", true], ["made", true], ["tasks", true], ["running", true]]);
  const said = new Map();

  const head = el("header", { class: "ng-card-head" });
  const body = el("div", { class: "ng-card-body" });
  element.append(head, body);

  function section(name, title, facts, build) {
    const text = JSON.stringify(facts ?? null);
    const before = body.querySelector(`[data-section="${name}"]`);
    if (said.get(name) === text) return;
    said.set(name, text);
    const open = before?.open ?? opened.get(name) ?? plain;   // "toggle" comes late: what is there knows first
    const made = el("details", { data: { section: name }, open }, el("summary", { text: title }), ...build(facts));
    made.addEventListener("toggle", () => opened.set(name, made.open));
    if (before) before.replaceWith(made); else body.append(made);
  }

  function drop(name) {
    said.delete(name);
    body.querySelector(`[data-section="${name}"]`)?.remove();
  }

  function show(card, stoppable) {
    element.hidden = !card.node;
    if (!card.node) { body.replaceChildren(); said.clear(); return; }
    if (element.dataset.of !== card.node) { body.replaceChildren(); said.clear(); element.dataset.of = card.node; }
    titled(card, stoppable);
    plain = !card.tasks?.length;
    for (const [name, title, facts, build] of sections(card)) {
      if (facts && facts.length !== 0) section(name, title, facts, build);
      else drop(name);
    }
  }

  function titled(card, stoppable) {
    const text = JSON.stringify([card.node, card.tells, card.status, card.stale, card.stops, card.cost, stoppable]);
    if (said.get("head") === text) return;
    said.set("head", text);
    const box = el("input", { type: "checkbox", checked: card.stops, onchange: () => stop(card.node) });
    const focused = head.contains(document.activeElement) ? document.activeElement.localName : "";
    head.replaceChildren(...[
      el("div", { class: "ng-card-title" }, el("b", { class: "ng-card-name", text: card.node }),
        el("button", { type: "button", class: "ng-bare ng-card-close", "aria-label": "Close", title: "Close (Esc)", onclick: close }, icon("close"))),
      el("div", { class: "faint", text: [card.tells, card.cost].filter(Boolean).join(" · ") }),
      card.stale ? el("div", { class: "ng-stale", text: "Its code has changed since this run used it." }) : null,
      stoppable ? el("label", { class: "ng-stop" }, box, "Stop before this node") : null,
    ].filter(Boolean));
    if (focused) head.querySelector(focused)?.focus();
  }

  function sections(card) {
    const last = card.last ?? {}, error = card.error ?? {};
    const upto = last.step ? ` (step ${last.step})` : "";
    return [
      ["error", { "task.failed": "Failed", "task.retried": "Failed, tries again", "task.waiting": "Waits for a person" }[error.kind] ?? "", error.text && [error.text], ([text]) => [el("pre", { class: "ng-error-text", text })]],
      ["prints", "Printed", error.printed || last.printed, (text) => [el("pre", { text })]],
      ["running", "Running", card.running, (tasks) => [running(tasks)]],
      ["given", `Given${upto}`, last.given, (rows) => [pairs(rows)]],
      ["made", `Returned${upto}`, last.made, (rows) => [pairs(rows)]],
      ["tasks", counted(card.tasks), card.tasks, (rows) => [tasks(rows)]],
      ["source", "Source", card.source, (text) => [el("pre", { class: "ng-source", text })]],
    ];
  }

  function tasks(rows) {
    return el("div", { class: "ng-tasks", role: "list" }, ...rows.map(([step, status, attempts, started, seconds]) =>
      el("button", { type: "button", class: "ng-task", role: "listitem", title: `Look at step ${step}`, onclick: () => go(step) },
        el("span", { class: "ng-task-step", text: `${MARKS[status] ?? "·"} step ${step}` }),
        el("span", { class: "faint", text: attempts > 1 ? `${attempts} attempts` : "" }),
        el("span", { class: "ng-task-time faint", title: started ? new Date(started * 1000).toLocaleString() : "", text: shortDuration(seconds) }))));
  }
  return { element, show };
}

const counted = (rows) => (rows?.length >= 50 ? "Tasks (the last 50)" : `Tasks (${rows?.length ?? 0})`);

function running(tasks) {
  return el("div", { class: "ng-pairs" }, ...tasks.map(([attempt, started]) =>
    el("div", {}, attempt > 1 ? `attempt ${attempt}` : "one task", started ? ` since ${new Date(started * 1000).toLocaleTimeString()}` : " in the queue")));
}

function pairs(rows) {
  return el("dl", { class: "ng-pairs" }, ...rows.flatMap(([name, text]) => [el("dt", { text: name }), el("dd", { class: "mono", text })]));
}
