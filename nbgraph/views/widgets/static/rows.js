// A long list of which only what is in sight is in the page. Rows have one height; ten thousand are as quick as ten.
import { el, coalesced } from "./dom.js";

// `row(item, place)` makes a row's element; a row is made anew only when its item is another object.
export function windowedRows({ height, most, row, signal, attributes }) {
  let items = [], made = new Map();
  const body = el("div", { class: "ng-rows-body", role: "presentation" });
  const root = el("div", { class: "ng-rows", tabindex: 0, ...attributes }, body);
  const draw = () => {
    const first = Math.max(0, Math.floor(root.scrollTop / height) - 8);
    const last = Math.min(items.length, first + Math.ceil((root.clientHeight || most) / height) + 16);
    const now = new Map();
    for (let place = first; place < last; place++) {
      const old = made.get(place);
      const kept = old !== undefined && old.item === items[place] ? old : { item: items[place], element: row(items[place], place) };
      kept.element.style.transform = `translateY(${place * height}px)`;
      now.set(place, kept);
    }
    for (const [place, old] of made) if (now.get(place)?.element !== old.element) old.element.remove();
    for (const { element } of now.values()) if (element.parentNode !== body) body.append(element);
    made = now;
  };
  const ask = coalesced(draw, signal);
  root.addEventListener("scroll", ask, { signal, passive: true });
  const size = new ResizeObserver(ask);
  size.observe(root);
  signal.addEventListener("abort", () => size.disconnect());
  return {
    root,
    show(next) {
      items = next;
      body.style.height = `${items.length * height}px`;
      root.style.height = `${Math.min(most, Math.max(1, items.length) * height + 2)}px`;
      draw();
    },
    again() { made.forEach(({ element }) => element.remove()); made = new Map(); draw(); },
    reveal(place) {
      const top = place * height, page = root.clientHeight || most;
      if (top < root.scrollTop) root.scrollTop = top;
      else if (top + height > root.scrollTop + page) root.scrollTop = top + height - page + 2;
      draw();
    },
    page: () => Math.max(1, Math.floor((root.clientHeight || most) / height) - 1),
  };
}

// Where an arrow key leads in a list of `count` rows; -1 for a key that leads nowhere.
export function rowAfterKey(key, place, count, page) {
  const to = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: count - 1, PageDown: place + page, PageUp: place - page }[key];
  return to === undefined || count === 0 ? -1 : Math.min(count - 1, Math.max(0, to));
}
