// A drawing on the page: the same tree that a picture in a file is written from, and what a run changes in it.
import { svg } from "./dom.js";

// [tag, attributes, children] -> elements; `keyed` gets those that may change, by their data-key.
export function grow([tag, attributes, children], keyed) {
  const made = svg(tag, attributes, ...children.map((child) => (typeof child === "string" ? child : grow(child, keyed))));
  const key = attributes["data-key"];
  if (key) keyed.set(key, made);
  return made;
}

// Only what is otherwise is touched, so that nothing flickers.
export function paint(keyed, patches) {
  for (const [key, changes] of Object.entries(patches)) {
    const element = keyed.get(key);
    if (!element) continue;
    for (const [name, value] of Object.entries(changes)) {
      if (name === "text") { if (element.textContent !== value) element.textContent = value; }
      else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
    }
  }
}
