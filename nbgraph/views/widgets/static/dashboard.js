// Everything about a run in one output. Each view has a page side of its own; here they only get their places.
import { el, listen, sender, whenGone } from "./dom.js";
import { icon } from "./icons.js";

const ORDER = ["controls", "inbox", "graph", "inspector", "timeline", "costs"];
const TITLES = { controls: "Controls", inbox: "Open questions", graph: "Graph", inspector: "State", timeline: "Timeline", costs: "Costs" };
// Places that take room only while there is something in them, by the trait that says so.
const FILLED = { inbox: "cards", costs: "rows" };

function render({ model, el: host, signal }) {
  const say = sender(model);
  const places = new Map(ORDER.map((name) => [name, el("div", { class: `ng-area ng-area-${name}`, role: "region", "aria-label": TITLES[name], hidden: true })]));
  const views = new Map();       // place -> what is there
  const trail = el("div", { class: "ng-trail", hidden: true });
  host.replaceChildren(el("div", { class: "ng ng-dash" }, trail, el("div", { class: "ng-areas" }, ...places.values())));
  whenGone(model, host, signal);
  let turn = Promise.resolve();

  // One after the other: while views are on their way, the model may name others already.
  function arrange() {
    turn = turn.then(() => Promise.all([...places].map(([name, place]) => settle(name, place)))).catch((error) => console.error(error));
  }

  async function settle(name, place) {
    const reference = model.get("areas")[name];
    if (views.get(name)?.reference === reference) return;
    const child = reference ? await model.widget_manager.get_model(reference.replace("IPY_MODEL_", "")) : undefined;
    const view = child && !signal.aborted ? await model.widget_manager.create_view(child) : undefined;
    remove(views.get(name));
    if (view && signal.aborted) { view.remove(); return; }
    const show = () => { place.hidden = !view || (name in FILLED && !child.get(FILLED[name])?.length); };
    child?.on(`change:${FILLED[name]}`, show);
    views.set(name, { name, reference, view, child, show });
    place.replaceChildren(...(view ? [view.el] : []));
    show();
  }

  function remove(placed) {
    placed?.child?.off(`change:${FILLED[placed.name]}`, placed.show);
    placed?.view?.remove();
  }

  function path() {
    const before = model.get("trail");
    trail.hidden = before.length === 0;
    trail.replaceChildren(...(before.length ? [el("button", { type: "button", class: "ng-return", onclick: () => say("back") }, icon("back"), `Back to run ${before.at(-1)}`)] : []));
  }

  listen(model, signal, "change:areas", arrange);
  listen(model, signal, "change:trail", path);
  signal.addEventListener("abort", () => [...views.values()].forEach(remove));
  path();
  arrange();
  return turn;
}

export default { render: async (given) => { await render(given); } };
