"""How long a frame of the timeline takes with many spans, in a real browser, while it is panned.

Prints the figures of 60 frames at 1,000, 10,000 and 50,000 spans: ``python -m tests.benchmarks.bench_timeline``.
"""

from __future__ import annotations

import sys
from random import Random
from statistics import median

from playwright.sync_api import sync_playwright

from nbgraph.views.timeline.columns import Span, packed
from tests.chromium import ARGS, found
from tests.widgets.alone import Mounted, plain

# What the page's own callback takes, and the rasterising that it leaves behind: reading a pixel waits for it.
PAN = """async (frames) => {
  const canvas = document.querySelector('.ng-tl-canvas'), box = canvas.getBoundingClientRect(), took = [], pen = canvas.getContext('2d');
  const real = window.requestAnimationFrame;
  window.requestAnimationFrame = (draw) => real((now) => { const began = performance.now(); draw(now); pen.getImageData(0, 0, 1, 1); took.push(performance.now() - began); });
  const at = (kind, x) => canvas.dispatchEvent(new PointerEvent(kind, { clientX: x, clientY: box.top + 20, pointerId: 1, bubbles: true }));
  canvas.setPointerCapture = () => {};
  at('pointerdown', box.left + 400);
  for (let frame = 0; frame < frames; frame++) {
    at('pointermove', box.left + 400 - 3 * frame);
    await new Promise((done) => real(() => real(done)));
  }
  at('pointerup', box.left);
  return took;
}"""


def spans(count: int, lanes: int = 12, rows: int = 8) -> list[Span]:
    """Return ``count`` spans, a call in every other one, in rows that are busy most of the time."""
    random, ends = Random(0), [0.0] * (lanes * rows)
    found: list[Span] = []
    while len(found) < count:
        row = random.randrange(len(ends))
        start = ends[row] + random.random() * 0.02
        ends[row] = end = start + random.expovariate(10)
        place = row % lanes, row // lanes
        status = random.choices(("done", "failed", "retried"), (95, 2, 3))[0]
        found.append(Span(start, end, *place, "attempt", status, 1, place[0], len(found) + 1))
        if random.random() < 0.5:
            found.append(Span(start, (start + end) / 2, *place, "call", "done", 1, place[0], len(found)))
    return found[:count]


def message(found: list[Span]) -> dict[str, object]:
    """Return what a page is told along with the spans."""
    names = [f"node_{number}" for number in range(12)]
    return {
        "kind": "whole", "first": 0, "labels": names, "names": names, "named": 0, "notes": [], "folds": [], "origin": 0.0,
        "end": max(span.end for span in found), "status": "completed", "latest": len(found), "going": False, "axis": "time",
        "by": "node",
    }  # fmt: skip


def measured(page: object, count: int, frames: int = 60) -> list[float]:
    """Return the milliseconds of each frame while ``count`` spans are panned."""
    state = {"run_id": "bench", "by": "node", "axis": "time", "at": None, "refused": "", "note": {}}
    mounted = Mounted(page, None, plain("timeline", "timeline", state), "widget", "light")
    found = spans(count)
    buffers = [*packed(found), *packed([])]
    print(f"{count:>6} spans: {sum(map(len, buffers)) / 1e6:.2f} MB", end="  ")
    mounted.message(message(found), buffers)
    mounted.frame()
    return mounted.page.evaluate(PAN, frames)


def main() -> int:
    """Measure and print."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found(), args=ARGS)
        for count in (1_000, 10_000, 50_000):
            page = browser.new_page(viewport={"width": 1280, "height": 700})
            took = measured(page, count)
            print(f"median {median(took):.1f} ms, worst {max(took):.1f} ms of {len(took)} frames")
            page.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
