// Small pictures for buttons, drawn alike on every system: a glyph of a font would not be.
import { svg } from "./dom.js";

const ICONS = {
  resume: "M4 2.5 L13 8 L4 13.5 Z",
  pause: "M3.5 2.5 H6.5 V13.5 H3.5 Z M9.5 2.5 H12.5 V13.5 H9.5 Z",
  step: "M3 2.5 L10.5 8 L3 13.5 Z M11 2.5 H13.4 V13.5 H11 Z",
  until: "M1.5 7 H7 V3.5 L11.6 8 L7 12.5 V9 H1.5 Z M12.4 2.5 H14.4 V13.5 H12.4 Z",
  cancel: "M3 3 H13 V13 H3 Z",
  fork: "M4.5 1.6 a1.9 1.9 0 1 1 -.01 0 Z M11.5 1.6 a1.9 1.9 0 1 1 -.01 0 Z M8 10.6 a1.9 1.9 0 1 1 -.01 0 Z M3.8 5 H5.2 C5.2 7.6 8 6.6 8 8.4 C8 6.6 10.8 7.6 10.8 5 H12.2 C12.2 8.2 8.7 7.6 8.7 9.4 V10.8 H7.3 V9.4 C7.3 7.6 3.8 8.2 3.8 5 Z",
  plus: "M7 3 H9 V7 H13 V9 H9 V13 H7 V9 H3 V7 H7 Z",
  minus: "M3 7 H13 V9 H3 Z",
  fit: "M2 2 H6.5 V3.8 H3.8 V6.5 H2 Z M9.5 2 H14 V6.5 H12.2 V3.8 H9.5 Z M2 9.5 H3.8 V12.2 H6.5 V14 H2 Z M12.2 9.5 H14 V14 H9.5 V12.2 H12.2 Z",
  back: "M8 2.5 V6 H14 V10 H8 V13.5 L1.5 8 Z",
  close: "M4.2 3 L8 6.8 L11.8 3 L13 4.2 L9.2 8 L13 11.8 L11.8 13 L8 9.2 L4.2 13 L3 11.8 L6.8 8 L3 4.2 Z",
};

export function icon(name) {
  return svg("svg", { class: "ng-icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: ICONS[name] }));
}
