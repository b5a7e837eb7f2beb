// Looking at a large drawing through a small window: fit, zoom, pan. The page's own scrolling is left alone.

const CLOSEST = 3, MARGIN = 10;

// `stage` is the window, `picture` the svg in it. Returns what buttons and keys call.
export function camera(stage, signal) {
  let picture = null, full = { width: 1, height: 1 };
  let scale = 1, left = 0, top = 0;      // of the drawing: pixels a unit, and what is in the window's corner
  let touched = false;                   // a person chose where to look: a new size does not change that

  const size = () => ({ width: Math.max(1, stage.clientWidth), height: Math.max(1, stage.clientHeight) });
  const fitting = () => {
    const { width, height } = size();
    return Math.min(1, (width - 2 * MARGIN) / full.width, (height - 2 * MARGIN) / full.height);
  };

  function apply() {
    const { width, height } = size();
    picture?.setAttribute("viewBox", `${left} ${top} ${width / scale} ${height / scale}`);
  }

  function show(element, width, height) {
    picture = element;
    full = { width, height };
    element.setAttribute("width", "100%");
    element.setAttribute("height", "100%");
    element.setAttribute("preserveAspectRatio", "xMidYMid meet");
    fit();
  }

  function fit() {
    touched = false;
    scale = Math.max(0.02, fitting());
    centre(full.width / 2, full.height / 2);
  }

  function centre(x, y) {
    const { width, height } = size();
    left = x - width / scale / 2;
    top = y - height / scale / 2;
    apply();
  }

  // Zoom by a factor, keeping the point (x, y) of the window where it is.
  function zoom(factor, x = size().width / 2, y = size().height / 2) {
    const next = Math.min(CLOSEST, Math.max(Math.min(0.1, fitting()), scale * factor));
    left += x / scale - x / next;
    top += y / scale - y / next;
    scale = next;
    touched = true;
    apply();
  }

  function pan(dx, dy) {
    left -= dx / scale;
    top -= dy / scale;
    touched = true;
    apply();
  }

  // Bring a box of the drawing into the window, if it is not in it.
  function reveal({ x, y, width, height }) {
    const seen = { width: size().width / scale, height: size().height / scale };
    const inside = x >= left && y >= top && x + width <= left + seen.width && y + height <= top + seen.height;
    if (!inside) { touched = true; centre(x + width / 2, y + height / 2); }
  }

  // Pixels of the page -> units of the drawing.
  const at = (event) => {
    const corner = stage.getBoundingClientRect();
    return { x: left + (event.clientX - corner.left) / scale, y: top + (event.clientY - corner.top) / scale };
  };

  stage.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;    // a pinch comes as ctrl and wheel; all else scrolls the page
    event.preventDefault();
    const corner = stage.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY / 300), event.clientX - corner.left, event.clientY - corner.top);
  }, { signal, passive: false });
  draggable(stage, pan, signal);

  const watcher = new ResizeObserver(() => (touched ? apply() : fit()));
  watcher.observe(stage);
  signal.addEventListener("abort", () => watcher.disconnect());
  return { show, fit, zoom, pan, reveal, at, get scale() { return scale; } };
}

// Dragging moves the drawing; a click that only trembled stays a click.
function draggable(stage, pan, signal) {
  let from = null, moved = false;
  stage.addEventListener("pointerdown", (event) => {
    if (event.button === 0) { from = { x: event.clientX, y: event.clientY }; moved = false; }
  }, { signal });
  stage.addEventListener("pointermove", (event) => {
    if (!from) return;
    const dx = event.clientX - from.x, dy = event.clientY - from.y;
    if (!moved && Math.hypot(dx, dy) < 4) return;
    if (!moved) { moved = true; stage.setPointerCapture(event.pointerId); stage.classList.add("ng-dragging"); }
    from = { x: event.clientX, y: event.clientY };
    pan(dx, dy);
  }, { signal });
  const end = () => { from = null; stage.classList.remove("ng-dragging"); };
  stage.addEventListener("pointerup", end, { signal });
  stage.addEventListener("pointercancel", end, { signal });
  stage.addEventListener("click", (event) => { if (moved) { event.stopPropagation(); moved = false; } }, { signal, capture: true });
}
