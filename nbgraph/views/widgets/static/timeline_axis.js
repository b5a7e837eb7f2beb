// The axis of a timeline: grid lines on the canvas, labels and gaps beside it.
import { el } from "./dom.js";
import { durationWords, folded, spacing, tickWords, unfolded } from "./timescale.js";

export function axisOf(axis, pen, facts, view, theme, left, tall) {
  pen.fillStyle = theme.line;
  pen.globalAlpha = 0.8;
  const marks = facts.axis === "time" ? ticksOf(facts, view) : [];
  for (const [x] of marks) pen.fillRect(Math.round(x), 0, 1, tall);
  pen.globalAlpha = 1;
  while (axis.children.length > marks.length) axis.lastChild.remove();
  while (axis.children.length < marks.length) axis.append(el("span", {}));
  marks.forEach(([x, text], turn) => {
    axis.children[turn].textContent = text;
    axis.children[turn].style.left = `${Math.round(left + x)}px`;
  });
  axis.dataset.note = facts.axis === "order" ? "in the order of causes, not to scale" : "";
}

function ticksOf(facts, { t0, t1, scale, width }) {
  const from = folded(facts.folds, Math.max(0, t0)), to = folded(facts.folds, t1), marks = [];
  const step = spacing(to - from, Math.max(2, Math.floor(width / 90)));
  for (let turn = Math.ceil(from / step - 1e-6); turn * step <= to * (1 + 1e-9) && marks.length < 60; turn++) {
    const x = (unfolded(facts.folds, turn * step) - t0) * scale;
    if (x >= 0 && x <= width - 12) marks.push([x, tickWords(turn * step, step)]);
  }
  return marks;
}

export function gapsOf(gaps, facts, { t0, scale, width }, left) {
  const found = facts.folds.map(([at, wide, seconds]) => ({ x: (at - t0) * scale, wide: wide * scale, seconds }))
    .filter(({ x, wide }) => x + wide > 0 && x < width);
  while (gaps.children.length > found.length) gaps.lastChild.remove();
  while (gaps.children.length < found.length) gaps.append(el("div", { class: "ng-tl-gap" }, el("span", {})));
  found.forEach(({ x, wide, seconds }, turn) => {
    const gap = gaps.children[turn], from = Math.max(0, x);
    gap.style.left = `${left + from}px`;
    gap.style.width = `${Math.min(width, x + wide) - from}px`;
    gap.firstChild.textContent = wide > 34 ? durationWords(seconds).split(" ").slice(0, 2).join(" ") : "";
  });
}
