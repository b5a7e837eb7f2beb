// Open questions as cards. A card is made once and then only told how it stands: what a person types stays there.
import { el, sender, listen, whenGone } from "./dom.js";
import { formField, fieldAt, clearSays, focusFirst } from "./form_fields.js";

function render({ model, el: root, signal }) {
  const say = sender(model, signal), cards = new Map();
  whenGone(model, root, signal);
  const count = el("span", { class: "ng-inbox-count", "aria-live": "polite" });
  const who = el("input", { type: "text", value: model.get("by"), "aria-label": "Your name", class: "ng-inbox-who", maxlength: 80 });
  const notice = el("p", { class: "ng-inbox-notice", role: "alert", hidden: true });
  const list = el("div", { class: "ng-inbox-cards" });
  const empty = el("p", { class: "ng-inbox-empty", hidden: true });
  root.append(el("section", { class: "ng ng-inbox", "aria-label": "Open questions" },
    el("header", { class: "ng-inbox-head" }, el("h3", {}, "Inbox"), count,
      el("label", { class: "ng-inbox-as" }, "answering as", who)),
    notice, list, empty));

  const answer = (id, draft) => say("answer", { question: id, draft, by: who.value });
  const resume = (run) => say("resume", { run });
  const draw = () => {
    const shown = model.get("cards"), ids = new Set(shown.map((card) => card.id));
    for (const [id, card] of cards) if (!ids.has(id)) { card.root.remove(); cards.delete(id); }
    shown.forEach((facts, place) => {
      if (!cards.has(facts.id)) cards.set(facts.id, inboxCard(facts, answer, resume));
      const card = cards.get(facts.id);
      card.tell(facts);
      if (list.children[place] !== card.root) list.insertBefore(card.root, list.children[place] ?? null);
    });
    const open = shown.filter((card) => card.status !== "answered" && card.status !== "gone").length + model.get("more");
    count.textContent = open === 0 ? "" : `${open} open`;
    const scope = model.get("run") === "" ? "" : ` Run ${model.get("run")} asks nothing.`;
    empty.textContent = `No open questions.${scope} One that is asked shows here by itself.`;
    empty.hidden = shown.length > 0 || model.get("notice") !== "";
    notice.textContent = model.get("notice") || (model.get("more") > 0 ? `${model.get("more")} more questions wait behind these.` : "");
    notice.hidden = notice.textContent === "";
  };
  listen(model, signal, "change:cards change:more change:notice", draw);
  draw();
  const clock = setInterval(() => cards.forEach((card) => card.tick()), 1000);
  signal.addEventListener("abort", () => clearInterval(clock));
}

// Forms that show by themselves what they ask for.
const SELF_EVIDENT = new Set(["bool", "choice", "record", "fixed"]);

// One question: { root, tell(facts), tick() }.
function inboxCard(facts, answer, resume) {
  let now = facts;
  const warned = new Set();
  const field = formField(facts.form);
  const due = el("span", { class: "ng-inbox-due" }), age = el("span", { class: "faint" });
  const told = el("p", { class: "ng-inbox-told", role: "status", hidden: true });
  const go = el("button", { type: "submit", class: "ng-inbox-go" }, "Answer");
  const form = el("form", { class: "ng-inbox-form", novalidate: true }, field.root,
    el("div", { class: "ng-inbox-foot" }, go, SELF_EVIDENT.has(facts.form.kind) ? null : el("span", { class: "faint ng-inbox-hint", text: facts.hint })));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearSays(field);
    const gap = field.gaps().find((one) => !one.soft || !warned.has(one));
    if (gap === undefined) { answer(facts.id, field.draft()); return; }
    warned.add(gap);
    gap.says(gap.soft ? "this is still empty; press Answer again to leave it so" : "this is still empty");
    focusFirst(gap.root);
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form.requestSubmit(); }
  });
  const again = el("button", { type: "button", hidden: true, onclick: () => resume(facts.run) }, `Resume ${facts.run}`);
  const root = el("article", { class: "ng-inbox-card", data: { question: facts.id } },
    el("header", { class: "ng-inbox-from" }, el("b", { text: facts.node }), el("span", { class: "ng-inbox-run mono", text: facts.run }),
      el("span", { class: "faint", text: `of ${facts.graph}` }), el("span", { class: "ng-inbox-fill" }), age, due),
    el("div", { class: "ng-inbox-prompt", text: facts.prompt }), form,
    el("footer", { class: "ng-inbox-end" }, told, again));

  const tick = () => {
    const asked = now.asked === null ? "" : `asked ${agoText(Date.now() / 1000 - now.asked)}`;
    if (age.textContent !== asked) age.textContent = asked;
    const open = now.status !== "answered" && now.status !== "gone";
    const left = open && now.deadline !== null ? now.deadline - Date.now() / 1000 : null;
    due.hidden = left === null;
    if (left === null) return;
    due.textContent = left > 0 ? `${leftText(left)} left` : "time is up";
    due.title = now.default === null ? "" : `Then the answer is ${now.default}`;
    due.classList.toggle("ng-inbox-soon", left < 60);
  };
  const tell = (next) => {
    now = next;
    const done = next.status === "answered" || next.status === "gone";
    root.dataset.status = next.status;
    form.hidden = done;
    go.disabled = next.status === "sending";
    go.textContent = next.status === "sending" ? "Sending…" : "Answer";
    told.hidden = !done;
    told.textContent = done ? next.words : "";
    again.hidden = !next.resumable;
    if (next.status === "refused") fieldAt(field, next.path).says(next.words);
    tick();
  };
  return { root, tell, tick };
}

function agoText(seconds) {
  if (seconds < 45) return "just now";
  return `${spanText(seconds)} ago`;
}

function leftText(seconds) {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : spanText(seconds);
}

function spanText(seconds) {
  const steps = [[86400, "d"], [3600, "h"], [60, "min"]];
  const [size, unit] = steps.find(([size]) => seconds >= size * 1.5) ?? [60, "min"];
  return `${Math.max(1, Math.round(seconds / size))} ${unit}`;
}

export default { render };
