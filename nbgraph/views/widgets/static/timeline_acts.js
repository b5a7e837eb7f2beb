// What a timeline does beside showing spans: playing a run step by step, and saying what came of a fork.
import { el } from "./dom.js";
import { icon } from "./icons.js";

// standing() is [the step that is looked at, the latest step]; go(step) moves.
export function playerOf(button, standing, go) {
  let playing = 0;
  function stop() {
    clearInterval(playing);
    playing = 0;
    said();
  }
  function start() {
    const [at, latest] = standing();
    if (at >= latest) go(0);
    const rest = Math.max(40, Math.min(500, 15000 / Math.max(1, latest)));      // a long run plays in 15 seconds
    const jump = Math.max(1, Math.round((latest * rest) / 15000));
    playing = setInterval(() => {
      const [now, last] = standing();
      if (now >= last) stop(); else go(now + jump);
    }, rest);
    said();
  }
  function said() {
    button.replaceChildren(icon(playing ? "pause" : "resume"));
    button.title = playing ? "Pause" : "Play: step through the run";
    button.setAttribute("aria-label", playing ? "Pause" : "Play");
  }
  return { stop, toggle: () => { if (playing) stop(); else start(); } };
}

export function showFork(note, told, dismiss) {
  note.hidden = !told.kind;
  note.dataset.kind = told.kind ?? "";
  const parts = told.run ? ["new run ", el("b", { text: told.run }), " ", told.text, " ", el("code", { text: told.code })] : [told.text ?? ""];
  const copy = el("button", { type: "button", text: "Copy", onclick: () => navigator.clipboard?.writeText(told.code).then(() => { copy.textContent = "Copied"; }, () => {}) });
  const close = el("button", { type: "button", class: "ng-bare", title: "Close", "aria-label": "Close", onclick: dismiss }, icon("close"));
  note.replaceChildren(el("span", {}, parts), ...(told.code ? [copy] : []), close);
}
