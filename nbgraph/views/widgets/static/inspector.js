// Everything about the step at the cursor: a head, six tabs, and a search over the state.
import { el, listen, sender, whenGone } from "./dom.js";
import { PANELS } from "./inspector_panels.js";
import { durationWords } from "./timescale.js";

const TABS = [["state", "State"], ["changes", "Changes"], ["calls", "Calls"], ["output", "Output"], ["events", "Events"], ["source", "Source"]];
const SAYS = { done: ["✓", "done"], failed: ["✗", "failed"], waiting: ["?", "waits for a person"], input: ["", "the run's input"] };

function render({ model, el: host, signal }) {
  const say = sender(model, signal);
  const waiting = new Map();       // number of a request -> what to do with the answer
  let asked = 0, page = null, searched = 0;

  const head = el("div", { class: "ng-in-head", role: "status", "aria-live": "polite" });
  const alarm = el("div", { class: "ng-in-error", hidden: true });
  const tabs = el("div", { class: "ng-in-tabs", role: "tablist", "aria-label": "What to show of the step" });
  const panel = el("div", { class: "ng-in-panel", role: "tabpanel", tabindex: "0" });
  const find = el("input", { type: "search", class: "ng-in-find", placeholder: "Search the state", "aria-label": "Search names and values of the state" });
  const id = model.get("view_id");
  panel.id = `${id}-panel`;
  for (const [name, label] of TABS) {
    const tab = el("button", { type: "button", role: "tab", class: "ng-in-tab", id: `${id}-${name}`, "aria-controls": panel.id, data: { tab: name }, onclick: () => choose(name) }, el("span", { text: label }), el("span", { class: "ng-in-count" }));
    tabs.append(tab);
  }
  const root = el("div", { class: "ng ng-inspector", role: "region", "aria-label": `Inspector of run ${model.get("run_id")}` }, head, alarm, el("div", { class: "ng-in-bar" }, tabs, find), panel);
  host.replaceChildren(root);
  whenGone(model, host, signal);

  const ask = (from, path, first) => new Promise((done) => {
    waiting.set(++asked, done);
    say("open", { id: asked, root: from, path, first });
  });
  const go = (step) => say("go", { value: step });
  const link = ([step, node]) => el("button", { type: "button", class: "ng-in-link", title: step ? `Look at step ${step}` : "Look at the input", onclick: () => go(step), text: step ? `${step} ${node}` : "input" });

  function choose(name) {
    mark(name);
    say("tab", { value: name });
  }
  function mark(name) {
    for (const tab of tabs.children) {
      const on = tab.dataset.tab === name;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      if (on) panel.setAttribute("aria-labelledby", tab.id);
    }
    find.hidden = name !== "state";
  }

  function hear(message) {
    if (message.kind === "part") { waiting.get(message.id)?.({ ...message, k: message.of }); waiting.delete(message.id); }
    else if (message.kind === "found" && message.id === searched) showHits(message);
    else if (message.kind === "step") show(message);
    else if (message.kind === "broken") { page = null; panel.replaceChildren(); alarm.hidden = false; alarm.replaceChildren(el("b", { text: message.text }), el("div", { text: message.todo })); }
  }

  function show(message) {
    const same = page && page.step === message.step && page.tab === message.tab && page.task === message.task;
    const scrolled = same ? panel.scrollTop : 0, opened = same ? openOnes() : [];
    page = message;
    waiting.clear();
    showHead();
    mark(page.tab);
    count("calls", page.counts.calls);
    count("changes", page.counts.changes);
    count("output", page.printed ? "•" : 0);
    if (page.tab === "state" && find.value) { search(); return; }
    panel.replaceChildren(...PANELS[page.tab](page, { ask, go, link }));
    for (const twig of opened) { const found = panel.querySelectorAll("details")[twig]; if (found) found.open = true; }
    panel.scrollTop = scrolled;
  }
  const openOnes = () => [...panel.querySelectorAll("details")].flatMap((twig, turn) => (twig.open ? [turn] : []));

  function count(name, number) {
    const badge = tabs.querySelector(`[data-tab=${name}] .ng-in-count`);
    badge.textContent = number ? String(number) : "";
  }

  function showHead() {
    const [mark_, word] = SAYS[page.status] ?? ["", page.status];
    const facts = [];
    if (page.attempts > 1) facts.push(`attempt ${page.attempts}`);
    if (page.seconds !== null && page.seconds !== undefined) facts.push(durationWords(page.seconds));
    if (page.started) facts.push(new Date(1000 * page.started).toLocaleTimeString("en-GB"));
    if (page.task) facts.push(`task ${page.task}`);
    const title = page.node || (page.step ? "" : "input");
    const stands = page.status === "done" || page.status === "input" ? (page.step ? `step ${page.step}` : "") : "no step yet";
    head.replaceChildren(
      el("div", { class: "ng-in-title" },
        el("span", { class: "ng-in-mark", data: { status: page.status } }, `${mark_} ${word}`.trim()),
        el("b", { text: title }), el("span", { class: "ng-in-step", text: stands }),
        el("span", { class: "faint ng-in-facts", text: facts.join(" · ") })),
      ways());
    alarm.hidden = !page.error;
    alarm.replaceChildren(el("b", { text: page.error }));
  }
  function ways() {
    const line = el("div", { class: "ng-in-ways" });
    if (page.parents.length) line.append(el("span", { class: "faint", text: "from" }), ...page.parents.map(link));
    if (page.others) line.append(el("span", { class: "faint", text: `and ${page.others} more` }));
    if (page.ways.length) line.append(el("span", { class: "faint", text: "to" }), el("span", { text: [...new Set(page.ways)].join(", ") }));
    if (page.following && page.troubles.length > 1) line.append(...page.troubles.map(([task, node, status]) => el("button", { type: "button", class: "ng-in-link", onclick: () => say("task", { value: task }), text: `${node} ${status}` })));
    return line;
  }

  // -- search

  let later = 0;
  function search() {
    if (!find.value.trim()) { if (page?.tab === "state") panel.replaceChildren(...PANELS.state(page, { ask, go, link })); return; }
    searched = ++asked;
    say("search", { id: searched, text: find.value.trim() });
  }
  find.addEventListener("input", () => { clearTimeout(later); later = setTimeout(search, 150); });
  find.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") { find.value = ""; search(); }
  });
  function showHits({ hits, more }) {
    const rows = hits.map(([label, said]) => el("div", { class: "ng-in-hit" }, el("b", { text: label }), el("span", { text: said })));
    panel.replaceChildren(el("div", { class: "faint ng-in-none", text: hits.length ? `${hits.length}${more ? " or more" : ""} found` : "Nothing in this state is like that." }), ...rows);
  }

  // -- keys

  tabs.addEventListener("keydown", (event) => {
    const all = [...tabs.children], now = all.findIndex((tab) => tab === document.activeElement);
    const to = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || now < 0) return;
    event.preventDefault();
    event.stopPropagation();
    const next = all[(to + all.length) % all.length];
    next.focus();
    choose(next.dataset.tab);
  });

  signal.addEventListener("abort", () => clearTimeout(later));
  listen(model, signal, "msg:custom", hear);
  mark(model.get("tab"));
  say("hello");
}

export default { render };
