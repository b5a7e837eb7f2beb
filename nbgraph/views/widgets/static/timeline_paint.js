// Paints the spans of a timeline on a canvas: what is off the screen is skipped, what is under a pixel is merged.
import { KINDS, LOOKS } from "./timeline_spans.js";

const ORDER = { wait: 0, pause: 1, attempt: 2, edit: 2, ask: 2, call: 3 };
const WEIGHT = ["done", "reused", "skipped", "idle", "ready", "running", "retried", "waiting", "failed"];
const MARKS = { running: "▶", retried: "↻", failed: "✗", waiting: "?" };
const HATCH = { failed: [[-2, 2, 2, -2], [0, 8, 8, 0], [6, 10, 10, 6]], retried: [[-2, 6, 2, 10], [0, 0, 8, 8], [6, -2, 10, 2]], waiting: [[2, 3, 2, 5], [6, 7, 6, 9]] };

// The colours of the theme that the page has now, and its hatchings.
export function themeOf(root) {
  const style = getComputedStyle(root);
  const colour = (name) => style.getPropertyValue(`--ng-${name}`).trim();
  const theme = { paper: colour("paper"), ink: colour("ink"), faint: colour("faint"), line: colour("line"), looks: [] };
  theme.looks = LOOKS.map((look) => ({
    fill: colour(`${look}-fill`), line: colour(`${look}-line`), text: colour(`${look}-text`), hatch: hatch(look, colour(`${look}-line`)),
  }));
  return theme;
}

function hatch(look, colour) {
  if (!HATCH[look]) return null;
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const pen = tile.getContext("2d");
  pen.strokeStyle = colour;
  pen.globalAlpha = 0.6;
  pen.lineWidth = 1.1;
  for (const [x, y, u, v] of HATCH[look]) { pen.beginPath(); pen.moveTo(x, y); pen.lineTo(u, v); pen.stroke(); }
  return pen.createPattern(tile, "repeat");
}

// view: { t0, scale (px per s), width, top (first pixel row), bottom, lanes: [{ y, row, shown }] by lane, now, named, names, hover }
export function paint(pen, table, open, view, theme) {
  const groups = [...table.groups.keys()].sort((one, other) => rank(one) - rank(other));
  for (const group of groups) paintGroup(pen, table, table.groups.get(group), group, view, theme);
  for (const group of [...open.groups.keys()].sort((one, other) => rank(one) - rank(other))) {
    paintGroup(pen, open, open.groups.get(group), group, view, theme);
  }
}

function rank(group) {
  return ORDER[KINDS[group >> 4]] * 16 + WEIGHT.indexOf(LOOKS[group & 15]);
}

function paintGroup(pen, table, places, group, view, theme) {
  const kind = KINDS[group >> 4], status = LOOKS[group & 15], look = theme.looks[group & 15];
  const times = table.times.values, codes = table.codes.values, { t0, scale, width, top, bottom, lanes, now } = view;
  const thin = kind === "wait" || kind === "pause", called = kind === "call";
  const least = thin || called || status === "done" || status === "reused" ? 1 : 5;
  const wide = [];
  const last = new Map();       // lane and row -> the pixel up to which it is painted: what ends before it adds nothing
  pen.fillStyle = kind === "wait" ? theme.faint : look.line;
  pen.globalAlpha = kind === "wait" ? 0.55 : 1;
  for (let turn = 0; turn < places.length; turn++) {
    const place = places[turn];
    const end = times[2 * place + 1], x1 = ((end === end ? end : now) - t0) * scale;
    if (x1 < 0) continue;
    const x0 = (times[2 * place] - t0) * scale;
    if (x0 > width) continue;
    const lane = lanes[codes[4 * place]];
    if (!lane) continue;
    const row = codes[4 * place + 1], y = lane.y + row * lane.row - top;
    if (y > bottom || y + lane.row < 0) continue;
    const left = x0 < 0 ? -4 : Math.round(x0), right = x1 > width ? width + 4 : Math.max(left + least, Math.round(x1));
    const key = codes[4 * place] * 65536 + row;
    if (right - left <= 1) {
      if (last.get(key) >= right) continue;
      last.set(key, right);
    }
    const tall = lane.row - 2;
    if (thin) line(pen, left, right, y + 1 + Math.round(tall / 2), kind === "pause");
    else if (called) pen.fillRect(left, y + 1 + tall - 3, Math.max(1, right - left), 3);
    else {
      pen.fillRect(left, y + 1, right - left, tall);
      if (right - left > 3) wide.push(place, left, right, y + 1, tall);
    }
  }
  pen.globalAlpha = 1;
  if (wide.length) inside(pen, table, wide, status, look, view);
}

function line(pen, left, right, y, dashed) {
  if (!dashed) { pen.fillRect(left, y, right - left, 1); return; }
  for (let x = left; x < right; x += 5) pen.fillRect(x, y, Math.min(2, right - x), 1);
}

function inside(pen, table, wide, status, look, view) {
  const open = status === "running" ? 0 : 1;
  pen.fillStyle = look.fill;
  for (let turn = 0; turn < wide.length; turn += 5) {
    pen.fillRect(wide[turn + 1] + 1, wide[turn + 3] + 1, wide[turn + 2] - wide[turn + 1] - 1 - open, wide[turn + 4] - 2);
  }
  if (look.hatch) {
    pen.fillStyle = look.hatch;
    for (let turn = 0; turn < wide.length; turn += 5) pen.fillRect(wide[turn + 1] + 1, wide[turn + 3] + 1, wide[turn + 2] - wide[turn + 1] - 2, wide[turn + 4] - 2);
  }
  labels(pen, table, wide, MARKS[status] ?? "", look, view);
}

function labels(pen, table, wide, mark, look, view) {
  pen.fillStyle = look.text;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.font = "10px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif";
  for (let turn = 0; turn < wide.length; turn += 5) {
    const left = Math.max(0, wide[turn + 1]), right = Math.min(view.width, wide[turn + 2]), room = right - left - 8;
    if (wide[turn + 4] < 11 || room < 8) continue;
    const name = view.named && KINDS[table.kind(wide[turn])] === "attempt" ? view.names[table.name(wide[turn])] ?? "" : "";
    const text = [`${mark} ${name}`.trim(), mark].find((words) => words && words.length * 6 <= room + 4);
    if (text) pen.fillText(text, (left + right) / 2, wide[turn + 3] + wide[turn + 4] / 2 + 0.5);
  }
}
