// Durations where there is little room. The same rules as nbgraph/views/durations.py.

export function shortDuration(seconds) {
  if (!seconds) return "0 s";
  if (seconds < 0.0005) return "<1 ms";
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const long = seconds >= 3599.5, whole = Math.round(long ? seconds / 60 : seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")} ${long ? "h" : "min"}`;
}
