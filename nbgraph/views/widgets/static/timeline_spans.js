// The spans of a timeline as columns, and what is looked up in them: by place, by step.

export const KINDS = ["attempt", "call", "wait", "pause", "ask", "edit"];
export const LOOKS = ["idle", "ready", "running", "done", "reused", "retried", "failed", "waiting", "skipped"];
const CALL = 1, WAIT = 2, PAUSE = 3;

// A buffer may begin anywhere in its message: only a copy is aligned.
function copied(view, Kind) {
  return new Kind(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

class Growing {
  constructor(Kind, size) { this.Kind = Kind; this.values = new Kind(size); this.length = 0; }
  add(more) {
    if (this.length + more.length > this.values.length) {
      const wider = new this.Kind(2 * (this.length + more.length));
      wider.set(this.values.subarray(0, this.length));
      this.values = wider;
    }
    this.values.set(more, this.length);
    this.length += more.length;
  }
}

export class SpanTable {
  constructor() {
    this.times = new Growing(Float64Array, 512);
    this.codes = new Growing(Uint16Array, 1024);
    this.steps = new Growing(Uint32Array, 256);
    this.groups = new Map();      // look -> places of its spans: what is painted in one colour
    this.rows = new Map();        // lane and row -> places of its tries, in time; what a pointer may hit
    this.inner = new Map();       // the same for calls
    this.ends = new Map();        // step -> place of its last try
    this.heights = [];            // rows of each lane
    this.begins = [];             // where each lane begins
    this.last = 0;
  }

  get length() { return this.steps.length; }
  start(place) { return this.times.values[2 * place]; }
  end(place) { return this.times.values[2 * place + 1]; }
  lane(place) { return this.codes.values[4 * place]; }
  row(place) { return this.codes.values[4 * place + 1]; }
  look(place) { return this.codes.values[4 * place + 2]; }
  kind(place) { return this.look(place) >> 13; }
  status(place) { return (this.look(place) >> 9) & 15; }
  attempt(place) { return this.look(place) & 511; }
  name(place) { return this.codes.values[4 * place + 3]; }
  step(place) { return this.steps.values[place]; }

  append([times, codes, steps]) {
    const first = this.length;
    this.times.add(copied(times, Float64Array));
    this.codes.add(copied(codes, Uint16Array));
    this.steps.add(copied(steps, Uint32Array));
    for (let place = first; place < this.length; place++) this.index(place);
  }

  index(place) {
    const lane = this.lane(place), row = this.row(place), kind = this.kind(place), key = lane * 65536 + row;
    listed(this.groups, this.look(place) >> 9).push(place);
    if (kind === CALL) listed(this.inner, key).push(place);
    else if (kind !== WAIT && kind !== PAUSE) {
      listed(this.rows, key).push(place);
      if (this.step(place)) this.ends.set(this.step(place), place);
    }
    while (this.heights.length <= lane) { this.heights.push(1); this.begins.push(Infinity); }
    this.heights[lane] = Math.max(this.heights[lane], row + 1);
    if (kind !== WAIT) this.begins[lane] = Math.min(this.begins[lane], this.start(place));
    const end = this.end(place);
    if (end > this.last) this.last = end;
  }

  // The span at a time in a row, within `near` seconds of it; -1 where there is none.
  find(lane, row, time, near, inside) {
    const key = lane * 65536 + row;
    const called = inside ? this.nearest(this.inner.get(key), time, near) : -1;
    return called >= 0 ? called : this.nearest(this.rows.get(key), time, near);
  }

  nearest(places, time, near) {
    if (!places) return -1;
    let low = 0, high = places.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.start(places[middle]) <= time) low = middle + 1; else high = middle;
    }
    let best = -1, away = near;
    for (let turn = Math.max(0, low - 3); turn <= low && turn < places.length; turn++) {
      const place = places[turn], end = this.end(place);
      const far = time < this.start(place) ? this.start(place) - time : time > end ? time - end : 0;
      if (far <= away) { best = place; away = far; }
    }
    return best;
  }
}

function listed(map, key) {
  let list = map.get(key);
  if (!list) map.set(key, list = []);
  return list;
}
