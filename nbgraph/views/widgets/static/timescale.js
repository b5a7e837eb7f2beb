// Round numbers on an axis of time, durations in words, and the mapping of a stretch of the axis to pixels.
// The same rules as nbgraph/views/timeline/ticks.py.

const ROUND = [10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

export function spacing(seconds, most) {
  const least = Math.max(seconds, 1e-9) / Math.max(1, most);
  if (least > 5) return ROUND.find((step) => step >= least) ?? Math.ceil(least / 86400) * 86400;
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= least * (1 - 1e-9));
}

export function tickWords(seconds, step) {
  const short = (number) => String(Number(number.toPrecision(6)));
  if (Math.abs(seconds) < 1e-12) return "0";
  if (step < 1e-3 && seconds < 1e-3) return `${short(seconds * 1e6)} µs`;
  if (seconds < 0.9999) return `${short(seconds * 1e3)} ms`;
  if (seconds < 59.9999) return `${short(seconds)} s`;
  const whole = Math.round(seconds), two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

export function durationWords(seconds) {
  for (const [below, scale, unit] of [[1e-3, 1e6, "µs"], [1, 1e3, "ms"], [60, 1, "s"]]) {
    if (seconds < below * 0.9995) return `${Number((seconds * scale).toPrecision(3))} ${unit}`;
  }
  for (const [below, small, unit, part, per] of [[3600, 1, "min", "s", 60], [86400, 60, "h", "min", 60], [Infinity, 3600, "d", "h", 24]]) {
    if (seconds < below) {
      const all = Math.round(seconds / small), rest = all % per;
      return rest ? `${Math.floor(all / per)} ${unit} ${rest} ${part}` : `${Math.floor(all / per)} ${unit}`;
    }
  }
}

// Where on the axis a run had been driven for so many seconds: ticks count those, not the gaps. And back again.
export function unfolded(folds, active) {
  let place = active;
  for (const [at, width] of folds) if (place > at) place += width;
  return place;
}

export function folded(folds, place) {
  let active = place;
  for (const [at, width] of folds) if (place > at) active -= Math.min(width, place - at);
  return active;
}

// Seconds since the epoch of a place on the axis.
export function clockOf(folds, origin, place) {
  let time = origin + place;
  for (const [at, width, seconds] of folds) {
    if (place >= at + width) time += seconds - width;
    else if (place > at) time += (place - at) * (seconds / width - 1);
  }
  return time;
}
