// Controls for the fields of a form (views/forms.py). Each holds a draft: what is typed, chosen and listed, as plain data.
// Nothing is judged here beyond "still empty"; Python reads the draft and says what does not fit.
import { el } from "./dom.js";

// Returns { root, control, path, draft(), gaps(), says(words), inner() }: `draft()` is null while nothing is filled in,
// `gaps()` are the needed fields for which that is so (`soft`: it is empty, and may be).
export function formField(form, path = [], name = "", needed = true) {
  const field = { path, name, needed: needed && !form.nullable, inner: () => [] };
  Object.assign(field, FORM_FIELDS[form.kind](form, field));
  const says = el("p", { class: "ng-field-says", role: "alert", hidden: true });
  const optional = name !== "" && !field.needed ? el("span", { class: "ng-field-optional" }, "optional") : null;
  const head = name === "" ? null : el("span", { class: "ng-field-name" }, el("span", { text: name }), optional);
  const about = path.length ? aboutField(form) : "";   // the whole form's hint says it
  const kind = field.single ? "label" : "div";
  field.root = el(kind, { class: `ng-field ng-field-${form.kind}`, data: { path: JSON.stringify(path) } },
    head, field.control, about === "" ? null : el("span", { class: "ng-field-about", text: about }), says);
  if (!field.single && name !== "") { field.control.setAttribute("aria-label", name); }
  field.says = (words) => {
    says.textContent = words; says.hidden = words === "";
    field.root.classList.toggle("ng-field-wrong", words !== "");
  };
  field.gaps = () => {
    const gaps = field.inner().flatMap((inner) => inner.gaps());
    const gap = field.soft ? field.blank() : field.draft() === null;
    return field.needed && gap ? [field, ...gaps] : gaps;
  };
  return field;
}

// The field that a path leads to, or the nearest above it.
export function fieldAt(field, path) {
  const found = field.inner().find((inner) => path.length > field.path.length
    && inner.path.every((step, place) => step === path[place]));
  return found ? fieldAt(found, path) : field;
}

export function clearSays(field) {
  field.says("");
  field.inner().forEach(clearSays);
}

function aboutField(form) {
  const least = form.minimum ?? form.exclusiveMinimum, most = form.maximum ?? form.exclusiveMaximum;
  if (least !== undefined && most !== undefined) {
    return `${form.minimum === undefined ? "above " : ""}${least} ${form.maximum === undefined ? "to below" : "to"} ${most}`;
  }
  if (least !== undefined) return form.minimum === undefined ? `above ${least}` : `${least} or more`;
  if (most !== undefined) return form.maximum === undefined ? `below ${most}` : `at most ${most}`;
  return [countAbout(form.minLength, form.maxLength, "character"), countAbout(form.minItems, form.maxItems, "item"),
    form.pattern === undefined ? "" : `like ${form.pattern}`, FORMAT_ABOUT[form.format] ?? ""].filter((part) => part).join(", ");
}

function countAbout(least, most, unit) {
  if (least === undefined && most === undefined) return "";
  const amount = most === undefined ? `at least ${least}` : !least ? `at most ${most}`
    : least === most ? `${most}` : `${least} to ${most}`;
  return `${amount} ${unit}${(most ?? least) === 1 ? "" : "s"}`;
}

const FORMAT_ABOUT = { duration: "such as P1DT2H", uuid: "a UUID", decimal: "kept to the last digit" };
const FORMAT_INPUT = { date: "date", time: "time", "date-time": "datetime-local" };

// -- one control each

const FORM_FIELDS = {
  bool: (form, field) => choiceOf(["Yes", "No"], [true, false], field, true),
  choice: (form, field) => form.options.length <= 6
    ? choiceOf(form.options, form.options.map((_, place) => place), field, false)
    : selectOf(form.options, field),
  text: (form, field) => textOf(form, field),
  integer: (form) => numberOf(form, "numeric"),
  number: (form) => numberOf(form, "decimal"),
  fixed: (form) => ({ control: el("span", { class: "ng-field-fixed", text: form.text }), draft: () => true }),
  json: () => {
    const control = el("textarea", { rows: 3, spellcheck: "false", class: "mono", placeholder: 'JSON: 12, "text", [1, 2], {"a": true}' });
    return { single: true, control, draft: () => control.value.trim() === "" ? null : control.value };
  },
  list: (form, field) => rowsOf(form, field),
  tuple: (form, field) => {
    const inner = form.items.map((item, place) => formField(item, [...field.path, place], `${place + 1}`));
    return {
      control: el("div", { class: "ng-field-group", role: "group" }, inner.map((one) => one.root)),
      inner: () => inner, draft: () => inner.map((one) => one.draft()),
    };
  },
  record: (form, field) => {
    const inner = form.fields.map(({ name, needed, form: own }) => formField(own, [...field.path, name], name, needed));
    return optionally(field, {
      control: el("div", { class: "ng-field-group", role: "group" }, inner.map((one) => one.root)),
      inner: () => inner, draft: () => Object.fromEntries(inner.map((one) => [one.name, one.draft()])),
    });
  },
  map: (form, field) => pairsOf(form, field),
  union: (form, field) => unionOf(form, field),
};

// A segmented choice: one button of a few is pressed. Arrow keys move, a press on the chosen one takes it back
// where the field may stay empty.
function choiceOf(texts, values, field) {
  let chosen = -1;
  const pick = (place) => {
    chosen = place === chosen && !field.needed ? -1 : place;
    buttons.forEach((button, at) => {
      button.setAttribute("aria-checked", String(at === chosen));
      button.tabIndex = at === Math.max(chosen, 0) ? 0 : -1;
    });
  };
  const buttons = texts.map((text, place) => el("button", {
    type: "button", role: "radio", class: "ng-field-pick", onclick: () => pick(place),
    onkeydown: (event) => {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (by === undefined) return;
      event.preventDefault();
      const to = (place + by + texts.length) % texts.length;
      chosen = -1; pick(to); buttons[to].focus();
    },
  }, text));
  pick(-1);
  return {
    control: el("div", { class: "ng-field-picks", role: "radiogroup" }, buttons),
    draft: () => chosen < 0 ? null : values[chosen],
  };
}

function selectOf(texts, field) {
  const control = el("select", {}, el("option", { value: "" }, field.needed ? "choose one" : "(none)"),
    texts.map((text, place) => el("option", { value: place }, text)));
  return { single: true, control, draft: () => control.value === "" ? null : Number(control.value) };
}

// A text that is needed may be empty, "" is a text; but that is asked twice. One that is optional is left out then.
function textOf(form, field) {
  const input = FORMAT_INPUT[form.format];
  const control = form.long ? el("textarea", { rows: field.path.length ? 1 : 2 }) : el("input", { type: input ?? "text", step: input ? "1" : undefined });
  if (form.long) control.addEventListener("input", () => growText(control));
  const blank = () => control.value === "";
  return { single: true, control, soft: !input, draft: () => blank() && (input || !field.needed) ? null : control.value, blank };
}

function growText(area) {
  area.style.height = "auto";
  area.style.height = `${Math.min(area.scrollHeight + 2, 320)}px`;
}

// A text field, not type=number: what is typed stays as it is, whatever it is, and no digit of a long number is lost.
function numberOf(form, mode) {
  const control = el("input", { type: "text", inputmode: mode, class: "ng-field-short", autocomplete: "off" });
  return { single: true, control, draft: () => control.value.trim() === "" ? null : control.value };
}

function rowsOf(form, field) {
  const rows = [], list = el("div", { class: "ng-field-rows" });
  const renumber = () => rows.forEach((row, place) => {
    row.box.firstChild.textContent = `${place + 1}`;
    repath(row.field, field.path, place);
  });
  const drop = (row) => { rows.splice(rows.indexOf(row), 1); row.box.remove(); renumber(); };
  const add = () => {
    const row = { field: formField(form.item, [...field.path, rows.length], "") };
    row.box = el("div", { class: "ng-field-row" }, el("span", { class: "ng-field-place" }), row.field.root,
      el("button", { type: "button", class: "ng-field-drop", "aria-label": "Remove this item", title: "Remove", onclick: () => drop(row) }, "×"));
    rows.push(row); list.append(row.box); renumber();
    return row;
  };
  const more = el("button", { type: "button", class: "ng-field-add", onclick: () => focusFirst(add().field.root) }, "+ Add an item");
  for (let place = 0; place < Math.min(form.minItems ?? 0, 20); place++) add();
  return optionally(field, {
    control: el("div", { class: "ng-field-group", role: "group" }, list, more),
    inner: () => rows.map((row) => row.field), draft: () => rows.map((row) => row.field.draft()),
  });
}

// An item that moved up in its list is at another place, and so is everything in it.
function repath(field, above, place) {
  const move = (one) => {
    one.path = [...above, place, ...one.path.slice(above.length + 1)];
    one.root.dataset.path = JSON.stringify(one.path);
    one.inner().forEach(move);
  };
  move(field);
}

function pairsOf(form, field) {
  const rows = [], list = el("div", { class: "ng-field-rows" });
  const add = () => {
    const row = { key: el("input", { type: "text", placeholder: "name", "aria-label": "Name", class: "ng-field-key" }) };
    row.field = formField(form.item, [...field.path, ""], "");
    row.key.addEventListener("input", () => repath(row.field, field.path, row.key.value));
    row.box = el("div", { class: "ng-field-row" }, row.key, row.field.root,
      el("button", { type: "button", class: "ng-field-drop", "aria-label": "Remove this entry", title: "Remove",
        onclick: () => { rows.splice(rows.indexOf(row), 1); row.box.remove(); } }, "×"));
    rows.push(row); list.append(row.box);
    return row;
  };
  const more = el("button", { type: "button", class: "ng-field-add", onclick: () => add().key.focus() }, "+ Add an entry");
  return optionally(field, {
    control: el("div", { class: "ng-field-group", role: "group" }, list, more),
    inner: () => rows.map((row) => row.field), draft: () => rows.map((row) => [row.key.value, row.field.draft()]),
  });
}

function unionOf(form, field) {
  let option = -1, inner = null;
  const place = el("div", { class: "ng-field-union-of" });
  const pick = choiceOf(form.options.map(({ label }) => label), form.options.map((_, at) => at), field);
  const show = () => {
    const chosen = pick.draft() ?? -1;
    if (chosen === option) return;
    option = chosen;
    inner = option < 0 ? null : formField(form.options[option].form, field.path, "");
    place.replaceChildren(...(inner === null ? [] : [inner.root]));
  };
  pick.control.addEventListener("click", show);
  pick.control.addEventListener("keydown", show);
  return {
    control: el("div", { class: "ng-field-union" }, pick.control, place),
    inner: () => inner === null ? [] : [inner],
    draft: () => inner === null ? null : { option, draft: inner.draft() },
  };
}

// A group that may be left out has a box to tick: while it is not ticked, nothing is there.
function optionally(field, group) {
  if (field.needed) return group;
  const tick = el("input", { type: "checkbox", onchange: () => { group.control.hidden = !tick.checked; } });
  group.control.hidden = true;
  const control = el("div", { class: "ng-field-optionally" }, el("label", {}, tick, " give it"), group.control);
  return {
    control, inner: () => tick.checked ? group.inner() : [],
    draft: () => tick.checked ? group.draft() : null,
  };
}

export function focusFirst(root) {
  root.querySelector("input, textarea, select, button:not([tabindex='-1'])")?.focus();
}
