// The buttons of a run. What may be clicked, and why not, is said by Python; nothing is decided here.
import { el, listen, sender, whenGone } from "./dom.js";
import { icon } from "./icons.js";

const LABELS = { resume: "Resume", pause: "Pause", step: "Step", until: "Run to", cancel: "Stop", fork: "Fork" };
const HINTS = {
  resume: "Go on from where the run stands, with the graph's current code",
  pause: "Stop after the nodes that run now; their results are kept",
  step: "Run exactly one task, the next in order",
  until: "Run until this node is about to run",
  cancel: "Stop within a second; what was committed is kept",
  fork: "Start a new run that shares the past up to this step; this run is not touched",
};
const DOING = { resume: "resuming…", pause: "pausing…", step: "stepping…", until: "running on…", cancel: "stopping…", fork: "forking…" };
const GONE = "the kernel that showed this run is gone; run the cell again";
const WORDS = { interrupted: "interrupted (its process is gone)", waiting: "waits for a person" };

function render({ model, el: host, signal }) {
  const say = sender(model, signal);
  let gone = false;            // with its kernel
  let pressed = "";            // clicked, and not yet answered by Python: a busy kernel may take a while
  let since = performance.now();

  const buttons = {};
  for (const verb of ["resume", "pause", "step", "cancel", "until", "fork"]) {
    const label = el("span", { class: "ng-text", text: LABELS[verb] });
    buttons[verb] = el("button", { type: "button", class: `ng-do ng-do-${verb}`, data: { verb }, onclick: () => press(verb) }, icon(verb), label);
  }
  const target = el("select", { class: "ng-target", "aria-label": "Run to node", title: HINTS.until });
  const dot = el("span", { class: "ng-dot", "aria-hidden": "true" });
  const word = el("b", { class: "ng-word" });
  const count = el("span", { class: "ng-steps" });
  const clock = el("span", { class: "ng-clock", title: "Time that the run was driven; pauses do not count" });
  const cost = el("span", { class: "ng-cost", title: "What this run's calls cost" });
  const holder = el("span", { class: "ng-holder faint" });
  const status = el("div", { class: "ng-status", role: "status", "aria-live": "polite" }, dot, word);
  const note = el("div", { class: "ng-note", role: "alert", hidden: true });
  const why = el("div", { class: "ng-why", role: "note", hidden: true });
  host.replaceChildren(el("div", { class: "ng ng-controls" },
    el("div", { class: "ng-bar", role: "group", "aria-label": `Run ${model.get("run_id")}` },
      el("div", { class: "ng-group" }, buttons.resume, buttons.pause, buttons.step, buttons.cancel),
      el("div", { class: "ng-group ng-joined" }, buttons.until, target),
      el("div", { class: "ng-tells" }, status, count, clock, cost, holder),
      el("div", { class: "ng-group ng-last" }, buttons.fork)),
    why, note));

  function press(verb) {
    const standing = model.get("standing");
    if (buttons[verb].getAttribute("aria-disabled") === "true") return;
    pressed = verb;
    draw();
    say(verb, verb === "until" ? { node: target.value } : verb === "fork" ? { step: standing.at } : {});
  }

  function answered() {
    pressed = "";
    since = performance.now();
    draw();
  }

  function draw() {
    const standing = model.get("standing");
    const refused = standing.refused ?? {};
    const asked = pressed || standing.asked;
    for (const [verb, button] of Object.entries(buttons)) {
      // aria-disabled, not disabled: the reason is in the title, and focus stays where it was.
      const why = gone ? GONE : pressed && (pressed === verb || verb !== "cancel") ? DOING[pressed] : refused[verb] ?? "loading…";
      const off = why !== "";
      button.setAttribute("aria-disabled", String(off));
      button.title = off ? why : verb === "fork" && standing.steps ? HINTS.fork.replace("this step", `step ${standing.at}`) : HINTS[verb];
      button.classList.toggle("ng-busy", asked === verb && !gone);
    }
    target.disabled = buttons.until.getAttribute("aria-disabled") === "true";
    label("resume", standing.status === "running" || standing.steps ? "Resume" : "Run");
    label("fork", "Fork", standing.steps ? ` from step ${standing.at}` : "");
    status.dataset.status = standing.status ?? "";
    status.dataset.asked = standing.asked ?? "";      // said by Python: the run knows
    status.classList.toggle("ng-going", Boolean(standing.going) && !gone);
    if (gone) status.dataset.status = "gone";
    word.textContent = gone ? "its kernel is gone" : asked ? DOING[asked] : WORDS[standing.status] ?? standing.status ?? "";
    count.textContent = standing.steps === 1 ? "1 step" : `${(standing.steps ?? 0).toLocaleString("en")} steps`;
    cost.textContent = standing.cost ?? "";
    cost.hidden = !standing.cost;
    holder.textContent = standing.holder ? `driven by ${standing.holder}` : "";
    const [stopped, next] = standing.stopped ?? ["", ""];
    why.hidden = !stopped || Boolean(asked) || gone;
    why.replaceChildren(el("div", {}, el("span", { class: "ng-said", text: stopped }), ...more({ todo: next })));
    time();
  }

  // What the button can do without on a narrow page stays in its name for those who do not see it.
  function label(verb, text, more = "") {
    buttons[verb].querySelector(".ng-text").replaceChildren(text, el("span", { class: "ng-more", text: more }));
    if (more) buttons[verb].setAttribute("aria-label", text + more); else buttons[verb].removeAttribute("aria-label");
  }

  function time() {
    const standing = model.get("standing");
    const seconds = (standing.elapsed ?? 0) + (standing.going ? (performance.now() - since) / 1000 : 0);
    clock.textContent = seconds < 1 && !standing.going ? `${Math.round(seconds * 1000)} ms` : lasted(seconds);
  }

  function choices() {
    const chosen = target.value;
    target.replaceChildren(...model.get("nodes").map((name) => el("option", { value: name, text: name })));
    if (model.get("nodes").includes(chosen)) target.value = chosen;
  }

  function tell() {
    const told = model.get("note");
    note.hidden = !told.kind;
    note.dataset.kind = told.kind ?? "";
    const words = told.kind === "forked" ? [`Forked from step ${told.step}: the new run is `, el("code", { text: told.run }), "."] : [told.text ?? ""];
    note.replaceChildren(el("div", {}, el("span", { class: "ng-said" }, ...words), ...more(told)),
      el("button", { type: "button", class: "ng-bare", "aria-label": "Dismiss", title: "Dismiss", onclick: () => say("dismiss") }, icon("close")));
  }

  function more(told) {
    if (told.kind === "forked") {
      return told.opens
        ? [" ", el("button", { type: "button", class: "ng-open", text: "Open it here", onclick: () => say("open") })]
        : [el("span", { class: "ng-todo" }, "Look at it with ", el("code", { text: `engine.open(${JSON.stringify(told.run)}).view()` }))];
    }
    return told.todo ? [el("span", { class: "ng-todo" }, el("b", { text: "Next: " }), told.todo)] : [];
  }

  whenGone(model, host, signal, () => { gone = true; draw(); });
  listen(model, signal, "change:standing", answered);
  listen(model, signal, "change:nodes", choices);
  listen(model, signal, "change:note", tell);
  const timer = setInterval(() => { if (model.get("standing").going && !gone) time(); }, 200);
  signal.addEventListener("abort", () => clearInterval(timer));
  choices();
  draw();
  tell();
}

// 3.4 s, 2 min 05 s, 1 h 02 min
function lasted(seconds) {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.floor(seconds), two = (n) => String(n).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

export default { render };
